import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { Subject } from '../../src/cache/invalidation.js';
import { defineLoader, type Loader, type LoaderSettings } from '../../src/loaders/loader.js';
import type { LoadedSource } from '../../src/loaders/registry.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';

type Letters = Loader<LoadingClient, string, string>;

const clock = fakeClock();
let open: Loading[] = [];
afterEach(() => {
  for (const loading of open) loading.close();
  open = [];
});

function setUp({
  loader = {},
  source = {},
  link,
}: {
  loader?: Partial<Letters>;
  source?: Partial<LoadedSource<LoadingClient>>;
  link?: (key: string, value: string) => readonly (readonly Subject[])[];
} = {}) {
  const loading = createLoading({ clock });
  open.push(loading);
  const calls: string[][] = [];
  const letters: Letters = defineLoader<LoadingClient, string, string>({
    name: 'letters',
    load: (keys) => {
      calls.push([...keys]);
      return Promise.resolve(keys.map((key) => `${key}${calls.length}`));
    },
    ...loader,
  });
  const shop = { ...loading.source('shop', { freshness: { maxAge: '10 s' } }), ...source };
  loading.registry.add(shop, letters, link);
  return {
    ...loading,
    letters,
    shop,
    calls,
    request: () => loading.newRequest(),
    loadKey: (key: string) => loading.newRequest().load(letters, key),
  };
}

describe('the freshness of a loader', () => {
  it.each<
    [
      string,
      declared: FreshnessOptions,
      setting: LoaderSettings,
      ofSource: FreshnessOptions,
      cachedMs: number,
    ]
  >([
    ['of its source', {}, {}, { maxAge: '2 s' }, 2_000],
    ['its own', { maxAge: '3 s' }, {}, { maxAge: '2 s' }, 3_000],
    ['of its settings', { maxAge: '3 s' }, { freshness: { maxAge: '4 s' } }, { maxAge: '2 s' }, 4_000],
    ['its own, if its settings have none', { maxAge: '3 s' }, { maxBatch: 5 }, { maxAge: '2 s' }, 3_000],
  ])('is %s', async (_, declared, settings, ofSource, cachedMs) => {
    const { loadKey } = setUp({
      loader: { freshness: declared },
      source: {
        freshness: ofSource,
        loaderSettings: { letters: settings, others: { freshness: { maxAge: '0 s' } } },
      },
    });
    expect(await loadKey('a')).toBe('a1');
    clock.advance(cachedMs - 1);
    expect(await loadKey('a')).toBe('a1');
    clock.advance(1);
    expect(await loadKey('a')).toBe('a2');
  });
});

describe('the batch size of a loader', () => {
  it.each<
    [declared: number | undefined, setting: number | undefined, ofSource: number | undefined, sizes: number[]]
  >([
    [undefined, undefined, undefined, [6]],
    [4, undefined, undefined, [4, 2]],
    [undefined, 5, undefined, [5, 1]],
    [undefined, undefined, 3, [3, 3]],
    [3, 4, 5, [3, 3]],
    [5, 3, 4, [3, 3]],
    [4, 5, 3, [3, 3]],
  ])(
    'is the smallest of its own (%s), its setting (%s), and its source (%s)',
    async (declared, setting, ofSource, sizes) => {
      const { request, letters, calls } = setUp({
        loader: declared === undefined ? {} : { maxBatch: declared },
        source: {
          maxBatch: ofSource,
          loaderSettings: { letters: setting === undefined ? {} : { maxBatch: setting } },
        },
      });
      await request().loadMany(letters, ['a', 'b', 'c', 'd', 'e', 'f']);
      expect(calls.map((keys) => keys.length)).toEqual(sizes);
    },
  );
});

