import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { Client } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { defineLoader } from '../../src/loaders/loader.js';
import type { Load } from '../../src/loaders/registry.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading } from '../support/loading.js';

const unavailable = new SourceUnavailableError('shop', 'shop cannot be reached.');

describe('the loaders of a request', () => {
  const clock = fakeClock();
  let loading: Loading;
  let calls: string[][];
  let newRequest: () => Load;

  type Answer = (keys: readonly string[]) => Promise<readonly (string | Error)[]>;
  const letters = defineLoader<Client, string, string>({
    name: 'letters',
    maxBatch: 3,
    load: (keys) => {
      calls.push([...keys]);
      return answer(keys);
    },
  });
  let answer: Answer;

  const setUp = (freshness?: FreshnessOptions): void => {
    loading = createLoading({ clock });
    loading.registry.add(loading.source('shop', freshness === undefined ? {} : { freshness }), letters);
    newRequest = () => loading.newRequest().load;
  };
  const loadAll = (load: Load, keys: string): Promise<(string | Error)[]> =>
    Promise.all(Array.from(keys, (key) => load(letters, key).catch((error: unknown) => error as Error)));

  beforeEach(() => {
    calls = [];
    answer = (keys) => Promise.resolve(keys.map((key) => key.toUpperCase()));
    setUp();
  });
  afterEach(() => {
    loading.close();
  });

  it('send one call for all keys that are requested together', async () => {
    expect(await loadAll(newRequest(), 'abc')).toEqual(['A', 'B', 'C']);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });

  it('load a key once for each request', async () => {
    const load = newRequest();
    expect(await loadAll(load, 'aba')).toEqual(['A', 'B', 'A']);
    expect(await loadAll(load, 'ab')).toEqual(['A', 'B']);
    expect(calls).toEqual([['a', 'b']]);
  });

  it('load again in the next request if answers must not be cached', async () => {
    await loadAll(newRequest(), 'a');
    await loadAll(newRequest(), 'a');
    expect(calls).toEqual([['a'], ['a']]);
  });

  it('load only keys without a cached answer, or with one that is too old', async () => {
    setUp({ maxAge: '1 minute' });
    await loadAll(newRequest(), 'ab');
    expect(await loadAll(newRequest(), 'abc')).toEqual(['A', 'B', 'C']);
    expect(calls).toEqual([['a', 'b'], ['c']]);
    clock.advance(61_000);
    await loadAll(newRequest(), 'a');
    expect(calls).toHaveLength(3);
  });

  it('share a call with another request for the same key at the same time', async () => {
    const [first, second] = [newRequest(), newRequest()];
    const both = await Promise.all([loadAll(first, 'ab'), loadAll(second, 'bc')]);
    expect(both).toEqual([
      ['A', 'B'],
      ['B', 'C'],
    ]);
    expect(calls.flat().sort()).toEqual(['a', 'b', 'c']);
  });

  it('split keys into batches of the size that the system accepts, and call in parallel', async () => {
    let running = 0;
    let mostRunning = 0;
    answer = async (keys) => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
      running -= 1;
      return keys.map((key) => key.toUpperCase());
    };
    expect(await loadAll(newRequest(), 'abcdefg')).toEqual(Array.from('ABCDEFG'));
    expect(calls).toEqual([['a', 'b', 'c'], ['d', 'e', 'f'], ['g']]);
    expect(mostRunning).toBe(3);
  });

  it('reject only the keys of a call that fails', async () => {
    answer = (keys) => (keys.includes('d') ? Promise.reject(unavailable) : Promise.resolve(keys));
    expect(await loadAll(newRequest(), 'abcdefg')).toEqual([
      'a',
      'b',
      'c',
      unavailable,
      unavailable,
      unavailable,
      'g',
    ]);
  });

  it('reject only a key that fails, and cache the others', async () => {
    setUp({ maxAge: '1 minute' });
    answer = (keys) => Promise.resolve(keys.map((key) => (key === 'b' ? unavailable : key)));
    expect(await loadAll(newRequest(), 'abc')).toEqual(['a', unavailable, 'c']);
    expect(await loadAll(newRequest(), 'abc')).toEqual(['a', unavailable, 'c']);
    expect(calls).toEqual([['a', 'b', 'c'], ['b']]);
  });

  it('treat a loader that throws before its call as a failed call', async () => {
    answer = () => {
      throw unavailable;
    };
    expect(await loadAll(newRequest(), 'ab')).toEqual([unavailable, unavailable]);
  });

  it.each([
    ['few', (keys: readonly string[]) => keys.slice(1)],
    ['many', (keys: readonly string[]) => [...keys, 'x']],
  ])(
    'reject all keys if a loader returns too %s values, because their keys are unknown',
    async (_, wrong) => {
      answer = (keys) => Promise.resolve(keys.includes('a') ? wrong(keys) : keys);
      const found = await loadAll(newRequest(), 'abcd');
      expect(found.slice(0, 3).map((result) => (result as Error).message)).toEqual(
        Array.from({ length: 3 }, () => 'shop letters: a loader must return one value for each key.'),
      );
      expect(found[3]).toBe('d');
    },
  );

  it('load lists of keys together with single keys, and return an error at the position of a key that fails', async () => {
    answer = (keys) => Promise.resolve(keys.map((key) => (key === 'b' ? unavailable : key.toUpperCase())));
    const { load, loadMany } = loading.newRequest();
    const [c, ...others] = await Promise.all([
      load(letters, 'c'),
      loadMany(letters, ['b', 'a', 'b']),
      loadMany(letters, ['c']),
      loadMany(letters, []),
    ]);
    expect([c, ...others]).toEqual(['C', [unavailable, 'A', unavailable], ['C'], []]);
    expect(calls).toEqual([['c', 'b', 'a']]);
    expect(await loadMany(letters, ['a'])).toEqual(['A']);
    await expect(load(letters, 'b')).rejects.toBe(unavailable);
    expect(calls).toHaveLength(1);
  });

  it('read a field of a record in the same batch as other keys, and synchronously if the record is loaded', async () => {
    const { load, loadField, loadMany } = loading.newRequest();
    const codeOf = (letter: string) => letter.charCodeAt(0);
    const field = loadField(letters, 'a', codeOf);
    const others = Promise.all([load(letters, 'b'), loadMany(letters, ['c']), load(letters, 'a')]);
    expect(await field).toBe(65);
    expect(await others).toEqual(['B', ['C'], 'A']);
    expect(calls.map((keys) => keys.toSorted())).toEqual([['a', 'b', 'c']]);
    expect(loadField(letters, 'a', codeOf)).toBe(65);
    expect(await loadField(letters, 'b', codeOf)).toBe(66);
    expect(loadField(letters, 'c', codeOf)).toBe(67);
    expect(calls).toHaveLength(1);
  });

  it('reject a field if its record fails or its reader throws', async () => {
    answer = (keys) => Promise.resolve(keys.map((key) => (key === 'b' ? unavailable : key)));
    const { loadField } = loading.newRequest();
    const defect = () => {
      throw new Error('A mistake.');
    };
    const [a, b] = [loadField(letters, 'a', defect), loadField(letters, 'b', (letter) => letter)];
    await expect(Promise.resolve(a)).rejects.toThrow('A mistake.');
    await expect(Promise.resolve(b)).rejects.toBe(unavailable);
    expect(() => loadField(letters, 'b', (letter) => letter)).toThrow(unavailable);
  });

  it('reject a field if its batch cannot be loaded', async () => {
    const wrong = defineLoader<Client, string, string>({
      name: 'wrong',
      batchOf: () => {
        throw new Error('A mistake.');
      },
      load: (keys) => Promise.resolve(keys),
    });
    loading.registry.add(loading.source('wrong'), wrong);
    const field = loading.newRequest().loadField(wrong, 'a', (letter) => letter);
    await expect(Promise.resolve(field)).rejects.toThrow('A mistake.');
  });

  it('count a record once for each request, even if it is requested twice', async () => {
    const { loadMany, scope } = loading.newRequest();
    expect(await loadMany(letters, ['a', 'b', 'a'])).toEqual(['A', 'B', 'A']);
    expect(scope.provenance.report(['shop']).shop).toMatchObject({ records: 2 });
  });

  it('distinguish keys that are objects by their text', async () => {
    const pages = defineLoader<Client, { of: string; first: number }, string>({
      name: 'pages',
      keyText: ({ of, first }) => `${of} ${first}`,
      load: (keys) => {
        calls.push(keys.map(({ of }) => of));
        return Promise.resolve(keys.map(({ of, first }) => of.repeat(first)));
      },
    });
    loading.registry.add(loading.source('shop'), pages);
    const load = newRequest();
    const requested = [1, 2, 1].map((first) => load(pages, { of: 'x', first }));
    expect(await Promise.all(requested)).toEqual(['x', 'xx', 'x']);
    expect(calls).toEqual([['x', 'x']]);
  });

  it('throw a clear error if a source has not listed a loader', () => {
    const forgotten = defineLoader<Client, string, string>({
      name: 'forgotten',
      load: () => Promise.resolve([]),
    });
    expect(() => newRequest()(forgotten, 'a')).toThrow(/"forgotten" is not listed in its source's loaders/);
  });

  it('throw a clear error if a source has two loaders with the same name, which would share their answers', () => {
    loading.registry.add(loading.source('other shop'), { ...letters });
    expect(() => {
      loading.registry.add(loading.source('shop'), { ...letters });
    }).toThrow(/two loaders named "letters"/);
  });
});
