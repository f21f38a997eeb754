import { afterEach, describe, expect, it, vi } from 'vitest';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import { createTags, type Subject, type Tags } from '../../src/cache/invalidation.js';
import { createKeys } from '../../src/cache/keys.js';
import { createRecentlyForgotten } from '../../src/cache/recently-forgotten.js';
import { defineLoader, type Loader, type LoaderSettings } from '../../src/loaders/loader.js';
import { createLoaderRegistry, type LoadedSource } from '../../src/loaders/registry.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';
import { sharedCacheInMemory } from './shared-cache-in-memory.js';

/** `createLoading` gives a refresh this time to get its slot. */
const REFRESH_MS = 2_000;

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
    const { deadlineAt } = scope.mock.calls.at(-1)?.[0] ?? {};
    expect(typeof deadlineAt === 'function' ? deadlineAt() : deadlineAt).toBe(clock.now() + REFRESH_MS);
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
});

describe('the identifiers of one customer', () => {
  const linked: Subject[] = [
    { namespace: 'email', value: 'a' },
    { namespace: 'crmId', value: '1' },
  ];
  const HOUR_MS = 3_600_000;

  it.each<
    [
      string,
      isShared: boolean,
      longest: FreshnessOptions,
      last: FreshnessOptions,
      systemMs: number | undefined,
      linkedMs: number | undefined,
    ]
  >([
    ['another loader caches', false, { maxAge: '1 hour' }, { maxAge: '1 s' }, undefined, HOUR_MS],
    [
      'another loader caches, and this one does not',
      false,
      { maxAge: '1 hour' },
      { maxAge: '0 s' },
      undefined,
      HOUR_MS,
    ],
    ['this loader caches', false, { maxAge: '1 s' }, { maxAge: '1 hour' }, undefined, HOUR_MS],
    ['nothing is cached', false, {}, {}, undefined, undefined],
    ['only this system allows caching', false, {}, {}, 1_000, 0],
    ['another instance may cache', true, { maxAge: '0 s' }, { maxAge: '0 s' }, undefined, 0],
  ])(
    'are linked for the longest time that an answer may be cached: %s',
    async (_, isShared, longest, last, systemMs, linkedMs) => {
      const loading = createLoading({ clock });
      open.push(loading);
      const link = vi.fn<Tags['link']>();
      const keys = createKeys('a secret of the test');
      const registry = createLoaderRegistry(
        {
          cache: loading.cache,
          tags: { ...createTags(keys, clock), link },
          recentlyForgotten: createRecentlyForgotten(),
          clock,
          shared: isShared
            ? sharedCacheInMemory().instance({ onForget: vi.fn(), onGap: vi.fn() })
            : undefined,
          observer: undefined,
          refreshMs: REFRESH_MS,
        },
        keys,
      );
      const loaderOf = (name: string, declared: FreshnessOptions): Letters =>
        defineLoader<LoadingClient, string, string>({
          name,
          freshness: declared,
          load: (all, { scope }) => {
            if (systemMs !== undefined) scope.limitMaxAge(systemMs);
            return Promise.resolve(all.map((key) => key));
          },
        });
      const identities = loaderOf('last', last);
      registry.add(loading.source('shop'), loaderOf('longest', longest));
      registry.add(loading.source('shop'), identities, () => [linked]);
      // With a shared cache, an answer waits for the steps of the test. Its policy caches nothing, so it is not read.
      const { scope } = loading.newRequest();
      await registry.forRequest(scope).load(identities, 'a');
      expect(link.mock.calls).toEqual(linkedMs === undefined ? [] : [[linked, linkedMs]]);
    },
  );
});

describe('the memory of an answer', () => {
  it('includes its key', async () => {
    const { loadKey, cache } = setUp({
      loader: { load: (keys) => Promise.resolve(keys.map(() => 'value')) },
    });
    const bytes = () => cache.usage().get('shop')?.bytes ?? 0;
    await loadKey('a');
    const first = bytes();
    await loadKey('a'.repeat(1_001));
    expect(bytes()).toBe(2 * first + 2 * 1_000);
  });
});

describe('the freshness of a response', () => {
  it('counts down with the age of its cached answers, which are its parts only while they are fresh', async () => {
    const loading = setUp({ source: { freshness: { maxAge: '10 s', staleWhileRevalidate: '20 s' } } });
    await loading.loadKey('a');
    clock.advance(4_000);
    const fresh = loading.newRequest();
    await fresh.load(loading.letters, 'a');
    expect(fresh.scope.provenance.freshness()).toEqual({ ageMs: 4_000, freshMs: 6_000 });
    expect(fresh.scope.provenance.parts()).toHaveLength(1);
    clock.advance(8_000);
    const stale = loading.newRequest();
    await stale.load(loading.letters, 'a');
    expect(stale.scope.provenance.freshness()).toEqual({ ageMs: 12_000, freshMs: 0 });
    expect(stale.scope.provenance.parts()).toBeUndefined();
  });
});

describe('the deadline for identifying the customer', () => {
  it('applies only to loaders that identify customers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const load = () => new Promise<never>(() => undefined);
      const people = setUp({ loader: { load }, link: () => [] });
      const orders = setUp({ loader: { load } });
      const requestOf = (loading: ReturnType<typeof setUp>) => {
        let end = 'pending';
        const request = loading.newRequest({ identityDeadline: startDeadline(100, clock) });
        request.load(loading.letters, 'a').catch(() => (end = 'late'));
        return () => end;
      };
      const ends = [requestOf(people), requestOf(orders)];
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(100);
      await new Promise((resolve) => setImmediate(resolve));
      expect(ends.map((end) => end())).toEqual(['late', 'pending']);
    } finally {
      vi.useRealTimers();
    }
  });
});

it('a field that is requested after others were loaded is loaded too', async () => {
  const { request, letters, calls } = setUp();
  const { loadField } = request();
  const read = (value: string) => `field of ${value}`;
  expect(await loadField(letters, 'a', read)).toBe('field of a1');
  expect(await loadField(letters, 'b', read)).toBe('field of b2');
  expect(loadField(letters, 'a', read)).toBe('field of a1');
  expect(calls).toEqual([['a'], ['b']]);
});
