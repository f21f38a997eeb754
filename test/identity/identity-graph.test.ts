import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { AmbiguousIdentityError, ErasedError, SourceUnavailableError } from '../../src/errors.js';
import { commonNamespaces, idNamespace, normalise } from '../../src/identity/identifiers.js';
import { createIdentities, type IdentityRules, type Outcome } from '../../src/identity/identity-graph.js';
import type { Erasures } from '../../src/identity/erasures.js';
import type { Limit } from '../../src/identity/matching.js';
import type { Load } from '../../src/loaders/registry.js';
import type {
  CustomerRecord,
  IdentityDeclaration,
  Namespace,
  Uniqueness,
  YieldedIdentifier,
} from '../../src/identity/declaration.js';
import { loadersOf } from '../support/loaders-of.js';

interface HandMadeSource {
  /** The kinds of identifier by which the source can be queried. */
  foundBy: Record<string, Uniqueness>;
  records?: CustomerRecord[];
  sameCustomer?: IdentityDeclaration<Client>['sameCustomer'];
  /** Whether the source yields only one e-mail address. */
  isPlain?: boolean;
  /** How the source answers. Default: at once. */
  behaviour?: 'silent' | 'unavailable' | 'defect' | Promise<void>;
}

/** How long the walk waits for a slow system. */
const PATIENCE_MS = 20;

const client: Client = { ping: () => Promise.resolve() };

/** A graph of made-up sources, each with its own ids as `<name>Id`. The walk starts at an e-mail address by default. */
function graph(
  systems: Record<string, HandMadeSource>,
  start = 'email eva@example.nl',
  /** Kinds of identifier that a customer has only one of. */
  singles: readonly string[] = [],
  erasures?: Erasures,
) {
  const calls: string[] = [];
  const limitsReached: Limit[] = [];
  const rules: IdentityRules = {
    onLimit: (limit) => limitsReached.push(limit),
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: PATIENCE_MS },
    namespaces: new Map(
      [
        ...commonNamespaces('NL'),
        ...Object.keys(systems).map((name) => idNamespace(`${name}Id`, 'An id.', /^[\w-]+$/)),
      ].map((namespace): [string, Namespace] => [
        namespace.name,
        singles.includes(namespace.name) ? { ...namespace, perCustomer: 'one' } : namespace,
      ]),
    ),
    sources: Object.entries(systems).map(
      ([name, { foundBy, records = [], behaviour, sameCustomer, isPlain = false }]) => ({
        name,
        identity: {
          recordKey: `${name}Id`,
          ...(sameCustomer === undefined ? {} : { sameCustomer }),
          yields: isPlain
            ? { email: 'one' }
            : Object.fromEntries(
                records.flatMap(({ identifiers }) => identifiers).map((held) => [held.namespace, 'several']),
              ),
          foundBy: Object.fromEntries(
            Object.entries({ [`${name}Id`]: 'enforced' as const, ...foundBy }).map(
              ([namespace, uniqueness]) => [
                namespace,
                {
                  uniqueness,
                  loader: {
                    name: namespace,
                    load: async (values: readonly string[]) => {
                      calls.push(...values.map((value) => `${name} by ${namespace} ${value}`));
                      if (behaviour === 'silent') await new Promise(() => undefined);
                      if (behaviour === 'unavailable')
                        throw new SourceUnavailableError(name, `${name} cannot be reached.`);
                      if (behaviour === 'defect') throw new TypeError('a defect of the gateway');
                      if (behaviour instanceof Promise) await behaviour;
                      return values.map((value) =>
                        records.filter((record) => answersTo(record, name, namespace, value)),
                      );
                    },
                  },
                },
              ],
            ),
          ),
        },
      }),
    ),
  };
  const load: Load = async (loader, key) => {
    const [value] = await loader.load([key], client as never);
    if (value instanceof Error) throw value;
    if (value === undefined) throw new Error('no answer');
    return value;
  };
  const [namespace = '', value = ''] = start.split(' ');
  const declared = rules.namespaces.get(namespace);
  const identifier = declared === undefined ? null : normalise(declared, value);
  if (identifier === null) throw new Error(`${start} is not an identifier`);
  const identities = createIdentities(rules, loadersOf(load), erasures);
  const identity = identities.of(identifier);
  return {
    identities,
    identity,
    limitsReached,
    known: (wanted: ReadonlySet<string>) => identity.isKnown(wanted),
    find: (source: string) => identity.findIn(source),
    found: (source: string) => identity.foundIn(source),
    whole: () => identity.fullMatch(),
    calls,
  };
}

