import type { Client } from '../../src/connectors/connector.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { defineLoader, idNamespace, type Context, type Customer } from '../../src/index.js';
import type { Environment } from '../../src/settings.js';
import type { SourceLimits } from '../../src/source.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';

/** The recorded calls of a test system, and its current behaviour. */
export interface LocalSystem {
  /** The keys of each call. */
  calls: string[][];
  /** The text that the system returns for each person. */
  text: string;
  isUnavailable: boolean;
  /** The system answers after this promise is settled. */
  answersAfter: Promise<unknown>;
}

export interface People {
  gateway: TestGateway;
  clock: FakeClock;
  systems: ReadonlyMap<string, LocalSystem>;
  system: (name: string) => LocalSystem;
  send(
    query: string,
    headers?: Record<string, string>,
    email?: string,
  ): Promise<{
    headers: Headers;
    data: { customer: Record<string, unknown> | null };
    errors: { path: string[]; extensions: Record<string, unknown> }[];
    sources: Record<string, Record<string, unknown>> | undefined;
  }>;
}

export interface PeopleOptions {
  /** The limits of each system. */
  limits?: SourceLimits;
  /** The folder of the persisted operations. */
  operations?: URL;
}

/**
 * Creates a gateway with in-process systems. `people` has a record of every person. Each other system has one field of
 * Customer, with the name of the system.
 */
export function createPeople(
  freshnessOf: Record<string, FreshnessOptions>,
  environment: Environment = {},
  { limits = {}, operations }: PeopleOptions = {},
): People {
  const clock = fakeClock();
  const systems = new Map<string, LocalSystem>();
  const parts = Object.entries({ people: { maxAge: '1 hour' as const }, ...freshnessOf }).map(
    ([name, freshness]) => {
      const system: LocalSystem = {
        calls: [],
        text: name,
        isUnavailable: false,
        answersAfter: Promise.resolve(),
      };
      systems.set(name, system);
      const send = async (keys: readonly string[]): Promise<void> => {
        system.calls.push([...keys]);
        await system.answersAfter;
        if (system.isUnavailable) throw new SourceUnavailableError(name, `${name} cannot be reached.`);
      };
      const sayings = defineLoader<Client, string, string>({
        name: 'sayings',
        load: async (keys) => {
          await send(keys);
          return keys.map(() => system.text);
        },
      });
      const idOf = (email: string) => email.slice(0, email.indexOf('@'));
      const person = (id: string) => ({
        id,
        profile: { name: system.text },
        identifiers: [{ namespace: 'email', value: `${id}@example.nl`, verified: true }],
      });
      const byEmail = defineLoader<Client, string, ReturnType<typeof person>[]>({
        name: 'byEmail',
        load: async (emails) => {
          await send(emails);
          return emails.map((email) => [person(idOf(email))]);
        },
      });
      const byId = defineLoader<Client, string, ReturnType<typeof person>[]>({
        name: 'byId',
        load: async (ids) => {
          await send(ids);
          return ids.map((id) => [person(id)]);
        },
      });
      const source = localSource(name, {
        freshness,
        limits: { retries: 0, ...limits },
        ...(name === 'people'
          ? {
              namespaces: [idNamespace('personId', 'The id of a person in the system.', /^[a-z]{1,20}$/)],
              identity: {
                recordKey: 'personId',
                foundBy: {
                  email: { uniqueness: 'enforced', loader: byEmail },
                  personId: { uniqueness: 'enforced', loader: byId },
                },
                yields: { email: 'one' },
              },
            }
          : {
              loaders: [sayings],
              resolvers: {
                Customer: {
                  [name]: async (customer: Customer, _: unknown, { load }: Context) => {
                    const id = await customer.identifier('personId');
                    return id === null ? null : load(sayings, id);
                  },
                },
              },
            }),
      });
      const sdl =
        name === 'people'
          ? 'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }'
          : `type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "The text of the system." ${name}: String }`;
      return { ...source, sdl: { [name]: sdl } };
    },
  );
  const gateway = createTestGateway(
    Object.assign({}, ...parts.map((part) => part.environment), environment) as Environment,
    {
      clock,
      ...(operations === undefined ? {} : { operations }),
      sources: parts.map(({ source }) => source),
      sdl: Object.assign({}, ...parts.map(({ sdl }) => sdl)) as Record<string, string>,
    },
  );
  return {
    gateway,
    clock,
    systems,
    system: (name) => {
      const found = systems.get(name);
      if (found === undefined) throw new Error(`The gateway has no system ${name}.`);
      return found;
    },
    send: async (query, headers = {}, email = 'jan@example.nl') => {
      const response = await gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query: `{ customer(by: { email: "${email}" }) { ${query} } }` }),
      });
      const body = (await response.json()) as {
        data: { customer: Record<string, unknown> | null };
        errors?: { path: string[]; extensions: Record<string, unknown> }[];
        extensions?: { sources?: Record<string, Record<string, unknown>> };
      };
      return {
        headers: response.headers,
        data: body.data,
        errors: body.errors ?? [],
        sources: body.extensions?.sources,
      };
    },
  };
}
