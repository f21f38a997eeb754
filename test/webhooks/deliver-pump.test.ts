import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPump, type Pump } from '../../src/webhooks/deliver-pump.js';

const POLL_MS = 1_000;

/** Creates waiting items, and work on them that ends when the test ends it. */
function createWork({ concurrency }: { concurrency: number }) {
  const waiting: string[] = [];
  const limits: number[] = [];
  const errors: unknown[] = [];
  const endings = new Map<string, () => void>();
  let isUnavailable = false;
  const pump: Pump = createPump<string>({
    concurrency,
    pollMs: POLL_MS,
    take: (limit) => {
      limits.push(limit);
      return isUnavailable
        ? Promise.reject(new Error('unavailable'))
        : Promise.resolve(waiting.splice(0, limit));
    },
    work: (item) => new Promise((resolve) => endings.set(item, resolve)),
    onTaken: (error) => errors.push(error),
  });
  return {
    ...{ pump, waiting, limits, errors },
    inFlight: () => [...endings.keys()],
    end: async (item: string) => {
      endings.get(item)?.();
      endings.delete(item);
      await settle();
    },
    setUnavailable: (state: boolean) => (isUnavailable = state),
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Whether a promise has resolved. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  void promise.then(() => (resolved = true));
  await settle();
  return resolved;
}

describe('a pump', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('processes as many items at a time as its concurrency, and takes another when one ends', async () => {
    const { pump, waiting, limits, inFlight, end } = createWork({ concurrency: 2 });
    waiting.push('a', 'b', 'c', 'd');
    pump.wake();
    await settle();
    expect(inFlight()).toEqual(['a', 'b']);
    pump.wake();
    await settle();
    expect(inFlight()).toEqual(['a', 'b']);
    await end('a');
    expect(inFlight()).toEqual(['b', 'c']);
    await end('b');
    expect(inFlight()).toEqual(['c', 'd']);
    // The pump takes only as many items as it can process.
    expect(limits).toEqual([2, 1, 1]);
    await end('c');
    await end('d');
    await pump.close();
  });

  it('takes items when it is notified, and at each poll', async () => {
    const { pump, waiting, inFlight, end } = createWork({ concurrency: 1 });
    waiting.push('a');
    await vi.advanceTimersByTimeAsync(POLL_MS - 1);
    expect(inFlight()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(inFlight()).toEqual(['a']);
    await end('a');
    waiting.push('b');
    pump.wake();
    await settle();
    expect(inFlight()).toEqual(['b']);
    await end('b');
    await pump.close();
  });

  it('takes items again if it is notified in the meantime', async () => {
    const { pump, waiting, inFlight, end } = createWork({ concurrency: 2 });
    pump.wake();
    waiting.push('a');
    pump.wake();
    await settle();
    expect(inFlight()).toEqual(['a']);
    await end('a');
    await pump.close();
  });

  it('reports if items cannot be taken, and tries again at the next poll', async () => {
    const { pump, waiting, errors, inFlight, setUnavailable, end } = createWork({ concurrency: 1 });
    waiting.push('a');
    setUnavailable(true);
    pump.wake();
    await settle();
    expect(errors).toEqual([new Error('unavailable')]);
    setUnavailable(false);
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(errors).toEqual([new Error('unavailable'), undefined]);
    expect(inFlight()).toEqual(['a']);
    await end('a');
    await pump.close();
  });

  it('is idle if no item is in progress and no item can be taken', async () => {
    const { pump, waiting, end } = createWork({ concurrency: 1 });
    expect(await isResolved(pump.idle())).toBe(true);
    waiting.push('a', 'b');
    const idle = pump.idle();
    await settle();
    await end('a');
    expect(await isResolved(idle)).toBe(false);
    await end('b');
    expect(await isResolved(idle)).toBe(true);
    await pump.close();
  });

  it('takes no items after it is closed, and waits for the items in progress', async () => {
    const { pump, waiting, limits, inFlight, end } = createWork({ concurrency: 1 });
    waiting.push('a', 'b');
    pump.wake();
    await settle();
    const closed = pump.close();
    expect(await isResolved(closed)).toBe(false);
    await end('a');
    expect(await isResolved(closed)).toBe(true);
    await vi.advanceTimersByTimeAsync(10 * POLL_MS);
    expect(inFlight()).toEqual([]);
    expect(limits).toEqual([1]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
