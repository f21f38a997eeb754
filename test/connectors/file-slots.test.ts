import { setImmediate as nextPhase } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createSlots } from '../../src/connectors/file/slots.js';

/** Work that ends when the test ends it. */
function createWork() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    end: async (index: number) => {
      ends[index]?.();
      await nextPhase();
    },
    of: (index: number) => () => {
      started.push(index);
      return new Promise<void>((resolve) => {
        ends[index] = resolve;
      });
    },
  };
}

describe('the slots of queries', () => {
  const { signal } = new AbortController();

  it('run no more work at a time than there are, in its order', async () => {
    const slots = createSlots(2);
    const work = createWork();
    const all = Promise.all([0, 1, 2, 3].map((index) => slots.run(signal, work.of(index))));
    await nextPhase();
    expect(work.started).toEqual([0, 1]);
    await work.end(1);
    // Waiting work has taken the slot, so later work waits too.
    const late = slots.run(signal, work.of(4));
    await nextPhase();
    expect(work.started).toEqual([0, 1, 2]);
    await work.end(0);
    expect(work.started).toEqual([0, 1, 2, 3]);
    for (const index of [2, 3, 4]) await work.end(index);
    await Promise.all([all, late]);
    expect(work.started).toEqual([0, 1, 2, 3, 4]);
  });

  it('are free again after work that failed, and after waiting work that was cancelled', async () => {
    const slots = createSlots(1);
    const work = createWork();
    const cancelled = new AbortController();
    const first = slots.run(signal, work.of(0));
    const second = slots.run(cancelled.signal, work.of(1));
    const third = slots.run(signal, () => Promise.reject(new Error('broken')));
    const failures = Promise.allSettled([second, third]);
    cancelled.abort(new Error('cancelled'));
    await work.end(0);
    await first;
    expect(await failures).toMatchObject([
      { reason: { message: 'cancelled' } },
      { reason: { message: 'broken' } },
    ]);
    expect(work.started).toEqual([0]);
    await expect(slots.run(signal, () => Promise.resolve('done'))).resolves.toBe('done');
    await expect(slots.run(cancelled.signal, work.of(2))).rejects.toThrow('cancelled');
  });
});
