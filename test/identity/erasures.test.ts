import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { ErasedError, SuppressionUnavailableError } from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { NO_ERASURES, refuseErased, type Erasures } from '../../src/identity/erasures.js';
import { commonNamespaces, idNamespace, type Identifier } from '../../src/identity/identifiers.js';
import { createIdentities, type IdentityRules, type Match } from '../../src/identity/identity-graph.js';
import { knownIdentifiers } from '../../src/identity/known-identifiers.js';
import type { Loader } from '../../src/loaders/loader.js';
import type { Load } from '../../src/loaders/registry.js';
import { loadersOf } from '../support/loaders-of.js';

const client: Client = { ping: () => Promise.resolve() };

/** One system with unique e-mail addresses, in which people may share phones. */
function household() {
  const records: CustomerRecord[] = [
    record('1', 'anna@example.nl', '+31201234567'),
    record('2', 'bert@example.nl', '+31201234567'),
  ];
  const foundBy = (namespace: string, uniqueness: 'enforced' | 'none') => ({
    uniqueness,
    loader: {
      name: namespace,
      load: (values: readonly string[]) =>
        Promise.resolve(
          values.map((value) =>
            records.filter(({ id, identifiers }) =>
              namespace === 'shopId'
                ? id === value
                : identifiers.some((held) => held.namespace === namespace && held.value === value),
            ),
          ),
        ),
    },
  });
  const rules: IdentityRules = {
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
    namespaces: new Map(
      [...commonNamespaces('NL'), idNamespace('shopId', 'An id.', /^\d+$/)].map((namespace) => [
        namespace.name,
        namespace,
      ]),
    ),
    sources: [
      {
        name: 'shop',
        identity: {
          recordKey: 'shopId',
          yields: { email: 'one', phone: 'one' },
          foundBy: {
            shopId: foundBy('shopId', 'enforced'),
            email: foundBy('email', 'enforced'),
            phone: foundBy('phone', 'none'),
          },
        },
      },
    ],
  };
  let calls = 0;
  /** Like a cache, `load` returns the same object each time. The engine caches results by that object. */
  const answers = new Map<string, unknown>();
  const load: Load = async <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => {
    calls += 1;
    const name = `${loader.name} ${String(key)}`;
    if (!answers.has(name)) {
      const [value] = await loader.load([key], client as C);
      if (value === undefined || value instanceof Error) throw new Error('no answer');
      answers.set(name, value);
    }
    return answers.get(name) as Value;
  };
  return {
    records,
    rules,
    calls: () => calls,
    identityOf: (text: string, erasures?: Erasures) =>
      createIdentities(rules, loadersOf(load), erasures).of(identifierOf(text)),
  };
}

function record(id: string, email: string, phone: string): CustomerRecord {
  return {
    id,
    identifiers: [
      { namespace: 'email', value: email },
      { namespace: 'phone', value: phone },
    ],
  };
}

function identifierOf(text: string): Identifier {
  const [namespace = '', value = ''] = text.split(' ');
  return { namespace, value };
}

function erased(identifiers: readonly string[], version = 1): Erasures {
  return {
    loading: () => undefined,
    has: ({ namespace, value }) => identifiers.includes(`${namespace} ${value}`),
    isEmpty: identifiers.length === 0,
    version,
  };
}

const SHOP = new Set(['shop']);

