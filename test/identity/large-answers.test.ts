import { countSteps } from '../support/count-steps.js';
import { expect, test, vi } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import type { CustomerRecord, IdentityDeclaration } from '../../src/identity/declaration.js';
import { createIdentities, type IdentityRules } from '../../src/identity/identity-graph.js';
import { commonNamespaces, idNamespace } from '../../src/identity/identifiers.js';
import type { Load } from '../../src/loaders/registry.js';
import { loadersOf } from '../support/loaders-of.js';

/** The number of steps for a large answer or a long list may grow only in proportion to its length. */

const SIZE = 80;
const client: Client = { ping: () => Promise.resolve() };

type Records = (namespace: string, value: string) => readonly CustomerRecord[];

/** Identities over two systems: people, found by e-mail address, and letters, found by e-mail address or by card. */
function identitiesOver({
  people = () => [],
  letters = () => [],
  identity = {},
  oneByOne = false,
}: {
  people?: Records;
  letters?: Records;
  identity?: Partial<IdentityDeclaration<Client>>;
  /** Whether each key is answered separately, in the reverse order of the keys. */
  oneByOne?: boolean;
}) {
  const foundBy = (records: Records, uniqueness: 'enforced' | 'usual', ...namespaces: string[]) =>
    Object.fromEntries(
      namespaces.map((namespace) => [
        namespace,
        {
          uniqueness,
          loader: {
            name: namespace,
            load: (values: readonly string[]) =>
              Promise.resolve(values.map((value) => records(namespace, value))),
            ...(oneByOne ? { loadEach: () => [] } : {}),
          },
        },
      ]),
    );
  const rules: IdentityRules = {
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 60_000 },
    namespaces: new Map(
      [
        ...commonNamespaces('NL'),
        { ...idNamespace('card', 'A card.', /^c\d+$/), perCustomer: 'one' as const },
        idNamespace('person', 'An id.', /^p\d+$/),
        idNamespace('letter', 'An id.', /^l\d+$/),
      ].map((namespace) => [namespace.name, namespace]),
    ),
    sources: [
      {
        name: 'people',
        identity: {
          recordKey: 'person',
          foundBy: { ...foundBy(people, 'usual', 'email'), ...foundBy(() => [], 'enforced', 'person') },
          yields: { email: 'several', card: 'several' },
          ...identity,
        },
      },
      {
        name: 'letters',
        identity: {
          recordKey: 'letter',
          foundBy: {
            ...foundBy(letters, 'usual', 'email', 'card'),
            ...foundBy(() => [], 'enforced', 'letter'),
          },
          yields: { email: 'several', card: 'several' },
        },
      },
    ],
  };
  let answered = 0;
  const load: Load = async (loader, key) => {
    const [value] = await loader.load([key], client as never);
    answered += 1;
    if (oneByOne) for (let step = answered; step <= SIZE * 2; step += 1) await Promise.resolve();
    if (value instanceof Error) throw value;
    if (value === undefined) throw new Error('no answer');
    return value;
  };
  return createIdentities(rules, loadersOf(load));
}

const eva = (id: string, ...current: CustomerRecord['identifiers']): CustomerRecord => ({
  id,
  identifiers: [{ namespace: 'email', value: 'eva@example.nl', verified: true }, ...current],
});
const many = (count: number, recordOf: (i: number) => CustomerRecord) =>
  Array.from({ length: count }, (_, i) => recordOf(i));

const START = { namespace: 'email', value: 'eva@example.nl' };

/** Returns the match of one customer over all systems, with all evidence. */
async function match(options: Parameters<typeof identitiesOver>[0]) {
  const { kind, candidates, links, findings, conflicts } = await identitiesOver(options)
    .of(START)
    .fullMatch();
  return { kind, candidates, links: links.length, findings: findings.length, conflicts: conflicts.length };
}

/** A hundred fields of a list each need one system of one customer. */
async function findEach(size: number) {
  const identities = identitiesOver({
    oneByOne: true,
    people: (_, value) => [{ id: `p${value.replace(/\D/g, '')}`, identifiers: [] }],
  });
  const starts = Array.from({ length: size }, (_, i) => ({ namespace: 'email', value: `a${i}@example.nl` }));
  const wanted = new Set(['people', 'letters']);
  const known = starts.map((start) => identities.of(start).isKnown(wanted));
  const found = starts.map((start) => identities.of(start).findIn('letters'));
  await identities.walkTogether(starts, wanted);
  return { known: new Set(await Promise.all(known)).size, found: (await Promise.all(found)).length };
}

const card = (i: number) => ({ namespace: 'card', value: `c${i}` });
const joined = { sameCustomer: () => true };

test.each<[string, (size: number) => Promise<object>, object]>([
  [
    'people with one address',
    (size) => match({ people: () => many(size, (i) => eva(`p${i}`)) }),
    { kind: 'ambiguous', candidates: SIZE, links: SIZE, findings: SIZE },
  ],
  [
    'people with one address that their system joins',
    (size) => match({ people: () => many(size, (i) => eva(`p${i}`)), identity: joined }),
    { kind: 'identified', links: 2 * SIZE, findings: SIZE },
  ],
  [
    'people with one address that their system joins, and a letter with another card',
    (size) =>
      match({
        people: () => many(size, (i) => eva(`p${i}`, card(i))),
        letters: () => [eva('l1', card(9_999))],
        identity: joined,
      }),
    { kind: 'ambiguous', candidates: 2 },
  ],
  [
    'a person with many addresses, and a letter',
    (size) =>
      match({
        letters: () => [eva('l1')],
        people: () => [
          eva(
            'p1',
            ...Array.from({ length: size }, (_, i) => ({ namespace: 'email', value: `a${i}@example.nl` })),
          ),
        ],
      }),
    { kind: 'identified' },
  ],
  ['a list of customers whose systems answer the keys one by one', findEach, { known: 1, found: SIZE }],
])('needs steps in proportion to its length: %s', async (_, work, result) => {
  expect(await work(SIZE)).toMatchObject(result);
  const stepsOf = (size: number) => countSteps('identity', () => work(size));
  const [some, twice] = [await stepsOf(SIZE), await stepsOf(2 * SIZE)];
  expect(twice / some).toBeLessThan(2.2);
});

test('compares each pair of records in an answer at most once by the rule of their system', async () => {
  const count = 40;
  const sameCustomer = vi.fn(() => false);
  const people = () => many(count, (i) => eva(`p${i}`, card(1)));
  expect(await match({ people, identity: { sameCustomer } })).toMatchObject({ candidates: count });
  expect(sameCustomer).toHaveBeenCalledTimes((count * (count - 1)) / 2);
});

test('compares no records of an answer that has more than a thousand, so nobody is shown', async () => {
  const sameCustomer = vi.fn(() => true);
  const people = () => many(1_001, (i) => eva(`p${i}`));
  expect(await match({ people, identity: { sameCustomer } })).toMatchObject({
    kind: 'ambiguous',
    candidates: 1_001,
  });
  expect(sameCustomer).not.toHaveBeenCalled();
});