function answersTo(record: CustomerRecord, name: string, namespace: string, value: string): boolean {
  return namespace === `${name}Id`
    ? record.id === value
    : record.identifiers.some((held) => held.namespace === namespace && held.value === value);
}

const email = (value: string, verified = false): YieldedIdentifier => ({
  namespace: 'email',
  value,
  verified,
});
const eva = (id: string, ...identifiers: YieldedIdentifier[]): CustomerRecord => ({
  id,
  identifiers: [email('eva@example.nl'), ...identifiers],
});

const all = new Set(['shop', 'crm', 'desk', 'orders']);
const idOf = (outcome: Outcome): string =>
  outcome.kind === 'found' ? outcome.records.map(({ id }) => id).join(' ') : outcome.kind;
const errorOf = (outcome: Outcome): Error | undefined =>
  outcome.kind === 'failed' ? outcome.error : undefined;

afterEach(() => {
  vi.useRealTimers();
});

describe('the check whether any system knows the customer', () => {
  test('is true as soon as one system knows the customer, even if others are slow', async () => {
    const { known } = graph({
      shop: { foundBy: { email: 'enforced' }, behaviour: 'silent' },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
      desk: { foundBy: { email: 'enforced' } },
    });
    expect(await known(all)).toBe(true);
  });

  test('waits for a slow system if it may hold several people under the identifier', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let answerNow: () => void = () => undefined;
    const behaviour = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    const { known, find } = graph({
      orders: { foundBy: { email: 'usual' }, records: [eva('o1'), eva('o2')], behaviour },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    let done = 0;
    const count = () => {
      done += 1;
    };
    const answered = known(all).finally(count);
    const found = find('crm').finally(count);
    // This is much longer than PATIENCE_MS.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toBe(0);
    answerNow();
    await expect(answered).rejects.toThrow(new AmbiguousIdentityError('orders', 2));
    expect(errorOf(await found)).toMatchObject({ code: 'AMBIGUOUS_IDENTITY', source: 'orders' });
  });

  test('does not wait longer than patience for a slow system with unique identifiers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { known } = graph({
      shop: { foundBy: { email: 'enforced' }, behaviour: 'silent' },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    let isDone = false;
    const answered = known(all).finally(() => {
      isDone = true;
    });
    await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answered).toBe(true);
  });

  test('queries only the wanted systems, systems that may hold several people, and systems that yield further identifiers', async () => {
    const { known, calls } = graph({
      orders: { foundBy: { email: 'usual' } },
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], isPlain: true },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    expect(await known(new Set(['crm']))).toBe(true);
    expect(calls.sort()).toEqual(['crm by email eva@example.nl', 'orders by email eva@example.nl']);
  });

  test('queries a system with one record for each customer, because it may reveal two customers', async () => {
    const { known, calls } = graph(
      {
        shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], isPlain: true },
        crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
      },
      undefined,
      ['shopId'],
    );
    expect(await known(new Set(['crm']))).toBe(true);
    expect(calls.sort()).toEqual(['crm by email eva@example.nl', 'shop by email eva@example.nl']);
  });

  test('queries the other systems if the wanted ones do not know the customer, and each system once', async () => {
    const { known, calls } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], isPlain: true },
      crm: { foundBy: { email: 'enforced' } },
    });
    expect(await known(new Set(['crm']))).toBe(true);
    expect(calls).toEqual(['crm by email eva@example.nl', 'shop by email eva@example.nl']);
  });

  test('is false if no system knows the customer', async () => {
    const { known } = graph({
      shop: { foundBy: { email: 'enforced' } },
      crm: { foundBy: { email: 'enforced' } },
    });
    expect(await known(all)).toBe(false);
  });

  test('is not false while a system is unavailable', async () => {
    const { known } = graph({
      shop: { foundBy: { email: 'enforced' } },
      crm: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
    });
    await expect(known(new Set(['shop']))).rejects.toThrow('crm cannot be reached.');
  });

  test('is true if one system knows the customer and another is unavailable', async () => {
    const { known } = graph({
      orders: { foundBy: { email: 'usual' }, behaviour: 'unavailable' },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    expect(await known(all)).toBe(true);
  });

  test('does not hide a defect of the gateway', async () => {
    const { known } = graph({ orders: { foundBy: { email: 'usual' }, behaviour: 'defect' } });
    await expect(known(all)).rejects.toThrow(TypeError);
  });
});

