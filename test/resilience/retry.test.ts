import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cancellation } from '../../src/resilience/cancellation.js';
import { waitBeforeRetry, backoffMs, retryBudget } from '../../src/resilience/retry.js';
import { fakeClock } from '../support/clock.js';

describe('the wait before a call is repeated', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('doubles from 50 ms to at most a second, and is randomly shortened', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 100].map((retry) => backoffMs(retry, () => 1));
    expect(longest).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
    expect(backoffMs(1, () => 0.5)).toBe(25);
    expect(backoffMs(9, () => 0)).toBe(0);
  });

  it('ends at once if the call is cancelled', async () => {
    const client = new AbortController();
    const wait = waitBeforeRetry(1_000, cancellation(client.signal)).catch((error: unknown) => error);
    const reason = new Error('hung up');
    client.abort(reason);
    expect(await wait).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the budget for retries', () => {
  it('allows a few retries in every second for a source that is rarely called', () => {
    const clock = fakeClock();
    const budget = retryBudget(clock);
    for (let second = 0; second < 5; second += 1) {
      expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
      clock.advance(1_000);
    }
  });

  it('is a fifth of the calls of the last ten seconds for a busy source', () => {
    const clock = fakeClock();
    const budget = retryBudget(clock);
    for (let i = 0; i < 1_000; i += 1) budget.called();
    let taken = 0;
    while (budget.take()) taken += 1;
    expect(taken).toBe(200);
    clock.advance(10_000);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  it('drops calls older than the window, also after an idle time', () => {
    const clock = fakeClock();
    const budget = retryBudget(clock);
    for (let i = 0; i < 1_000; i += 1) budget.called();
    clock.advance(13_000);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  it('allows within ten seconds at most a fifth of the calls, or three per second', () => {
    const step = fc.record({ calls: fc.nat({ max: 30 }), retries: fc.nat({ max: 30 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (seconds) => {
        const clock = fakeClock();
        const budget = retryBudget(clock);
        const taken = seconds.map(({ calls, retries }) => {
          for (let i = 0; i < calls; i += 1) budget.called();
          const granted = Array.from({ length: retries }, () => budget.take()).filter(Boolean).length;
          clock.advance(1_000);
          return { calls, granted };
        });
        for (let end = 1; end <= taken.length; end += 1) {
          const last = taken.slice(Math.max(0, end - 10), end);
          const sum = (read: (item: (typeof last)[number]) => number) =>
            last.reduce((total, item) => total + read(item), 0);
          const granted = sum((item) => item.granted);
          expect(granted).toBeLessThanOrEqual(Math.ceil(0.2 * sum((item) => item.calls)) + 3 * last.length);
        }
      }),
    );
  });
});
