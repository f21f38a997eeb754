import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Forgettable } from '../../src/cache/invalidation.js';
import {
  AmbiguousIdentityError,
  InvalidInputError,
  SourceUnavailableError,
  SuppressionUnavailableError,
} from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { commonNamespaces, idNamespace, type Identifier } from '../../src/identity/identifiers.js';
import { createIdentities, type IdentityRules } from '../../src/identity/identity-graph.js';
import type { Load } from '../../src/loaders/registry.js';
import { createForget, type ForgetRequest } from '../../src/privacy/forget.js';
import type { Suppression } from '../../src/privacy/suppression.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { loadersOf } from '../support/loaders-of.js';

/**
 * Tests which data is dropped, suppressed and returned when a customer is forgotten, for each answer of the systems.
 */

const UNAVAILABLE = 'unavailable';
type Answer = readonly CustomerRecord[] | typeof UNAVAILABLE;

const EMAIL: Identifier = { namespace: 'email', value: 'eva@example.nl' };
const PHONE: Identifier = { namespace: 'phone', value: '+31612345678' };
const idOf = (value: string): Identifier => ({ namespace: 'shopId', value });
const eva = (id: string): CustomerRecord => ({ id, identifiers: [EMAIL, PHONE] });

const foundBy = (name: string, uniqueness: 'enforced' | 'usual', answer: Answer) => ({
  uniqueness,
  loader: {
    name,
    load: (values: readonly string[]) =>
      answer === UNAVAILABLE
        ? Promise.reject(new SourceUnavailableError(name, `${name} cannot be reached.`))
        : Promise.resolve(values.map(() => answer)),
  },
});

/** Opens a gateway with a shop that has these records of the address, and a desk without records or that fails. */
function open({ shop = [eva('1')], desk = [] }: { shop?: Answer; desk?: Answer } = {}) {
  const rules: IdentityRules = {
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
    namespaces: new Map(
      [
        ...commonNamespaces('NL'),
        idNamespace('shopId', 'An id.', /^\w+$/),
        idNamespace('deskId', 'An id.', /^\w+$/),
      ].map((namespace) => [namespace.name, namespace]),
    ),
    sources: [
      {
        name: 'shop',
        identity: {
          recordKey: 'shopId',
          yields: { email: 'one', phone: 'shown' },
          foundBy: { shopId: foundBy('shop', 'enforced', shop), email: foundBy('shop', 'usual', shop) },
        },
      },
      {
        name: 'desk',
        identity: {
          recordKey: 'deskId',
          yields: { email: 'one' },
          foundBy: { deskId: foundBy('desk', 'enforced', desk), email: foundBy('desk', 'usual', desk) },
        },
      },
    ],
  };
  const load: Load = async (loader, key) => {
    const [value] = await loader.load([key], undefined as never);
    if (value === undefined || value instanceof Error) throw new Error('no answer');
    return value;
  };
  /** The names of the effects, in the order in which they happened. */
  const events: string[] = [];
  const dropped: Forgettable[] = [];
  const suppressed: Identifier[] = [];
  let renewals = 0;
  const failing: { registry?: Error; suppression?: Error } = {};
  const forget = createForget({
    schema: buildSchema('type Query { product: Product } type Product { id: ID }'),
    sources: new Set(['shop', 'desk', 'register']),
    registry: {
      has: (source, loader) => source === 'register' && loader === 'companies',
      forget: async (what) => {
        events.push('drop');
        dropped.push(...what);
        if (failing.registry !== undefined) throw failing.registry;
        return Promise.resolve(() => {
          renewals += 1;
        });
      },
    },
    rules,
    lookUp: (identifier) => {
      events.push(`look up ${identifier.value}`);
      const identity = createIdentities(rules, loadersOf(load)).of(identifier);
      return { identity, end: () => events.push('end') };
    },
    suppression: {
      add: async (identifiers: readonly Identifier[]) => {
        // A list in a file or in Redis answers asynchronously.
        await new Promise(setImmediate);
        if (failing.suppression !== undefined) throw failing.suppression;
        events.push('suppress');
        suppressed.push(...identifiers);
      },
    } as unknown as Suppression,
    logger: createLogger('silent'),
  });
  return { forget, events, dropped, suppressed, failing, renewals: () => renewals };
}