describe('the record of one system', () => {
  test('is found by the given identifier, without querying another system', async () => {
    const { find, calls } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], isPlain: true },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    expect(idOf(await find('crm'))).toBe('c1');
    expect(calls).toEqual(['crm by email eva@example.nl']);
  });

  test('is not available synchronously while another system may still change it', async () => {
    let answerNow: () => void = () => undefined;
    const behaviour = new Promise<void>((resolve) => {
      answerNow = resolve;
    });
    const { find, found, whole } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], behaviour },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    const sure = whole();
    expect(idOf(await find('crm'))).toBe('c1');
    expect(found('crm')).toBeUndefined();
    answerNow();
    await sure;
    expect(found('crm')).toEqual(await find('crm'));
    expect(found('shop')).toEqual(await find('shop'));
  });

  test('is found again when one system changes its answer, even if the answer of another is cached', async () => {
    const answers: Record<string, readonly CustomerRecord[]> = { shop: [eva('s1')], crm: [eva('c1')] };
    const rules: IdentityRules = {
      limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: PATIENCE_MS },
      namespaces: new Map(
        [
          ...commonNamespaces('NL'),
          idNamespace('shopId', 'An id.', /^s\d$/),
          idNamespace('crmId', 'An id.', /^c\d$/),
        ].map((namespace) => [namespace.name, namespace]),
      ),
      sources: Object.keys(answers).map((name) => ({
        name,
        identity: {
          recordKey: `${name}Id`,
          yields: { email: 'one' as const },
          foundBy: {
            email: { uniqueness: 'enforced' as const, loader: { name, load: () => Promise.resolve([]) } },
          },
        },
      })),
    };
    const start = normalise(rules.namespaces.get('email') as Namespace, 'eva@example.nl');
    if (start === null) throw new Error('no identifier');
    const recordOfCrm = async (): Promise<string> => {
      // The cache returns the same object for as long as an answer is cached.
      const load = ((loader: { name: string }) => Promise.resolve(answers[loader.name])) as Load;
      const identity = createIdentities(rules, loadersOf(load)).of(start);
      await identity.fullMatch();
      return idOf(await identity.findIn('crm'));
    };
    expect(await recordOfCrm()).toBe('c1');
    expect(await recordOfCrm()).toBe('c1');
    answers['crm'] = [eva('c2')];
    expect(await recordOfCrm()).toBe('c2');
  });

  test('is loaded once for any number of fields', async () => {
    const { find, known, calls } = graph({ crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] } });
    await Promise.all([find('crm'), find('crm'), known(all)]);
    await find('crm');
    expect(calls).toHaveLength(1);
  });

  test('is found by an identifier from another system', async () => {
    const { find, calls } = graph(
      {
        orders: { foundBy: {}, records: [eva('o1', email('eva@example.nl', true))] },
        crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
        desk: {
          foundBy: { crmId: 'enforced' },
          records: [{ id: 'd1', identifiers: [{ namespace: 'crmId', value: 'c1' }] }],
        },
      },
      'ordersId o1',
    );
    expect(idOf(await find('desk'))).toBe('d1');
    expect(calls).toEqual(['orders by ordersId o1', 'crm by email eva@example.nl', 'desk by crmId c1']);
  });

  test('is "failed" when the system is unavailable, not "unknown"', async () => {
    const { find } = graph({
      crm: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')] },
    });
    expect(errorOf(await find('crm'))).toBeInstanceOf(SourceUnavailableError);
    expect(idOf(await find('shop'))).toBe('s1');
  });

  test('is "failed" with the error of the system that would have returned the identifier', async () => {
    const { find } = graph({
      crm: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
      desk: { foundBy: { crmId: 'enforced' } },
    });
    expect(errorOf(await find('desk'))).toMatchObject({ source: 'crm' });
  });

  test('is "failed" with the error of a system that leads to it through another one', async () => {
    const { find } = graph({
      crm: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
      desk: {
        foundBy: { crmId: 'enforced' },
        records: [{ id: 'd1', identifiers: [{ namespace: 'ordersId', value: 'o1' }] }],
      },
      orders: { foundBy: { deskId: 'enforced' } },
    });
    expect(errorOf(await find('orders'))).toMatchObject({ source: 'crm' });
  });

  test.each([
    ['no identifier that the system would return can find the record', { crmId: 'enforced' }, 'unknown'],
    ['people share the identifier that the system would return', { shopId: 'none' }, 'unknown'],
    ['an identifier that the system would return can find the record', { shopId: 'enforced' }, 'failed'],
  ] as const)(
    'is "failed" because of an unavailable system only if that system leads to the record: %s',
    async (_, foundBy, kind) => {
      const { find } = graph({
        shop: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
        crm: { foundBy: { phone: 'enforced' } },
        desk: { foundBy },
      });
      const outcome = await find('desk');
      expect(outcome.kind).toBe(kind);
      if (kind === 'failed') expect(errorOf(outcome)).toMatchObject({ source: 'shop' });
    },
  );

  test('is "failed" with the error of the system that leads to it, if another one is unavailable too', async () => {
    const { find, whole } = graph({
      shop: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
      crm: { foundBy: { email: 'enforced' }, behaviour: 'unavailable' },
      desk: { foundBy: { crmId: 'enforced' } },
    });
    // The full match queries all systems, so that both are known to be unavailable.
    await whole();
    expect(errorOf(await find('desk'))).toMatchObject({ source: 'crm' });
  });

  test('is "unknown" when no known identifier can find it', async () => {
    const { find } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')] },
      desk: { foundBy: {} },
    });
    expect((await find('desk')).kind).toBe('unknown');
  });

  test('is refused for a system without an identity declaration', async () => {
    await expect(graph({ shop: { foundBy: {} } }).find('kvk')).rejects.toThrow('kvk');
  });

  test('is refused if it holds a kind of identifier that no source declares', async () => {
    const { find } = graph({
      shop: {
        foundBy: { email: 'enforced' },
        records: [eva('s1', { namespace: 'fax', value: '1' })],
        isPlain: true,
      },
      desk: { foundBy: {} },
    });
    await expect(find('desk')).rejects.toThrow('"fax"');
  });
});

