import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { Client } from '../../src/connectors/connector.js';
import { SourceContractError } from '../../src/errors.js';
import { declaredSource, describeProblem } from '../../src/index.js';
import type { Loader } from '../../src/loaders/loader.js';

/** Tests random answers of a system against a simple second implementation. */

const SDL = `type Customer {
  items: [Item!] @personalData(category: TRAIT) @authenticated
}
type Item @personalData(category: TRAIT) { id: ID! state: State price: Money }
enum State { ACTIVE GONE }`;

const FIELDS = `fields:
  Customer.items: { call: items }
  Item.state: { from: status, enum: { a: ACTIVE, g: GONE } }
  Item.price: { from: cents, money: { minorUnits: 2, currency: EUR } }
`;

interface Row {
  id: number;
  owner: string | null;
  status: string | null;
  cents: number | null;
}
type Matching = 'exact' | 'lower' | 'loose' | 'collation';

/** Creates a client of a system that answers each call with these rows. */
interface Kind {
  yaml: (matching: Matching) => string;
  clientOf: (rows: readonly Row[]) => unknown;
}

const KINDS: Record<'rest' | 'sql' | 'graphql', Kind> = {
  rest: {
    yaml: (matching) => `connect: { rest: "\${ITEMS_URL}", ping: /ping }
calls:
  items: { get: "/items?owner={keys|csv}", rows: data, key: owner, id: id, matching: ${matching} }`,
    clientOf: (rows) => ({ get: (shape: z.ZodType) => Promise.resolve(shape.parse({ data: rows })) }),
  },
  sql: {
    yaml: (matching) => `connect: { sql: "\${ITEMS_URL}" }
calls:
  items: { from: item, by: owner, id: id, matching: ${matching} }`,
    clientOf: (rows) => ({ rows: () => Promise.resolve(rows), checkPlan: () => Promise.resolve() }),
  },
  graphql: {
    yaml: (matching) => `connect: { graphql: "\${ITEMS_URL}" }
calls:
  items: { field: "items(of: $keys)", key: owner, id: id, matching: ${matching} }`,
    clientOf: (rows) => ({ query: () => Promise.resolve({ data: { k0: rows }, errors: [] }) }),
  },
};

function loaderOf(kind: Kind, matching: Matching): Loader<Client, string, unknown> {
  const yaml = `source: items\n${kind.yaml(matching)}\nheldIdentifiers: [email]\n${FIELDS}`;
  const result = declaredSource({ file: 'items.yaml', yaml, sdlFile: 'items.graphql', sdl: SDL });
  if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
  const [loader] = result.source.loaders as unknown as readonly Loader<Client, string, unknown>[];
  if (loader === undefined) throw new Error('The call has no loader.');
  return loader;
}

/**
 * Returns the expected result of each key: its items, or a mismatch in one of them. Refused: the answer is invalid
 * for all keys.
 */
function evaluate(keys: readonly string[], rows: readonly Row[], matching: Matching): unknown {
  const lower = (text: string) => text.toLowerCase();
  const fold = matching === 'lower' ? lower : (text: string) => text;
  for (const { owner } of rows) {
    if (matching === 'loose' || (owner !== null && keys.some((key) => fold(key) === fold(owner)))) continue;
    const isAlike = owner !== null && keys.some((key) => lower(key) === lower(owner));
    if (matching !== 'collation' || !isAlike) return 'refused';
  }
  return keys.map((key) => {
    const items: Row[] = [];
    for (const row of rows)
      if (row.owner !== null && fold(row.owner) === fold(key) && items.every(({ id }) => id !== row.id))
        items.push(row);
    if (items.some(({ status, cents }) => status === 'x' || cents === 0.5)) return 'not understood';
    return items.map(({ id, status, cents }) => ({
      id: String(id),
      state: status === null ? null : status === 'a' ? 'ACTIVE' : 'GONE',
      price: cents === null ? null : { amount: (cents / 100).toFixed(2), currency: 'EUR' },
    }));
  });
}

async function load(loader: Loader<Client, string, unknown>, kind: Kind, keys: string[], rows: Row[]) {
  const client = kind.clientOf(rows) as Client;
  try {
    const values = await loader.load(keys, client);
    return values.map((value) => (value instanceof SourceContractError ? 'not understood' : value));
  } catch (error) {
    if (error instanceof SourceContractError) return 'refused';
    throw error;
  }
}