describe('an erased customer', () => {
  test('does not erase another person who shares the phone', async () => {
    const { identityOf, rules } = household();
    const { exclusive } = await knownIdentifiers(rules, identityOf('email anna@example.nl'));
    const list = erased(exclusive.map(({ namespace, value }) => `${namespace} ${value}`));
    expect(list.has(identifierOf('phone +31201234567'))).toBe(false);
    await expect(identityOf('email bert@example.nl', list).isKnown(SHOP)).resolves.toBe(true);
    await expect(identityOf('email anna@example.nl', list).isKnown(SHOP)).rejects.toThrow(ErasedError);
  });

  test('is recognised by the records found, even if the requested identifier is not on the list', async () => {
    const { identityOf } = household();
    const list = erased(['email anna@example.nl']);
    for (const look of [
      () => identityOf('shopId 1', list).isKnown(SHOP),
      () => identityOf('shopId 1', list).findIn('shop'),
      () => identityOf('shopId 1', list).fullMatch(),
      // The phone may belong to either of two people, and an answer would reveal their names.
      () => identityOf('phone +31201234567', list).fullMatch(),
    ])
      await expect(look()).rejects.toThrow(ErasedError);
  });

  test('stays erased with a new record if the address is on the list', async () => {
    const { identityOf, records } = household();
    const list = erased(['email anna@example.nl', 'shopId 1']);
    records.splice(0, 1, record('3', 'anna@example.nl', '+31612345678'));
    await expect(identityOf('shopId 3', list).isKnown(SHOP)).rejects.toThrow(ErasedError);
  });

  test('is shown again after removal from the list, even without another change', async () => {
    const { identityOf } = household();
    const erasedIdentifiers: string[] = ['shopId 1'];
    const list = { ...erased(erasedIdentifiers), version: 1 };
    await expect(identityOf('email anna@example.nl', list).isKnown(SHOP)).rejects.toThrow(ErasedError);
    erasedIdentifiers.pop();
    list.version = 2;
    await expect(identityOf('email anna@example.nl', list).isKnown(SHOP)).resolves.toBe(true);
  });

  test('is hidden with one list and shown with another, such as the empty list of the operator', async () => {
    const { identityOf } = household();
    const lists = [erased(['shopId 1']), erased(['shopId 2']), erased(['shopId 1'])];
    const known = await Promise.allSettled(
      lists.map((list) => identityOf('email anna@example.nl', list).isKnown(SHOP)),
    );
    expect(known.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });

  test('is hidden from the next field of a request that was answered before', async () => {
    const { identityOf } = household();
    const erasedTexts: string[] = ['shopId 2'];
    const list = { ...erased(erasedTexts), version: 1 };
    const identity = identityOf('email anna@example.nl', list);
    await identity.findIn('shop');
    expect(identity.foundIn('shop')?.kind).toBe('found');
    erasedTexts.push('shopId 1');
    list.version = 2;
    expect(() => identity.foundIn('shop')).toThrow(ErasedError);
    expect(() => identity.isAlreadyKnown(SHOP)).toThrow(ErasedError);
  });

  test('is answered without a call if requested by an identifier on the list', async () => {
    const { identityOf, calls } = household();
    const list = erased(['email anna@example.nl']);
    await expect(identityOf('email anna@example.nl', list).isKnown(SHOP)).rejects.toThrow(ErasedError);
    expect(calls()).toBe(0);
  });

  test('is not shown, and no system is called, while the list cannot be read', async () => {
    const { identityOf, calls } = household();
    const unread: Erasures = {
      ...NO_ERASURES,
      loading: () => Promise.reject(new SuppressionUnavailableError('read')),
    };
    const identity = identityOf('email anna@example.nl', unread);
    await expect(identity.isKnown(SHOP)).rejects.toThrow(SuppressionUnavailableError);
    await expect(identity.findIn('shop')).rejects.toThrow(SuppressionUnavailableError);
    expect(calls()).toBe(0);
  });
});

test('a match is checked again with another list of the same version', () => {
  const recordId: Identifier = { namespace: 'shopId', value: '1' };
  const match = { records: [{ recordId }], links: [] } as unknown as Match;
  const list = (isErased: boolean): Erasures => ({
    ...NO_ERASURES,
    isEmpty: false,
    has: ({ value }) => isErased && value === '1',
  });
  expect(() => {
    refuseErased(match, list(false));
  }).not.toThrow();
  expect(() => {
    refuseErased(match, list(true));
  }).toThrow(ErasedError);
});