describe('a slow system', () => {
  /** A promise that the test resolves. */
  function held() {
    let release: () => void = () => undefined;
    const behaviour = new Promise<void>((resolve) => {
      release = resolve;
    });
    return {
      behaviour,
      release: () => {
        release();
      },
    };
  }

  test('is awaited if a field needs it, although the walk continues without it', async () => {
    vi.useFakeTimers();
    const { behaviour, release } = held();
    const { find } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')] },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')], behaviour },
      desk: { foundBy: { crmId: 'enforced' } },
    });
    const outcomes = Promise.all([find('crm'), find('shop')]);
    await vi.advanceTimersByTimeAsync(PATIENCE_MS);
    release();
    expect((await outcomes).map(idOf)).toEqual(['c1', 's1']);
  });

  test('is awaited beyond patience while no other system knows the customer', async () => {
    vi.useFakeTimers();
    const { behaviour, release } = held();
    const { find } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], behaviour },
      crm: { foundBy: { email: 'enforced' } },
      desk: {
        foundBy: { shopId: 'enforced' },
        records: [{ id: 'd1', identifiers: [{ namespace: 'shopId', value: 's1' }] }],
      },
    });
    const outcome = find('desk');
    await vi.advanceTimersByTimeAsync(PATIENCE_MS);
    release();
    expect(idOf(await outcome)).toBe('d1');
  });

  test('leaves no timer after it has answered', async () => {
    vi.useFakeTimers();
    const { find } = graph({ shop: { foundBy: { email: 'enforced' }, records: [eva('s1')] } });
    await find('shop');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('delays the decision whether the customer is known until it has answered', async () => {
    const { behaviour, release } = held();
    const { identity, known } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1')], behaviour },
    });
    expect(identity.isAlreadyKnown(all)).toBeUndefined();
    const isKnown = known(all);
    await Promise.resolve();
    expect(identity.isAlreadyKnown(all)).toBeUndefined();
    release();
    expect(await isKnown).toBe(true);
    expect(identity.isAlreadyKnown(all)).toBe(true);
  });
});

