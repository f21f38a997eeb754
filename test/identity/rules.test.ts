import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { ConfigError } from '../../src/errors.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from '../../src/identity/declaration.js';
import { idNamespace, normalise, normaliseIn } from '../../src/identity/identifiers.js';
import { addIdentityLoaders, createIdentityRules, lookupNamespaces } from '../../src/identity/rules.js';
import type { Loader } from '../../src/loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../../src/loaders/registry.js';

const CONFIG = {
  defaultRegion: 'NL',
  identityBlockedValues: new Set(['nobody']),
  identityBlockedDomains: new Set(['blocked.example']),
  identityRoleMailboxes: new Set(['desk']),
  identityPatienceMs: 70,
};

type Records = Loader<Client, string, readonly CustomerRecord[]>;
const records = (name: string): Records => ({ name, load: () => Promise.resolve([]) });
const shopId = idNamespace('shopId', 'An id.', /^\w+$/);

const identity = (parts: Partial<IdentityDeclaration<Client>> = {}): IdentityDeclaration<Client> => ({
  recordKey: 'shopId',
  yields: { email: 'one' },
  foundBy: {
    shopId: { uniqueness: 'enforced', loader: records('byId') },
    email: { uniqueness: 'usual', loader: records('byEmail') },
  },
  ...parts,
});

const rulesOf = (...sources: Parameters<typeof createIdentityRules>[0]) =>
  createIdentityRules(sources, CONFIG, () => undefined);
const shop = { name: 'shop', namespaces: [shopId], identity: identity() };

