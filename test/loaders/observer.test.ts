import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import { defineLoader } from '../../src/loaders/loader.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';
import { sharedCacheInMemory } from './shared-cache-in-memory.js';

/** Tests the counts of the metrics, and the freshness of a response. */

const unavailable = new SourceUnavailableError('shop', 'shop is unavailable.');
const clock = fakeClock();
const observer = { cacheAnswered: vi.fn(), batchDispatched: vi.fn(), loadFailed: vi.fn() };
let loading: Loading;
let answer: (key: string) => string | null | Error;

const loaderNamed = (name: string) =>
  defineLoader<LoadingClient, string, string | null>({
    name,
    load: (keys) => Promise.resolve(keys.map((key) => answer(`${name} ${key}`))),
  });
const letters = loaderNamed('letters');
const FRESHNESS = { maxAge: '10 s', staleWhileRevalidate: '20 s', notFoundMaxAge: '2 s' } as const;

beforeEach(() => {
  vi.clearAllMocks();
  answer = (text) => text;
  loading = createLoading({ clock, observer });
  loading.registry.add(loading.source('shop', { freshness: FRESHNESS }), letters);
});
afterEach(() => {
  loading.close();
});

const settle = async () => {
  for (let i = 0; i < 4; i += 1) await new Promise(setImmediate);
};

describe('the observer', () => {
  it('counts keys that the cache answers or misses, and the keys of each call', async () => {
    await loading.newRequest().loadMany(letters, ['a', 'b']);
    expect(observer.cacheAnswered.mock.calls).toEqual([
      ['shop', 'miss'],
      ['shop', 'miss'],
    ]);
    expect(observer.batchDispatched.mock.calls).toEqual([['shop', 'letters', 2]]);
    vi.clearAllMocks();
    await loading.newRequest().loadMany(letters, ['a', 'b']);
    expect(observer.cacheAnswered.mock.calls).toEqual([
      ['shop', 'hit'],
      ['shop', 'hit'],
    ]);
    clock.advance(15_000);
    vi.clearAllMocks();
    await loading.newRequest().load(letters, 'a');
    await settle();
    expect(observer.cacheAnswered.mock.calls).toEqual([['shop', 'stale']]);
    expect(observer.batchDispatched.mock.calls).toEqual([['shop', 'letters', 1]]);
  });

  it('counts answers of another instance as shared', async () => {
    const shared = sharedCacheInMemory();
    const instance = () =>
      createLoading({
        clock,
        observer,
        shared: shared.instance({ onForget: () => undefined, onGap: () => undefined }),
      });
    const [instanceA, instanceB] = [instance(), instance()];
    for (const each of [instanceA, instanceB])
      each.registry.add(each.source('shop', { freshness: FRESHNESS }), letters);
    const goOn = async () => {
      for (let i = 0; i < 5; i += 1) {
        await settle();
        shared.happenings.all();
      }
    };
    void instanceA.newRequest().load(letters, 'a');
    await goOn();
    vi.clearAllMocks();
    void instanceB.newRequest().load(letters, 'a');
    await goOn();
    expect(observer.cacheAnswered.mock.calls).toEqual([
      ['shop', 'miss'],
      ['shop', 'shared'],
    ]);
    expect(observer.batchDispatched).not.toHaveBeenCalled();
    instanceA.close();
    instanceB.close();
  });

  it('receives each error of a key', async () => {
    answer = (text) => (text.endsWith('b') ? unavailable : text);
    await loading.newRequest().loadMany(letters, ['a', 'b']);
    expect(observer.loadFailed.mock.calls).toEqual([['letters', unavailable]]);
  });
});

describe('a response', () => {
  it.each([['a'], ['ab'], ['ba']])(
    'of %s is fresh until the first of its answers becomes stale',
    async (keys) => {
      answer = (text) => (text.endsWith('b') ? null : text);
      const { loadMany, scope } = loading.newRequest();
      await loadMany(letters, Array.from(keys));
      expect(scope.provenance.freshness()).toEqual({ ageMs: 0, freshMs: keys === 'a' ? 10_000 : 2_000 });
    },
  );
});

describe('two loaders of one source', () => {
  it('do not share the answers to equal keys', async () => {
    const numbers = loaderNamed('numbers');
    loading.registry.add(loading.source('shop', { freshness: FRESHNESS }), numbers);
    expect(await loading.newRequest().load(letters, 'a')).toBe('letters a');
    expect(await loading.newRequest().load(numbers, 'a')).toBe('numbers a');
    expect(await loading.newRequest().load(letters, 'a')).toBe('letters a');
  });
});

describe('an answer that a connection caches', () => {
  it('is dropped with any customer, by invalidations of other instances, and if the cache is cleared', async () => {
    const forget = vi.fn();
    const source = loading.source('crm');
    loading.registry.add({ ...source, connection: { ...source.connection, forget } }, loaderNamed('people'));
    await loading.registry.forget([{ namespace: 'email', value: 'eva@example.nl' }]);
    expect(forget).toHaveBeenCalledTimes(1);
    loading.registry.forgetTags(['tag']);
    expect(forget).toHaveBeenCalledTimes(2);
    loading.registry.clear();
    expect(forget).toHaveBeenCalledTimes(3);
  });
});