describe('the strongest identifier of a customer', () => {
  const systems = {
    shop: { foundBy: { email: 'enforced' as const }, records: [eva('s1')], isPlain: true },
    crm: { foundBy: { email: 'enforced' as const }, records: [eva('c1')], isPlain: true },
  };

  test.each([
    [['crm'], { namespace: 'crmId', value: 'c1' }],
    [['crm', 'shop'], { namespace: 'shopId', value: 's1' }],
    [['shop', 'crm'], { namespace: 'shopId', value: 's1' }],
    [[], undefined],
  ])('is the identifier of the most trusted system that was queried: %j', async (wanted, strongest) => {
    const { find, identity } = graph(systems);
    for (const source of wanted) await find(source);
    expect(identity.strongestIdentifier()).toEqual(strongest);
  });

  test('is missing if several customers match', async () => {
    const { find, identity } = graph({
      shop: { foundBy: { email: 'usual' }, records: [eva('s1'), eva('s2')] },
    });
    await find('shop');
    expect(identity.strongestIdentifier()).toBeUndefined();
  });
});

describe('a list of customers', () => {
  const anna: CustomerRecord = { id: 's2', identifiers: [email('anna@example.nl')] };
  const start = (value: string) => ({ namespace: 'email', value });
  const shop: HandMadeSource = { foundBy: { email: 'enforced' }, records: [eva('s1'), anna], isPlain: true };
  const erasing = (...values: string[]): Erasures => ({
    loading: () => undefined,
    has: ({ value }) => values.includes(value),
    isEmpty: values.length === 0,
    version: 1,
  });

  test('is identified together, without a call for those that are erased', async () => {
    const { identities, calls } = graph({ shop }, undefined, [], erasing('anna@example.nl'));
    await identities.walkTogether([start('anna@example.nl'), start('eva@example.nl')], all);
    expect(calls).toEqual(['shop by email eva@example.nl']);
    expect(identities.of(start('eva@example.nl')).isAlreadyKnown(all)).toBe(true);
    await expect(identities.of(start('anna@example.nl')).isKnown(all)).rejects.toThrow(ErasedError);
    expect(calls).toHaveLength(1);
  });

  test('needs no call if it is empty or if all its customers are erased', async () => {
    const { identities, calls } = graph({ shop }, undefined, [], erasing('anna@example.nl'));
    await identities.walkTogether([start('anna@example.nl')], all);
    await identities.walkTogether([], all);
    expect(calls).toEqual([]);
  });

  test('is not identified before the list of erased customers is loaded', async () => {
    let load: () => void = () => undefined;
    const loading = new Promise<void>((resolve) => {
      load = resolve;
    });
    const erased: string[] = [];
    const erasures: Erasures = {
      ...erasing(),
      loading: () => loading,
      has: ({ value }) => erased.includes(value),
      get isEmpty() {
        return erased.length === 0;
      },
    };
    const { identities, calls } = graph({ shop }, undefined, [], erasures);
    const walked = identities.walkTogether([start('anna@example.nl')], all);
    await new Promise(setImmediate);
    expect(calls).toEqual([]);
    erased.push('anna@example.nl');
    load();
    await walked;
    expect(calls).toEqual([]);
  });

  test('is returned as soon as its first customer is decided, even if another one needs a further round', async () => {
    // The second round would wait for the slow system until this clock advances.
    vi.useFakeTimers();
    const phone = { namespace: 'phone', value: '+31612345678' };
    const { identities } = graph({
      shop,
      orders: {
        foundBy: { phone: 'enforced' },
        records: [{ id: 'o1', identifiers: [phone, { namespace: 'crmId', value: 'c1', verified: true }] }],
      },
      crm: { foundBy: {}, behaviour: 'silent' },
    });
    await identities.walkTogether([phone, start('nobody@example.nl')], all);
    expect(identities.of(start('nobody@example.nl')).isAlreadyKnown(all)).toBe(false);
    expect(identities.of(phone).isAlreadyKnown(all)).toBeUndefined();
  });
});

