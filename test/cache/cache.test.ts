import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { approximateBytes, createCache, type Cache, type Entry } from '../../src/cache/cache.js';
import { fakeClock, type FakeClock } from '../support/clock.js';

const MEGABYTE = 1024 * 1024;

let opened: Cache[] = [];
afterEach(() => {
  for (const cache of opened) cache.close();
  opened = [];
  vi.useRealTimers();
});

function setUp({ maxBytes = MEGABYTE } = {}) {
  const clock = fakeClock();
  const cache = createCache({ maxBytes, clock });
  opened.push(cache);
  return { clock, cache, ...shortWords(cache, clock) };
}

/** Stores and reads entries of one source with short keys and values. */
function shortWords(cache: Cache, clock: FakeClock) {
  return {
    store: (key: string, value: unknown, parts: Partial<Entry> = {}, source = 'shop') => {
      cache.set(source, key, {
        value,
        fetchedAt: clock.now(),
        maxAgeMs: 1_000,
        retentionMs: 1_000,
        tags: [],
        renew: () => undefined,
        ...parts,
      });
    },
    readCached: (key: string, source = 'shop') => cache.get(source, key)?.value,
    bytes: (source = 'shop') => cache.usage().get(source)?.bytes ?? 0,
  };
}

const KILOBYTE = 'x'.repeat(500);