describe('a cached answer', () => {
  it('is read without a call only while it is fresh, and is reported', async () => {
    const loading = setUp({
      source: { freshness: { maxAge: '10 s', staleWhileRevalidate: '20 s' } },
    });
    const { letters, loadKey, calls } = loading;
    expect(loading.newRequest().readCached(letters, 'a')).toBeUndefined();
    await loadKey('a');
    clock.advance(9_999);
    const request = loading.newRequest();
    expect(request.readCached(letters, 'a')).toBe('a1');
    expect(request.scope.provenance.report(['shop']).shop).toMatchObject({
      status: 'cached',
      age: 9,
      records: 1,
    });
    expect(loading.newRequest({ wanted: { maxAgeMs: 9_999 } }).readCached(letters, 'a')).toBeUndefined();
    clock.advance(1);
    expect(loading.newRequest().readCached(letters, 'a')).toBeUndefined();
    expect(calls).toHaveLength(1);
  });

  it('is loaded again with the lowest priority after it was forgotten, if it was read often', async () => {
    const scope = vi.fn<LoadedSource<LoadingClient>['protection']['scope']>();
    const { registry, loadKey, calls, shop } = setUp();
    const original = shop.protection.scope.bind(shop.protection);
    shop.protection.scope = scope.mockImplementation(original);
    for (let i = 0; i < 4; i += 1) await loadKey('often');
    await loadKey('seldom');
    const renew = await registry.forget([{ source: 'shop' }]);
    expect(calls).toEqual([['often'], ['seldom']]);
    renew();
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls.slice(2)).toEqual([['often']]);
    expect(scope.mock.calls.map(([{ priority }]) => priority)).toEqual([
      'interactive',
      'interactive',
      'bulk',
    ]);
    expect(scope.mock.calls.at(-1)?.[0].deadlineAt).toEqual(expect.any(Function));
  });
});

describe('the registry', () => {
  it('has a version that changes each time that anything is forgotten', async () => {
    const { registry } = setUp();
    const versions = [registry.version];
    for (const forget of [
      () => registry.forget([{ namespace: 'email', value: 'jan@example.nl' }]),
      () =>
        Promise.resolve().then(() => {
          registry.forgetTags(['tag']);
        }),
      () =>
        Promise.resolve().then(() => {
          registry.clear();
        }),
    ]) {
      await forget();
      versions.push(registry.version);
    }
    expect(new Set(versions).size).toBe(4);
  });

  it('knows its loaders by their source and name', () => {
    const { registry, shop, letters } = setUp();
    registry.add({ ...shop, name: 'crm' }, { ...letters, name: 'numbers' });
    expect(
      [
        ['shop', 'letters'],
        ['shop', 'numbers'],
        ['crm', 'letters'],
        ['crm', 'numbers'],
      ].map(([source = '', loader = '']) => registry.has(source, loader)),
    ).toEqual([true, false, false, true]);
    // Another source may have a loader with the same name, whose answers are its own.
    registry.add({ ...shop, name: 'crm' }, { ...letters });
  });

  it('finds a derived loader by the one that requests pass', async () => {
    const { registry, shop, request } = setUp();
    const declared = defineLoader<LoadingClient, string, string>({
      name: 'derived',
      load: () => Promise.reject(new Error('The declared loader must not be called.')),
    });
    registry.add(
      shop,
      { ...declared, load: (keys) => Promise.resolve(keys.map((key) => `derived ${key}`)) },
      undefined,
      declared,
    );
    expect(await request().load(declared, 'a')).toBe('derived a');
  });

  it('drops answers of the connections, and of calls in progress, when anything is forgotten', async () => {
    const forget = vi.fn();
    const { registry, shop, letters } = setUp();
    for (const name of ['other', 'another'])
      registry.add({ ...shop, connection: { ...shop.connection, forget } }, { ...letters, name });
    await registry.forget([{ source: 'crm' }]);
    expect(forget).toHaveBeenCalledTimes(2);
  });

  it('links identifiers for as long as any answer may be cached, also if this one is cached for a shorter time', async () => {
    const { registry, shop, request, letters } = setUp({
      source: { freshness: { maxAge: '1 s' } },
      link: (key, value) => [
        [
          { namespace: 'email', value: key },
          { namespace: 'crmId', value },
        ],
      ],
    });
    let loads = 0;
    const orders = defineLoader<LoadingClient, string, string>({
      name: 'orders',
      freshness: { maxAge: '1 hour' },
      about: (crmId) => [{ namespace: 'crmId', value: crmId }],
      load: (keys) => {
        loads += 1;
        return Promise.resolve(keys.map(() => 'order'));
      },
    });
    registry.add(shop, orders);
    await request().load(letters, 'a');
    await request().load(orders, 'a1');
    clock.advance(60_000);
    await registry.forget([{ namespace: 'email', value: 'a' }]);
    await request().load(orders, 'a1');
    expect(loads).toBe(2);
  });
});