test('a limit is reported once if it ends a walk, but not if no further identifiers exist', async () => {
  const chain = (name: string, before: string): HandMadeSource => ({
    foundBy: { [`${before}Id`]: 'enforced' },
    records: [{ id: `${name}1`, identifiers: [{ namespace: `${before}Id`, value: `${before}1` }] }],
  });
  const three = {
    a: { foundBy: { email: 'enforced' as const }, records: [eva('a1')] },
    b: chain('b', 'a'),
    c: chain('c', 'b'),
  };
  const complete = graph(three);
  await complete.whole();
  expect(complete.limitsReached).toEqual([]);
  const longer = graph({ ...three, d: chain('d', 'c') });
  await Promise.all([longer.whole(), longer.find('d')]);
  expect(longer.limitsReached).toEqual(['HOPS']);
});

describe('a link is followed', () => {
  const walk = (yielded: YieldedIdentifier, foundBy: Record<string, Uniqueness>) =>
    graph(
      {
        orders: { foundBy, records: [{ id: 'o1', identifiers: [yielded] }] },
        crm: {
          foundBy: { email: 'enforced', phone: 'enforced' },
          records: [{ id: 'c1', identifiers: [yielded] }],
        },
      },
      'ordersId o1',
    );

  test.each<[string, string, YieldedIdentifier, Record<string, Uniqueness>]>([
    ['if the system has verified the identifier', 'c1', email('eva@example.nl', true), { email: 'verified' }],
    ['if the identifier is unique in the system', 'c1', email('eva@example.nl'), { email: 'enforced' }],
    [
      'if only one customer of the system has the identifier',
      'c1',
      email('eva@example.nl'),
      { email: 'usual' },
    ],
    [
      'if the system cannot be queried by the identifier but has verified it',
      'c1',
      email('eva@example.nl', true),
      {},
    ],
    [
      'not if people share the identifier, verified or not',
      'unknown',
      email('eva@example.nl', true),
      { email: 'none' },
    ],
    [
      'not if the identifier must be verified and is not',
      'unknown',
      email('eva@example.nl'),
      { email: 'verified' },
    ],
    [
      'not if the system cannot be queried by the identifier and has not verified it',
      'unknown',
      email('eva@example.nl'),
      {},
    ],
    [
      'not if the identifier is the mailbox of a role',
      'unknown',
      email('info@example.nl', true),
      { email: 'enforced' },
    ],
    ['not if the identifier is a placeholder', 'unknown', email('anonymous', true), { email: 'enforced' }],
    [
      'not if the identifier is empty',
      'unknown',
      { namespace: 'email', value: null, verified: true },
      { email: 'enforced' },
    ],
    ['not if the identifier is not an address', 'unknown', email('eva', true), { email: 'enforced' }],
  ])('%s', async (_, expected, yielded, foundBy) => {
    const { find, calls } = walk(yielded, foundBy);
    expect(idOf(await find('crm'))).toBe(expected);
    expect(calls.filter((call) => call.startsWith('crm')).length).toBe(expected === 'c1' ? 1 : 0);
  });

  test('in any notation', async () => {
    const { find } = graph(
      {
        orders: { foundBy: {}, records: [{ id: 'o1', identifiers: [email(' Eva@Example.NL', true)] }] },
        crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
      },
      'ordersId o1',
    );
    expect(idOf(await find('crm'))).toBe('c1');
  });

  test('over at most three systems', async () => {
    const chain = (name: string, before: string): HandMadeSource => ({
      foundBy: { [`${before}Id`]: 'enforced' },
      records: [{ id: `${name}1`, identifiers: [{ namespace: `${before}Id`, value: `${before}1` }] }],
    });
    const systems: Record<string, HandMadeSource> = {
      a: { foundBy: { email: 'enforced' }, records: [eva('a1')] },
      b: chain('b', 'a'),
      c: chain('c', 'b'),
      d: chain('d', 'c'),
    };
    expect(idOf(await graph(systems).find('c'))).toBe('c1');
    const { find, calls } = graph(systems);
    expect((await find('d')).kind).toBe('unknown');
    expect(calls).toEqual(['a by email eva@example.nl', 'b by aId a1', 'c by bId b1']);
    expect((await graph(systems).whole()).limitsReached).toEqual(new Set(['HOPS']));
  });

  test('to at most five values of a kind', async () => {
    const many = Array.from({ length: 20 }, (_, i) => email(`eva-${i}@example.nl`, true));
    const { find, calls } = graph(
      {
        orders: { foundBy: {}, records: [{ id: 'o1', identifiers: many }] },
        crm: { foundBy: { email: 'enforced' } },
      },
      'ordersId o1',
    );
    await find('crm');
    expect(calls.filter((call) => call.startsWith('crm'))).toHaveLength(5);
  });

  test('to at most fifty identifiers', async () => {
    const names = Array.from({ length: 15 }, (_, i) => `s${i}`);
    const yielded = names.flatMap((name) =>
      Array.from({ length: 5 }, (_, i) => ({
        namespace: `${name}Id`,
        value: `${name}-${i}`,
        verified: true,
      })),
    );
    const { find, calls } = graph({
      hub: { foundBy: { email: 'enforced' }, records: [eva('h1', ...yielded)] },
      ...Object.fromEntries(names.map((name): [string, HandMadeSource] => [name, { foundBy: {} }])),
    });
    await Promise.all(names.map((name) => find(name)));
    // 50 identifiers: the given one, the hub's own id, and 48 that it yields.
    expect(calls.filter((call) => !call.startsWith('hub'))).toHaveLength(48);
  });
});

