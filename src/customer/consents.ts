import type { FreshnessOptions } from '../cache/freshness.js';
import type { Client } from '../connectors/connector.js';
import { ConfigError } from '../errors.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import type { ConsentDeclaration, ConsentStatement } from './consent-declaration.js';
import type { Context, Customer } from './customer.js';
import type { Consent, Purpose } from './schema.generated.js';

/** A source that holds consent. */
export interface ConsentSource {
  name: string;
  consents: ConsentDeclaration;
}

/** What one system says of a customer. */
export interface ConsentAnswer {
  source: string;
  statements: readonly ConsentStatement[];
  /** Why it could not be asked, though it may have something to say. */
  error?: unknown;
}

/** What customers allow and forbid, over all systems that hold it. */
export interface Consents {
  /** The names of these systems. */
  sources: readonly string[];
  /** All that they say. Throws the error of one that cannot be asked: without it a withdrawal might be missing. */
  ofCustomer(customer: Customer, context: Context): Promise<Consent[]>;
  /** What those say that may say something about the purpose, asked in parallel. Does not fail. */
  answersFor(purpose: Purpose, customer: Customer, context: Context): Promise<readonly ConsentAnswer[]>;
}

/**
 * Each part is said, since what a loader leaves out is its source's: a grant that outlives the system's silence could be
 * one that was withdrawn.
 */
const FRESHNESS = {
  maxAge: '5 s',
  staleWhileRevalidate: '0 s',
  staleIfError: '0 s',
  notFoundMaxAge: '5 s',
} as const satisfies FreshnessOptions;

/** Registers the loader that a source's consent is asked by. Throws a ConfigError when the source keeps no customers. */
export function addConsentLoader(
  source: LoadedSource<Client>,
  { ofRecord }: ConsentDeclaration,
  recordKey: string | undefined,
  registry: LoaderRegistry,
): void {
  if (recordKey === undefined)
    throw new ConfigError([
      `${source.name} tells of consent, so it must say who its customers are: declare its identity.`,
    ]);
  const loader = {
    ...ofRecord,
    freshness: FRESHNESS,
    about: (value: string) => [{ namespace: recordKey, value }],
  };
  registry.add(source, loader, undefined, ofRecord);
}

export function createConsents(sources: readonly ConsentSource[]): Consents {
  const able = new Map<Purpose, ConsentSource[]>();
  for (const source of sources)
    for (const purpose of source.consents.purposes) able.set(purpose, [...(able.get(purpose) ?? []), source]);

  return {
    sources: sources.map(({ name }) => name),
    ofCustomer: async (customer, context) => {
      const answers = await askAll(sources, customer, context);
      const failed = answers.find(({ error }) => error !== undefined);
      if (failed !== undefined) throw failed.error;
      return answers.flatMap(({ source, statements }) =>
        statements.map(({ channel = null, updatedAt = null, evidence = null, ...statement }) => ({
          ...statement,
          source,
          channel,
          updatedAt,
          evidence,
        })),
      );
    },
    answersFor: (purpose, customer, context) => askAll(able.get(purpose) ?? [], customer, context),
  };
}

function askAll(
  sources: readonly ConsentSource[],
  customer: Customer,
  context: Context,
): Promise<ConsentAnswer[]> {
  return Promise.all(sources.map((source) => answerOf(source, customer, context)));
}

/** All the customer's records in the system count. */
async function answerOf(
  { name: source, consents: { ofRecord } }: ConsentSource,
  { identity }: Customer,
  { load }: Context,
): Promise<ConsentAnswer> {
  try {
    const outcome = await identity.find(source);
    if (outcome.kind === 'failed') return { source, statements: NOTHING, error: outcome.error };
    if (outcome.kind === 'unknown') return { source, statements: NOTHING };
    const asked = outcome.records.map(({ id }) => load(ofRecord, id));
    const [first, ...others] = asked;
    if (first !== undefined && others.length === 0) return { source, statements: await first };
    return { source, statements: (await Promise.all(asked)).flat() };
  } catch (error) {
    return { source, statements: NOTHING, error };
  }
}

const NOTHING: readonly ConsentStatement[] = [];