describe('the cache', () => {
  it('returns an answer until its retention ends, and not later', () => {
    const { store, readCached, clock } = setUp();
    store('a', 'A', { maxAgeMs: 300, retentionMs: 1_000 });
    clock.advance(1_000);
    expect(readCached('a')).toBe('A');
    clock.advance(1);
    expect(readCached('a')).toBeUndefined();
  });

  it('does not reset the age of an answer when it is returned', () => {
    const { store, readCached, clock } = setUp();
    store('a', 'A');
    for (let i = 0; i < 4; i += 1) {
      clock.advance(300);
      readCached('a');
    }
    expect(readCached('a')).toBeUndefined();
  });

  it('counts the age from the call, not from the answer', () => {
    const { store, readCached, clock } = setUp();
    const fetchedAt = clock.now();
    clock.advance(600);
    store('a', 'A', { fetchedAt });
    clock.advance(400);
    expect(readCached('a')).toBe('A');
    clock.advance(1);
    expect(readCached('a')).toBeUndefined();
  });

  it('does not store an answer that took longer than its retention', () => {
    const { store, readCached, clock } = setUp();
    const fetchedAt = clock.now();
    clock.advance(1_000);
    store('a', 'A', { fetchedAt });
    expect(readCached('a')).toBeUndefined();
  });

  it('stores the answer of the later call, even if the answer of an earlier call arrives after it', () => {
    const { store, readCached, clock } = setUp();
    const earlier = clock.now();
    clock.advance(100);
    store('a', 'later');
    store('a', 'earlier', { fetchedAt: earlier });
    expect(readCached('a')).toBe('later');
    store('a', 'at the same moment');
    expect(readCached('a')).toBe('at the same moment');
  });

  it.each([[null], [undefined], [false], [0], [''], [[]]])('stores %j like any other answer', (value) => {
    const { store, cache } = setUp();
    store('a', value);
    expect(cache.get('shop', 'a')).toMatchObject({ value, maxAgeMs: 1_000 });
  });

  it('separates the sources', () => {
    const { store, readCached } = setUp();
    store('a', 'of the shop');
    store('a', 'of the CRM', {}, 'crm');
    expect([readCached('a'), readCached('a', 'crm'), readCached('a', 'other')]).toEqual([
      'of the shop',
      'of the CRM',
      undefined,
    ]);
  });

  it('does not exceed its size in bytes, and evicts the least recently used entry', () => {
    const { store, readCached, bytes } = setUp({ maxBytes: 20_000 });
    for (const key of 'abcdef') store(key, KILOBYTE);
    expect(readCached('a')).toBe(KILOBYTE);
    for (const key of 'ghi') store(key, KILOBYTE);
    expect(readCached('a')).toBe(KILOBYTE);
    expect(readCached('b')).toBeUndefined();
    expect(bytes()).toBeLessThanOrEqual(10_000);
  });

  it('counts the overhead of an entry, so that empty answers cannot fill the memory', () => {
    const { store, cache } = setUp({ maxBytes: 20_000 });
    for (let i = 0; i < 1_000; i += 1) store(`key ${i}`, null);
    expect(cache.usage().get('shop')?.entries).toBeLessThan(40);
  });

  it('counts the tags of an answer, so that many tags cannot fill the memory', () => {
    const { store, cache } = setUp({ maxBytes: 20_000 });
    const tags = Array.from({ length: 20 }, (_, i) => `tag ${i}`);
    for (let i = 0; i < 100; i += 1) store(`key ${i}`, null, { tags });
    expect(cache.usage().get('shop')?.entries).toBeLessThan(4);
  });

  it('counts the key that an entry stores for its refresh, so that long keys cannot fill the memory', () => {
    const { store, bytes } = setUp();
    store('a', null);
    const without = bytes();
    store('a', null, { renewBytes: 300 });
    expect(bytes()).toBe(without + 300);
  });

  it('does not store an answer larger than the cache, and retains the others', () => {
    const { store, readCached, cache } = setUp({ maxBytes: 20_000 });
    store('small', KILOBYTE);
    store('large', 'x'.repeat(100_000), { tags: ['large'] });
    expect(readCached('large')).toBeUndefined();
    expect(readCached('small')).toBe(KILOBYTE);
    cache.forget(['large']);
    expect(cache.usage().get('shop')?.entries).toBe(1);
  });

  it('drops the old answer if the new one is too large', () => {
    const { store, readCached } = setUp({ maxBytes: 20_000 });
    store('a', 'small');
    store('a', 'x'.repeat(100_000));
    expect(readCached('a')).toBeUndefined();
  });

  it('limits a source to half of the bytes, unless it has its own limit', () => {
    const { store, bytes, cache } = setUp({ maxBytes: 100_000 });
    cache.bound('modest', 5_000);
    cache.bound('greedy', 80_000);
    const fill = (source: string): number => {
      for (let i = 0; i < 200; i += 1) store(`key ${i}`, KILOBYTE, {}, source);
      const held = bytes(source);
      cache.clear();
      return held;
    };
    expect(fill('modest')).toBeLessThanOrEqual(5_000);
    expect(fill('shop')).toBeLessThanOrEqual(50_000);
    const greedy = fill('greedy');
    expect(greedy).toBeGreaterThan(50_000);
    expect(greedy).toBeLessThanOrEqual(80_000);
  });

  it('evicts from the largest source, so that a busy source does not evict all others', () => {
    const { store, bytes, cache } = setUp({ maxBytes: 100_000 });
    for (let i = 0; i < 10; i += 1) store(`key ${i}`, KILOBYTE, {}, 'quiet');
    const quiet = bytes('quiet');
    for (const source of ['busy', 'busier']) {
      cache.bound(source, 90_000);
      for (let i = 0; i < 200; i += 1) store(`key ${i}`, KILOBYTE, {}, source);
    }
    expect(bytes('quiet')).toBe(quiet);
    const all = [...cache.usage().values()].reduce((sum, held) => sum + held.bytes, 0);
    expect(all).toBeLessThanOrEqual(100_000);
    expect(all).toBeGreaterThan(95_000);
    expect(bytes('busy')).toBeGreaterThan(30_000);
  });

  it('frees expired entries of every source each minute, until it is closed', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { store, cache, clock } = setUp();
    const entries = () => [...cache.usage().values()].map((held) => held.entries);
    store('expires', 'A', { retentionMs: 1_000 });
    store('stays', 'A', { retentionMs: 2_000 });
    store('expires', 'A', { retentionMs: 1_000 }, 'crm');
    clock.advance(1_001);
    vi.advanceTimersByTime(59_999);
    expect(entries()).toEqual([2, 1]);
    vi.advanceTimersByTime(1);
    expect(entries()).toEqual([1, 0]);
    cache.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('marks the state of an entry that is replaced, forgotten or evicted', () => {
    const { store, cache } = setUp({ maxBytes: 20_000 });
    const entryStateOf = (key: string) => cache.get('shop', key)?.entryState;
    store('a', 'A', { tags: ['jan'] });
    const first = entryStateOf('a');
    expect(first).toEqual({ reads: 1, isDropped: false });
    store('a', 'B', { tags: ['jan'] });
    const second = entryStateOf('a');
    expect([first?.isDropped, second?.isDropped]).toEqual([true, false]);
    cache.forget(['jan']);
    expect(second?.isDropped).toBe(true);
    store('a', 'C');
    const third = entryStateOf('a');
    for (const key of 'bcdefghij') store(key, KILOBYTE);
    expect(third?.isDropped).toBe(true);
  });

  it('has no entries of any source after it is cleared', () => {
    const { store, readCached, cache } = setUp();
    store('a', 'A');
    store('a', 'A', {}, 'crm');
    cache.clear();
    expect([readCached('a'), readCached('a', 'crm')]).toEqual([undefined, undefined]);
    expect([...cache.usage().values()].every(({ entries, bytes }) => entries === 0 && bytes === 0)).toBe(
      true,
    );
  });
});

describe('forgetting', () => {
  it('drops the answers with any of the tags, in every source, and no others', () => {
    const { store, readCached, cache } = setUp();
    store('a', 'A', { tags: ['jan', 'order'] });
    store('b', 'B', { tags: ['piet', 'order'] });
    store('c', 'C', { tags: ['jan'] }, 'crm');
    store('d', 'D');
    cache.forget(['jan', 'nobody']);
    expect([readCached('a'), readCached('b'), readCached('c', 'crm'), readCached('d')]).toEqual([
      undefined,
      'B',
      undefined,
      'D',
    ]);
    cache.forget(['order']);
    expect([readCached('b'), readCached('d')]).toEqual([undefined, 'D']);
  });

  it('uses the tags of the current answer, not of the previous one', () => {
    const { store, readCached, cache } = setUp();
    store('a', 'of Jan', { tags: ['jan'] });
    store('a', 'of Piet', { tags: ['piet'] });
    cache.forget(['jan']);
    expect(readCached('a')).toBe('of Piet');
    cache.forget(['piet']);
    expect(readCached('a')).toBeUndefined();
  });

  it('works again for an entry that is stored again', () => {
    const { store, readCached, cache } = setUp();
    for (let i = 0; i < 3; i += 1) {
      store('a', 'A', { tags: ['jan'] });
      cache.forget(['jan']);
      expect(readCached('a')).toBeUndefined();
    }
    expect(cache.usage().get('shop')).toEqual({ entries: 0, bytes: 0 });
  });

  it('returns functions that reload some of the entries that were read often', () => {
    const { store, readCached, cache } = setUp();
    const renewed: string[] = [];
    const read = (key: string, times: number) => {
      store(key, 'A', { tags: ['t'], renew: () => renewed.push(key) });
      for (let time = 0; time < times; time += 1) readCached(key);
    };
    read('seldom', 2);
    read('often', 3);
    for (const renew of cache.forget(['t'])) renew();
    expect(renewed).toEqual(['often']);

    for (let i = 0; i < 1_000; i += 1) read(`often ${i}`, 3);
    expect(cache.forget(['t'])).toHaveLength(50);
    expect(cache.forget(['t'])).toEqual([]);
  });

  it('works for any order of storing, forgetting, expiring and evicting', () => {
    const tags = fc.uniqueArray(fc.constantFrom<string>('t1', 't2', 't3'), { maxLength: 3 });
    const source = fc.constantFrom('one', 'other');
    const step = fc.oneof(
      fc.record({
        do: fc.constant('store' as const),
        source,
        key: fc.constantFrom('a b', 'b', ' '),
        size: fc.constantFrom(0, 300, 900, 3_000),
        retentionMs: fc.constantFrom(50, 500),
        tags,
      }),
      fc.record({ do: fc.constant('forget' as const), tags }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 100 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(4_000, 8_000, MEGABYTE),
        (steps, maxBytes) => {
          const clock = fakeClock();
          const cache = createCache({ maxBytes, clock });
          /** The entries that the cache may return. Evicted entries may be missing. */
          const model = new Map<string, { value: string; until: number; tags: readonly string[] }>();
          for (const [i, item] of steps.entries()) {
            if (item.do === 'advance') clock.advance(item.ms);
            else if (item.do === 'forget') {
              cache.forget(item.tags);
              for (const [place, held] of model)
                if (held.tags.some((tag) => item.tags.includes(tag))) model.delete(place);
            } else {
              const value = `${i} `.padEnd(item.size, 'x');
              cache.set(item.source, item.key, {
                value,
                fetchedAt: clock.now(),
                maxAgeMs: 0,
                retentionMs: item.retentionMs,
                tags: item.tags,
                renew: () => undefined,
              });
              model.set(`${item.source}/${item.key}`, {
                value,
                until: clock.now() + item.retentionMs,
                tags: item.tags,
              });
            }
            let held = 0;
            for (const { bytes } of cache.usage().values()) held += bytes;
            expect(held).toBeLessThanOrEqual(maxBytes);
            for (const of of ['one', 'other'])
              for (const key of ['a b', 'b', ' ']) {
                const found = cache.get(of, key);
                const expected = model.get(`${of}/${key}`);
                const isThere = expected !== undefined && clock.now() <= expected.until;
                if (found !== undefined) expect(isThere && found.value === expected.value).toBe(true);
                // Nothing is evicted if all entries fit.
                if (maxBytes === MEGABYTE) expect(found !== undefined).toBe(isThere);
              }
          }
          // No tag refers to a removed entry.
          cache.forget(['t1', 't2', 't3']);
          const untagged = [...model.values()].filter((item) => item.tags.length === 0);
          let entries = 0;
          for (const entry of cache.usage().values()) entries += entry.entries;
          expect(entries).toBeLessThanOrEqual(untagged.length);
          cache.close();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('frees the memory of evicted entries', () => {
    const { store, cache } = setUp({ maxBytes: 50_000 });
    const fill = (round: number): void => {
      for (let i = 0; i < 2_000; i += 1)
        store(`key ${round} ${i}`, 'x', { tags: [`customer ${round} ${i}`, 'all'] });
    };
    fill(0);
    const before = cache.usage().get('shop');
    for (let round = 1; round < 20; round += 1) fill(round);
    expect(cache.usage().get('shop')?.entries).toBeLessThanOrEqual((before?.entries ?? 0) + 1);
    // If a removed entry left its tags behind, this would drop an entry that was stored again with the same key.
    store('key 0 0', 'anew');
    cache.forget(['customer 0 0']);
    expect(cache.get('shop', 'key 0 0')?.value).toBe('anew');
  });
});

describe('the bytes of a value', () => {
  it('are estimated as more than the number of its characters', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(approximateBytes(value)).toBeGreaterThanOrEqual(JSON.stringify(value).length / 2);
      }),
    );
  });

  it('grow with each member and each character', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 1 }), (value, text) => {
        expect(approximateBytes([value, text])).toBeGreaterThan(approximateBytes([value]));
        expect(approximateBytes({ value, text })).toBeGreaterThan(approximateBytes({ value }));
        expect(approximateBytes(`${text}${text}`)).toBeGreaterThan(approximateBytes(text));
      }),
    );
  });

  it.each<[unknown, number]>([
    [null, 8],
    [true, 16],
    [17, 16],
    [undefined, 16],
    ['abc', 30],
    [[], 40],
    [[null, 1], 40 + (8 + 8) + (8 + 16)],
    [{ ab: 'c' }, 40 + (8 + 2 + 26)],
  ])('of %j are counted by kind, length, and members', (value, bytes) => {
    expect(approximateBytes(value)).toBe(bytes);
  });

  it('are infinite if the value is nested too deeply to be measured', () => {
    let deep: unknown = null;
    for (let i = 0; i < 200_000; i += 1) deep = [deep];
    expect(approximateBytes(deep)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('do not hide other errors', () => {
    const broken = {
      get value(): never {
        throw new TypeError('broken');
      },
    };
    expect(() => approximateBytes(broken)).toThrow(TypeError);
  });
});