describe('if two records match an identifier of one person', () => {
  test('in a system where the identifier is not unique, no record is used', async () => {
    const { find, known } = graph({
      orders: { foundBy: { email: 'usual' }, records: [eva('o1'), eva('o2'), eva('o3')] },
    });
    await expect(known(all)).rejects.toMatchObject({ source: 'orders', candidateCount: 3 });
    expect(errorOf(await find('orders'))).toMatchObject({ code: 'AMBIGUOUS_IDENTITY', candidateCount: 3 });
  });

  test('in a system that declares it unique, no record is used', async () => {
    const { find, known } = graph({
      shop: { foundBy: { email: 'enforced' }, records: [eva('s1'), eva('s2')] },
      crm: { foundBy: { email: 'enforced' }, records: [eva('c1')] },
    });
    await expect(known(all)).rejects.toMatchObject({ source: 'shop', candidateCount: 2 });
    expect(errorOf(await find('crm'))).toMatchObject({ code: 'AMBIGUOUS_IDENTITY', source: 'shop' });
  });

  const twoContacts = (singles: readonly string[]) =>
    graph(
      {
        orders: {
          foundBy: {},
          records: [{ id: 'o1', identifiers: [email('a@example.nl', true), email('b@example.nl', true)] }],
        },
        crm: {
          foundBy: { email: 'enforced' },
          records: [
            { id: 'c1', identifiers: [email('a@example.nl')] },
            { id: 'c2', identifiers: [email('b@example.nl')] },
          ],
        },
      },
      'ordersId o1',
      singles,
    );

  test('by two identifiers, both are used if a customer may have several records', async () => {
    expect(idOf(await twoContacts([]).find('crm'))).toBe('c1 c2');
  });

  test.each([
    ['the record that was changed last', '2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z', 'o2 o1'],
    ['the record that was changed last', '2026-03-01T00:00:00Z', '2026-01-01T00:00:00Z', 'o1 o2'],
    ['the record that has a time of change', undefined, '2026-01-01T00:00:00Z', 'o2 o1'],
    [
      'the record with the first id, if both were changed at the same time',
      '2026-01-01',
      '2026-01-01',
      'o1 o2',
    ],
  ])(
    'and are one customer, the preferred record is %s',
    async (_, firstUpdatedAt, secondUpdatedAt, order) => {
      const changed = (id: string, updatedAt: string | undefined): CustomerRecord => ({
        ...eva(id),
        profile: updatedAt === undefined ? {} : { updatedAt },
      });
      const { find } = graph({
        orders: {
          foundBy: { email: 'usual' },
          records: [changed('o1', firstUpdatedAt), changed('o2', secondUpdatedAt)],
          sameCustomer: () => true,
        },
      });
      expect(idOf(await find('orders'))).toBe(order);
    },
  );

  test('by two identifiers, none is used if a customer has one record, and the conflict is reported', async () => {
    const { find, whole } = twoContacts(['crmId']);
    expect(errorOf(await find('crm'))).toMatchObject({
      code: 'AMBIGUOUS_IDENTITY',
      source: 'crm',
      candidateCount: 2,
    });
    expect((await whole()).conflicts).toEqual([
      { namespace: 'crmId', values: ['c1', 'c2'], over: { namespace: 'email', value: 'a@example.nl' } },
      { namespace: 'crmId', values: ['c1', 'c2'], over: { namespace: 'email', value: 'b@example.nl' } },
    ]);
  });

  test('and the rule of their system makes them one customer, both are used', async () => {
    const { find } = graph({
      orders: {
        foundBy: { email: 'usual' },
        records: [eva('o1'), eva('o2')],
        sameCustomer: (a, b) => a.id.startsWith('o') && b.id.startsWith('o'),
      },
    });
    expect(idOf(await find('orders'))).toBe('o1 o2');
  });

  test('with different values, and the rule of their system joins them through a record without a value, all are used', async () => {
    const kvkNumber = (value: string) => ({ namespace: 'kvkNumber', value });
    const pairs = ['o1 o2', 'o1 o3'];
    const { find, whole } = graph(
      {
        orders: {
          foundBy: { email: 'usual' },
          records: [
            eva('o1'),
            { ...eva('o2'), identifiers: [...eva('o2').identifiers, kvkNumber('69599084')] },
            { ...eva('o3'), identifiers: [...eva('o3').identifiers, kvkNumber('68750110')] },
          ],
          sameCustomer: (a, b) => pairs.includes([a.id, b.id].sort().join(' ')),
        },
      },
      undefined,
      ['kvkNumber'],
    );
    expect(idOf(await find('orders'))).toBe('o1 o2 o3');
    expect((await whole()).conflicts).toEqual([]);
  });

  test('and their systems do not link them, no record is used', async () => {
    const { known } = graph(
      {
        shop: {
          foundBy: { email: 'enforced' },
          records: [{ id: 's1', identifiers: [email('info@example.nl')] }],
        },
        crm: {
          foundBy: { email: 'enforced' },
          records: [{ id: 'c1', identifiers: [email('info@example.nl')] }],
        },
      },
      'email info@example.nl',
    );
    await expect(known(new Set(['shop']))).rejects.toMatchObject({
      code: 'AMBIGUOUS_IDENTITY',
      source: undefined,
      candidateCount: 2,
    });
  });

  test('the same record by two identifiers counts once', async () => {
    const both = [email('a@example.nl', true), email('b@example.nl', true)];
    const { find } = graph(
      {
        orders: { foundBy: {}, records: [{ id: 'o1', identifiers: both }] },
        crm: { foundBy: { email: 'enforced' }, records: [{ id: 'c1', identifiers: both }] },
      },
      'ordersId o1',
    );
    expect(idOf(await find('crm'))).toBe('c1');
  });

  test('the same record returned twice counts once', async () => {
    const { find } = graph({ orders: { foundBy: { email: 'usual' }, records: [eva('o1'), eva('o1')] } });
    expect(idOf(await find('orders'))).toBe('o1');
  });
});
