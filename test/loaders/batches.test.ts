import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { defineLoader } from '../../src/loaders/loader.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';

const clock = fakeClock();
let loading: Loading | undefined;
afterEach(() => {
  loading?.close();
});

/** Waits until all work that needs no answer has run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A system that accepts only keys with the same first letter in one call. The digit in a key bounds the call. */
function setUp(maxBatch = Infinity) {
  const calls: { keys: string[]; answer: () => void; isCancelled: boolean }[] = [];
  const words = defineLoader<LoadingClient, string, string>({
    name: 'words',
    maxBatch,
    batchOf: (key) => ({ id: key.slice(0, 1), maxKeys: Number(key.slice(1, 2)) }),
    load: (keys, { scope }) =>
      scope.run(
        (signal) =>
          new Promise((resolve) => {
            const call = {
              keys: [...keys],
              answer: () => {
                resolve(keys.map((key) => key.toUpperCase()));
              },
              isCancelled: false,
            };
            signal.addEventListener('abort', () => {
              call.isCancelled = true;
            });
            calls.push(call);
          }),
      ),
  });
  const newLoading = createLoading({ clock });
  loading = newLoading;
  newLoading.registry.add(newLoading.source('dictionary', { limits: { concurrency: 1_000 } }), words);
  return { calls, newRequest: () => newLoading.newRequest(), words };
}

describe('keys that cannot share a call', () => {
  it('are loaded by several calls that do not wait for each other', async () => {
    const { calls, newRequest, words } = setUp();
    const [first, second] = [newRequest(), newRequest()];
    const answers: string[] = [];
    const slow = first.load(words, 'a9 slow').then((answer) => answers.push(answer));
    const quick = second.load(words, 'b9 quick').then((answer) => answers.push(answer));
    await settle();
    expect(calls.map(({ keys }) => keys)).toEqual([['a9 slow'], ['b9 quick']]);
    calls[1]?.answer();
    await settle();
    expect(answers).toEqual(['B9 QUICK']);
    calls[0]?.answer();
    await Promise.all([slow, quick]);
    expect(answers).toEqual(['B9 QUICK', 'A9 SLOW']);
  });

  it('are cancelled separately when no request waits for them', async () => {
    const { calls, newRequest, words } = setUp();
    const [first, second] = [newRequest(), newRequest()];
    void first.load(words, 'a9');
    const cached = second.load(words, 'b9');
    await settle();
    for (const pending of first.scope.pendingKeys) {
      first.scope.pendingKeys.delete(pending);
      pending.leave();
    }
    expect(calls.map(({ isCancelled }) => isCancelled)).toEqual([true, false]);
    calls[1]?.answer();
    expect(await cached).toBe('B9');
  });

  it('need the minimum number of calls in any combination, and each key has the correct answer', async () => {
    const keys = fc.uniqueArray(fc.stringMatching(/^(a1|b2|c3|d9)[x-z]{1,3}$/), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(keys, fc.constantFrom(1, 2, 5, Infinity), async (all, maxBatch) => {
        const { calls, newRequest, words } = setUp(maxBatch);
        const answers = Promise.all(all.map((key) => newRequest().load(words, key)));
        await settle();
        const wanted = ['a1', 'b2', 'c3', 'd9'].map((group) => {
          const size = all.filter((key) => key.startsWith(group)).length;
          return Math.ceil(size / Math.min(maxBatch, Number(group.slice(1))));
        });
        const found = ['a1', 'b2', 'c3', 'd9'].map(
          (group) => calls.filter((call) => call.keys.every((key) => key.startsWith(group))).length,
        );
        expect(found).toEqual(wanted);
        for (const { keys, answer } of calls) {
          expect(keys.length).toBeLessThanOrEqual(maxBatch);
          answer();
        }
        expect(await answers).toEqual(all.map((key) => key.toUpperCase()));
        loading?.close();
      }),
    );
  });
});