describe('forgetting a customer', () => {
  test.each<[string, Parameters<typeof open>[0], object, readonly Forgettable[]]>([
    [
      'who is known to one system',
      {},
      {
        unavailableSources: [],
        customer: {
          identifiers: [EMAIL, idOf('1'), PHONE],
          exclusive: [idOf('1'), EMAIL],
          records: [{ source: 'shop', id: '1' }],
          isSuppressed: false,
        },
      },
      [EMAIL, idOf('1'), PHONE],
    ],
    [
      'who is not known to any system',
      { shop: [] },
      {
        unavailableSources: [],
        customer: { identifiers: [EMAIL], exclusive: [], records: [], isSuppressed: false },
      },
      [EMAIL],
    ],
    [
      'who may be either of two people',
      { shop: [eva('1'), eva('2')] },
      {
        unavailableSources: [],
        customer: {
          identifiers: [EMAIL, idOf('1'), PHONE, idOf('2')],
          exclusive: [],
          records: [
            { source: 'shop', id: '1' },
            { source: 'shop', id: '2' },
          ],
          isSuppressed: false,
        },
      },
      [EMAIL, idOf('1'), PHONE, idOf('2')],
    ],
    [
      'while a system is unavailable',
      { desk: UNAVAILABLE },
      {
        unavailableSources: ['desk'],
        customer: {
          identifiers: [EMAIL, idOf('1'), PHONE],
          exclusive: [idOf('1'), EMAIL],
          records: [{ source: 'shop', id: '1' }],
          isSuppressed: false,
        },
      },
      [EMAIL, idOf('1'), PHONE, { source: 'desk' }],
    ],
  ])('drops all data of all identifiers of a customer %s', async (_, systems, expected, all) => {
    const { forget, dropped, events, suppressed } = open(systems);
    expect(await forget({ identifier: EMAIL })).toMatchObject({ isEverywhere: true, ...expected });
    expect(dropped).toEqual(all);
    expect(suppressed).toEqual([]);
    expect(events).toEqual([`look up ${EMAIL.value}`, 'end', 'drop']);
  });

  test('uses the canonical form of the identifier, and refuses an invalid value', async () => {
    const { forget, events } = open();
    await forget({ identifier: { namespace: 'email', value: ' Eva@Example.NL ' } });
    expect(events[0]).toBe(`look up ${EMAIL.value}`);
    await expect(forget({ identifier: { namespace: 'email', value: 'eva' } })).rejects.toThrow(
      InvalidInputError,
    );
    expect(events).toHaveLength(3);
  });

  test('reloads popular answers if the caller requests that', async () => {
    const { forget, renewals } = open();
    const { renew } = await forget({ identifier: EMAIL });
    expect(renewals()).toBe(0);
    renew();
    expect(renewals()).toBe(1);
  });

  test('reports if other instances were not notified', async () => {
    const { forget, failing } = open();
    failing.registry = new Error('Redis cannot be reached.');
    const { isEverywhere, renew, customer } = await forget({ identifier: EMAIL });
    expect(isEverywhere).toBe(false);
    expect(customer?.records).toHaveLength(1);
    renew();
  });
});

describe('suppressing a customer', () => {
  const SUPPRESS: ForgetRequest = { identifier: EMAIL, suppress: true };

  test('happens before the data is dropped, with the identifiers that belong only to this customer', async () => {
    const { forget, events, suppressed } = open();
    expect(await forget(SUPPRESS)).toMatchObject({ customer: { isSuppressed: true } });
    expect(suppressed).toEqual([idOf('1'), EMAIL]);
    expect(events).toEqual([`look up ${EMAIL.value}`, 'suppress', 'end', 'drop']);
  });

  test('does not happen if the request excludes it', async () => {
    const { forget, suppressed } = open();
    expect(await forget({ ...SUPPRESS, suppress: false })).toMatchObject({
      customer: { isSuppressed: false },
    });
    expect(suppressed).toEqual([]);
  });

  test('uses the requested identifier if no system knows the customer', async () => {
    const { forget, suppressed } = open({ shop: [] });
    await forget(SUPPRESS);
    expect(suppressed).toEqual([EMAIL]);
  });

  test('is refused if the identifier matches several people', async () => {
    const { forget, events, suppressed } = open({ shop: [eva('1'), eva('2')] });
    await expect(forget(SUPPRESS)).rejects.toThrow(AmbiguousIdentityError);
    expect(suppressed).toEqual([]);
    expect(events).toEqual([`look up ${EMAIL.value}`, 'end']);
  });

  test('drops no data if it fails, so that the operator can repeat it', async () => {
    const { forget, failing, events } = open();
    failing.suppression = new SuppressionUnavailableError('write');
    await expect(forget(SUPPRESS)).rejects.toBe(failing.suppression);
    expect(events).toEqual([`look up ${EMAIL.value}`, 'end']);
  });
});

describe('forgetting other data', () => {
  test.each<[Forgettable, string | null]>([
    [{ type: 'Product', key: '7' }, null],
    [{ type: 'Produkt', key: '7' }, 'The schema has no such type.'],
    [{ source: 'register' }, null],
    [{ source: 'registry' }, 'No source with this name is plugged in.'],
    [{ source: 'register', loader: 'companies' }, null],
    [{ source: 'register', loader: 'company' }, 'The source has no such loader.'],
    [{ source: 'shop', loader: 'companies' }, 'The source has no such loader.'],
  ])('drops the data of %j, or names the unknown part: %s', async (what, message) => {
    const { forget, dropped, events } = open();
    if (message === null) {
      expect(await forget(what)).toEqual({
        isEverywhere: true,
        unavailableSources: [],
        renew: expect.any(Function) as () => void,
      });
      expect(dropped).toEqual([what]);
    } else {
      await expect(forget(what)).rejects.toThrow(new InvalidInputError(message));
      expect(events).toEqual([]);
    }
  });
});
