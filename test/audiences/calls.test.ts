import { afterAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createGateway } from '../../src/gateway.js';
import {
  defineLoader,
  idNamespace,
  type AnyCondition,
  type Comparisons,
  type CustomerRecord,
} from '../../src/index.js';
import { localSource } from '../support/local-source.js';

/**
 * 1,000 of 100,000 customers, over two systems that each take 100 keys in a call. Counts the calls, and compares them with those of
 * a program that is written for this audience alone.
 */
const CUSTOMERS = 100_000;
const KEYS_PER_CALL = 100;
const LISTED_PER_CALL = 200;

const calls = new Map<string, number>();
function count(source: string): void {
  calls.set(source, (calls.get(source) ?? 0) + 1);
}
const total = () => [...calls.values()].reduce((sum, number) => sum + number, 0);

interface Person extends CustomerRecord {
  number: number;
}

/** A system whose customers have a number of something, by which it lists and counts them. */
function system(name: string, idName: string, numbers: ReadonlyMap<number, number>) {
  const idOf = (i: number) => `${idName[0] ?? ''}${String(i).padStart(6, '0')}`;
  const people = [...numbers].map(([i, number]): Person => ({
    id: idOf(i),
    identifiers: [{ namespace: 'email', value: `c${i}@example.nl`, verified: true }],
    number,
  }));
  const byId = new Map(people.map((person) => [person.id, person]));
  const byEmail = new Map([...numbers.keys()].map((i) => [`c${i}@example.nl`, byId.get(idOf(i))]));
  const finds = (found: ReadonlyMap<string, Person | undefined>) => (keys: readonly string[]) => {
    count(name);
    return Promise.resolve(
      keys.map((key): Person[] => {
        const person = found.get(key);
        return person === undefined ? [] : [person];
      }),
    );
  };
  const listed = ({ atLeast = 0, atMost = Infinity }: Comparisons['COUNT']) =>
    people.filter(({ number }) => number >= atLeast && number <= atMost).map(({ id }) => id);
  const identity = {
    recordKey: idName,
    yields: { email: 'one' as const },
    foundBy: {
      [idName]: {
        uniqueness: 'enforced' as const,
        loader: defineLoader({ name: 'byId', maxBatch: KEYS_PER_CALL, load: finds(byId) }),
      },
      email: {
        uniqueness: 'enforced' as const,
        loader: defineLoader({ name: 'byEmail', maxBatch: KEYS_PER_CALL, load: finds(byEmail) }),
      },
    },
  };
  const condition: AnyCondition = {
    name: `${name}Count`,
    description: 'A number.',
    type: 'COUNT',
    shownBy: `Customer.${name}Count`,
    read: async (customer) => (await customer.record(identity))?.number ?? 0,
    list: {
      maxPerCall: LISTED_PER_CALL,
      loader: defineLoader({
        name: 'list',
        load: (requests) => {
          count(name);
          return Promise.resolve(
            requests.map(({ comparison, after, first }) => {
              const rest = listed(comparison).filter((id) => after === null || id > after);
              return { recordIds: rest.slice(0, first), hasMore: rest.length > first };
            }),
          );
        },
      }),
      count: defineLoader({
        name: 'count',
        load: (comparisons) => {
          count(name);
          return Promise.resolve(comparisons.map((comparison) => listed(comparison).length));
        },
      }),
    },
  };
  return localSource(name, {
    namespaces: [idNamespace(idName, 'An id.', /^\w\d{6}$/)],
    identity,
    conditions: [condition],
    resolvers: {
      Customer: {
        [`${name}Count`]: async (customer: Parameters<typeof condition.read>[0]) =>
          (await customer.record(identity))?.number,
      },
    },
  });
}

const each = (step: number, numberOf: (i: number) => number) =>
  new Map(
    Array.from({ length: CUSTOMERS / step }, (_, place) => [place * step, numberOf(place * step)] as const),
  );
/** 5,000 customers have an unpaid bill. */
const bills = system(
  'bills',
  'billId',
  each(10, (i) => (i % 20 === 0 ? 1 : 0)),
);
/** A third of all customers bought little, and 1,000 of those with a bill. */
const shop = system(
  'shop',
  'shopId',
  each(1, (i) => (i % 20 === 0 ? (i % 100 === 0 ? 1 : 5) : i % 3 === 1 ? 1 : 3)),
);

const sdlOf = (name: string, id: string) =>
  `type Customer @foundBy(identifier: "${id}") { "A number." ${name}Count: Int @personalData(category: NONE) }`;
const gateway = createGateway({
  sources: [bills.source, shop.source],
  environment: {
    ...{ ID_SECRET: 'a secret of the tests', AUTH: 'off', LOG_LEVEL: 'silent', DEADLINE_MS: '60000' },
    ...bills.environment,
    ...shop.environment,
  },
  sdl: { bills: sdlOf('bills', 'billId'), shop: sdlOf('shop', 'shopId') },
  auditStream: { write: () => true } as never,
});
afterAll(() => gateway.close());
beforeEach(() => {
  calls.clear();
});

const WHERE = { all: [{ shopCount: { atMost: 2 } }, { billsCount: { atLeast: 1 } }] };

async function post<T>(query: string, variables: object, data: z.ZodType<T>): Promise<T> {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return z.object({ data }).parse(await response.json()).data;
}

const Plan = z.object({
  audiencePlan: z.object({
    callCount: z.number(),
    expectedCallCount: z.number(),
    listedBy: z.array(z.string()),
  }),
});
const Page = z.object({
  audience: z.object({
    nodes: z.array(z.object({ id: z.string() })),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string() }),
  }),
});

test('an audience of 1,000 of 100,000 customers takes at most 1.2 times the calls of the best order, and no page more than its plan', async () => {
  const { audiencePlan } = await post(
    'query ($where: AudienceCondition!) { audiencePlan(where: $where) { callCount expectedCallCount listedBy } }',
    { where: WHERE },
    Plan,
  );
  expect(total()).toBe(0);
  let members = 0;
  let before = 0;
  for (let after: string | null = null; ;) {
    const { audience }: z.infer<typeof Page> = await post(
      `query ($where: AudienceCondition!, $after: String) {
        audience(where: $where, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
      }`,
      { where: WHERE, after },
      Page,
    );
    members += audience.nodes.length;
    expect(total() - before).toBeLessThanOrEqual(audiencePlan.callCount);
    if (before === 0) {
      // A page examines five parts at most, and this one needs three.
      expect(total()).toBeLessThanOrEqual(audiencePlan.expectedCallCount);
      expect(audiencePlan.expectedCallCount).toBeLessThanOrEqual(2 * total());
    }
    before = total();
    if (!audience.pageInfo.hasNextPage) break;
    after = audience.pageInfo.endCursor;
  }
  expect(members).toBe(CUSTOMERS / 100);
  // List the 5,000 customers with a bill, read their records, and find them in the shop.
  const best = Math.ceil(CUSTOMERS / 20 / LISTED_PER_CALL) + 2 * Math.ceil(CUSTOMERS / 20 / KEYS_PER_CALL);
  expect(total()).toBeLessThanOrEqual(1.2 * best);
});