function problemsOf(...sources: Parameters<typeof createIdentityRules>[0]): readonly string[] {
  try {
    rulesOf(...sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the rules', () => {
  test('have the sources that identify customers, in their order, and the limits of a walk', () => {
    const onLimit = () => undefined;
    const desk = { name: 'desk', identity: identity({ recordKey: 'email' }) };
    const rules = createIdentityRules([desk, { name: 'weather' }, shop], CONFIG, onLimit);
    expect(rules.sources.map(({ name }) => name)).toEqual(['desk', 'shop']);
    expect(rules.onLimit).toBe(onLimit);
    expect(rules.limits).toEqual({
      maxHops: 3,
      maxValuesPerNamespace: 5,
      maxIdentifiers: 50,
      patienceMs: 70,
    });
  });

  test.each<[string, string, boolean]>([
    ['email', 'nobody@example.nl', false],
    ['email', 'eva@shop.blocked.example', false],
    ['email', 'eva@example.nl', true],
    ['visitorId', 'nobody', false],
    ['shopId', 'nobody', false],
    ['shopId', 'eva', true],
    // A source decides which of its ids do not identify a customer.
    ['deskId', 'nobody', true],
    ['deskId', 'desk', false],
  ])('apply the blocklists of the settings: %s %s is an identifier: %s', (namespace, value, isOne) => {
    const deskId: Namespace = {
      ...idNamespace('deskId', 'An id.', /^\w+$/),
      blockedValues: new Set(['desk']),
    };
    const rules = rulesOf({ ...shop, namespaces: [shopId, deskId] });
    expect(normaliseIn(rules, namespace, value) !== null).toBe(isOne);
  });

  test('know the role mailboxes of the settings, which link no records', () => {
    const email = rulesOf(shop).namespaces.get('email');
    expect(['desk@example.nl', 'eva@example.nl'].map((value) => email?.mayLink?.(value))).toEqual([
      false,
      true,
    ]);
  });

  test.each<[string, Parameters<typeof createIdentityRules>[0], string[]]>([
    ['that no other source has does not prevent the start', [shop], []],
    ['that no source declares does not prevent the start', [{ name: 'weather' }], []],
    [
      'of another source prevents the start',
      [shop, { name: 'desk', namespaces: [shopId] }],
      ['desk declares the namespace "shopId", which exists already. Choose another name.'],
    ],
    [
      'that all systems have prevents the start',
      [{ name: 'desk', namespaces: [idNamespace('email', 'An id.', /^\w+$/)] }],
      ['desk declares the namespace "email", which exists already. Choose another name.'],
    ],
    [
      'with the name of the id of a customer prevents the start',
      [{ name: 'desk', namespaces: [idNamespace('id', 'An id.', /^\w+$/)] }],
      ['desk declares the namespace "id", which exists already. Choose another name.'],
    ],
    [
      'without a lookup of its records prevents the start',
      [{ ...shop, identity: identity({ foundBy: {} }) }],
      ['shop has the recordKey "shopId", so its identity.foundBy must contain it.'],
    ],
    [
      'without a declaration prevents the start, and all problems are named',
      [
        { name: 'shop', identity: identity() },
        { name: 'desk', identity: identity({ recordKey: 'deskId', foundBy: {} }) },
      ],
      [
        'shop is found by "shopId", which no source declares. Declare the namespace.',
        'desk has the recordKey "deskId", so its identity.foundBy must contain it.',
        'desk is found by "deskId", which no source declares. Declare the namespace.',
      ],
    ],
  ])('a namespace %s', (_, sources, problems) => {
    expect(problemsOf(...sources)).toEqual(problems);
  });
});

test('customers are found only by the namespaces that a plugged-in source can look up', () => {
  expect(lookupNamespaces(rulesOf(shop)).map(({ name }) => name)).toEqual(['email', 'shopId']);
  expect(lookupNamespaces(rulesOf({ name: 'weather', namespaces: [shopId] }))).toEqual([]);
});

describe('the answer of a lookup', () => {
  const byBoth = records('byBoth');
  const declaration = identity({
    foundBy: {
      shopId: { uniqueness: 'enforced', loader: byBoth },
      email: { uniqueness: 'usual', loader: byBoth },
      phone: { uniqueness: 'none', loader: records('byPhone') },
    },
  });
  const rules = rulesOf({ ...shop, identity: declaration });
  const added: { loader: Records; link: unknown; registeredAs: unknown }[] = [];
  const keys = addIdentityLoaders(
    { name: 'shop' } as LoadedSource<Client>,
    declaration,
    {
      add: (_: unknown, loader: Records, link: unknown, registeredAs: unknown) =>
        added.push({ loader, link, registeredAs }),
    } as unknown as LoaderRegistry,
    rules,
  );
  const identifier = (namespace: string, value: string) => ({ namespace, value });
  const EVA: CustomerRecord = {
    id: 'e1',
    identifiers: [
      { namespace: 'email', value: 'Eva@Example.nl' },
      { namespace: 'phone', value: 'unknown' },
    ],
  };

  test('comes from one loader for each declaration, even if several namespaces use it', () => {
    expect(added.map(({ registeredAs }) => registeredAs)).toEqual(keys);
    expect(keys).toEqual([byBoth, declaration.foundBy['phone']?.loader]);
  });

  test('is about the key in each of its namespaces, the record and all its identifiers', () => {
    expect(added[0]?.loader.about?.('eva@example.nl', [EVA])).toEqual([
      identifier('shopId', 'eva@example.nl'),
      identifier('email', 'eva@example.nl'),
      // The links of the record: the key is not an id of the shop, so the record is linked to the address alone.
      identifier('email', 'eva@example.nl'),
      identifier('shopId', 'e1'),
      identifier('email', 'eva@example.nl'),
    ]);
  });

  test('is about its key when it is empty, so that a new record is found after an event', () => {
    expect(added[0]?.loader.about?.('e1', [])).toEqual([
      identifier('shopId', 'e1'),
      identifier('email', 'e1'),
    ]);
    expect(added[1]?.loader.about?.('+31612345678', [])).toEqual([identifier('phone', '+31612345678')]);
  });

  test('links the identifiers of each record, and not those of two records', () => {
    const link = added[1]?.link as (key: string, records: readonly CustomerRecord[]) => unknown;
    expect(link('+31612345678', [EVA, { id: 'e2', identifiers: [] }])).toEqual([
      [
        identifier('phone', '+31612345678'),
        identifier('shopId', 'e1'),
        identifier('email', 'eva@example.nl'),
      ],
      [identifier('phone', '+31612345678'), identifier('shopId', 'e2')],
    ]);
  });
});

test('values are cached for each namespace separately', () => {
  const digits = idNamespace('digits', 'A number.', /^\d+$/);
  const words = idNamespace('words', 'A word.', /^\w+$/);
  for (let time = 0; time < 2; time += 1) {
    expect(normalise(digits, '12')).toEqual({ namespace: 'digits', value: '12' });
    expect(normalise(words, '12')).toEqual({ namespace: 'words', value: '12' });
    expect(normalise(digits, 'a')).toBeNull();
    expect(normalise(words, 'a')).toEqual({ namespace: 'words', value: 'a' });
  }
});
