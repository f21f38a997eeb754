import { afterEach, describe, expect, it } from 'vitest';
import { ChunkedWork } from '../src/chunked-work.js';
import { defineLoader } from '../src/loaders/loader.js';
import { fakeClock } from './support/clock.js';
import { createLoading } from './support/loading.js';

const MANY = Array.from({ length: 1_000 }, (_, i) => i);

/** Counts how often the event loop runs other work, until the returned function is called. */
function countYields(): () => number {
  let yields = 0;
  let next = setImmediate(function again() {
    yields += 1;
    next = setImmediate(again);
  });
  return () => {
    clearImmediate(next);
    return yields;
  };
}

describe('a long list of one request', () => {
  it.each([0, 1, 25, 26, 1_000])('processes each of %i items in their order', async (length) => {
    const seen: number[] = [];
    await new ChunkedWork().each(MANY.slice(0, length), (number, at) => {
      expect(at).toBe(number);
      seen.push(number);
    });
    expect(seen).toEqual(MANY.slice(0, length));
  });

  it('yields to the event loop after every few items', async () => {
    const stop = countYields();
    await new ChunkedWork().each(MANY, () => undefined);
    expect(stop()).toBeGreaterThan(30);
  });

  it.each([3, 300])('stops at an error of an item and rejects with it (item %i)', async (bad) => {
    const chunks = new ChunkedWork();
    let last = -1;
    const worked = chunks.each(MANY, (chunk) => {
      if (chunk === bad) throw new Error('no more');
      last = chunk;
    });
    await expect(worked).rejects.toThrow('no more');
    expect(last).toBe(bad - 1);
    const afterwards = new Promise<string>((resolve) => {
      chunks.whenDone(() => {
        resolve('done');
      });
    });
    expect(await afterwards).toBe('done');
  });
});

describe('the answers to very many keys', () => {
  const loading = createLoading({ clock: fakeClock() });
  afterEach(() => {
    loading.close();
  });

  it('are resolved in chunks, and the next loader still gets all its keys in one batch', async () => {
    const batches: number[] = [];
    const first = defineLoader({
      name: 'first',
      load: (keys: readonly number[]) =>
        Promise.resolve(keys.map((key) => (key % 100 === 7 ? new Error(`no ${key}`) : key * 2))),
    });
    const second = defineLoader({
      name: 'second',
      load: (keys: readonly number[]) => {
        batches.push(keys.length);
        return Promise.resolve(keys.map((key) => key + 1));
      },
    });
    const source = loading.source('a system');
    for (const loader of [first, second]) loading.registry.add(source, loader);
    const { load } = loading.newRequest();

    let stop: (() => number) | undefined;
    const answers = await Promise.allSettled(
      MANY.map(async (key) => {
        const value = await load(first, key);
        stop ??= countYields();
        return load(second, value);
      }),
    );
    expect(stop?.()).toBeGreaterThan(30);
    expect(batches).toEqual([990]);
    expect(answers).toEqual(
      MANY.map((key) =>
        key % 100 === 7
          ? { status: 'rejected', reason: new Error(`no ${key}`) }
          : { status: 'fulfilled', value: key * 2 + 1 },
      ),
    );
  });
});