const KEYS = ['a', 'A', 'b', 'B', 'ab'];
/** Creates mostly rows of these keys, because any other row makes the answer invalid for all keys. */
const rowsOf = (keys: readonly string[]) =>
  fc.array(
    fc.record({
      id: fc.integer({ min: 1, max: 6 }),
      owner: fc.oneof(
        { weight: 30, arbitrary: fc.constantFrom(...keys) },
        { weight: 1, arbitrary: fc.constantFrom(...KEYS, 'z') },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      status: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom('a', 'g', null) },
        { weight: 1, arbitrary: fc.constant('x') },
      ),
      cents: fc.oneof(
        { weight: 20, arbitrary: fc.option(fc.integer({ min: -100_000, max: 100_000 }), { nil: null }) },
        { weight: 1, arbitrary: fc.constant(0.5) },
      ),
    }),
    { maxLength: 12 },
  );
const batches = fc
  .uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 4 })
  .chain((keys) => fc.tuple(fc.constant(keys), rowsOf(keys)));

test.each([
  ['rest', 'exact'],
  ['rest', 'lower'],
  ['rest', 'loose'],
  ['rest', 'collation'],
  ['sql', 'collation'],
  ['graphql', 'exact'],
  ['graphql', 'lower'],
  ['graphql', 'loose'],
] as const)('%s: each key receives exactly its records, with %s keys', async (name, matching) => {
  const kind = KINDS[name];
  const loader = loaderOf(kind, matching);
  const seen = { refused: 0, answered: 0 };
  await fc.assert(
    fc.asyncProperty(batches, async ([keys, rows]) => {
      const expected = evaluate(keys, rows, matching);
      seen[expected === 'refused' ? 'refused' : 'answered'] += 1;
      expect(await load(loader, kind, keys, rows)).toEqual(expected);
    }),
    { numRuns: 300 },
  );
  // The test is useful only if some answers are accepted.
  expect(seen.answered).toBeGreaterThan(50);
});

const ALIASES: Kind = {
  yaml: (matching) => `connect: { graphql: "\${ITEMS_URL}" }
calls:
  items: { field: "items(of: $key, after: $after)", rows: nodes, page: { maxItems: 100, maxPages: 20 }, key: owner, id: id, matching: ${matching} }`,
  clientOf: () => undefined,
};

/** The list of a key in pages of two rows. `failsAt` is the first row of the page that fails. */
interface AliasList {
  rows: readonly Row[];
  failsAt: number | null;
}

test.each(['exact', 'lower', 'loose'] as const)(
  'graphql: each alias receives the records of all its pages or its error, with %s keys',
  async (matching) => {
    const loader = loaderOf(ALIASES, matching);
    const outcomes = { failed: 0, answered: 0 };
    const lists = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 4 }).chain((keys) =>
      fc.tuple(
        fc.constant(keys),
        fc.tuple(
          ...keys.map((key) =>
            fc.record({
              rows: rowsOf([key]),
              failsAt: fc.oneof(
                { weight: 8, arbitrary: fc.constant(null) },
                { weight: 1, arbitrary: fc.nat(6).map((n) => 2 * n) },
              ),
            }),
          ),
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(lists, async ([keys, found]: [string[], AliasList[]]) => {
        const listOf = new Map(keys.map((key, i) => [key, found[i]]));
        const client = {
          query: (_: string, variables: Readonly<Record<string, string>>) => {
            const data: Record<string, unknown> = {};
            const errors: object[] = [];
            for (let i = 0; variables[`key${i}`] !== undefined; i += 1) {
              const { rows = [], failsAt = null } = listOf.get(variables[`key${i}`] ?? '') ?? {};
              const start = Number(variables[`after${i}`] ?? 0);
              data[`k${i}`] =
                start === failsAt
                  ? null
                  : {
                      nodes: rows.slice(start, start + 2),
                      pageInfo: { hasNextPage: start + 2 < rows.length, endCursor: String(start + 2) },
                    };
              if (start === failsAt)
                errors.push({ path: [`k${i}`], error: new SourceContractError('items', 'It failed.') });
            }
            return Promise.resolve({ data, errors });
          },
        };
        const expected = keys.map((key, i) => {
          const { rows = [], failsAt = null } = found[i] ?? {};
          if (failsAt !== null && (failsAt === 0 || failsAt < rows.length)) return 'not understood';
          const values = evaluate([key], rows, matching);
          return Array.isArray(values) ? (values[0] as unknown) : 'not understood';
        });
        for (const value of expected) outcomes[Array.isArray(value) ? 'answered' : 'failed'] += 1;
        expect(await load(loader, { ...ALIASES, clientOf: () => client }, keys, [])).toEqual(expected);
      }),
      { numRuns: 300 },
    );
    expect(outcomes.answered).toBeGreaterThan(50);
    expect(outcomes.failed).toBeGreaterThan(50);
  },
);
