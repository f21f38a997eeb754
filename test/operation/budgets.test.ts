import { describe, expect, it, vi } from 'vitest';
import { createBudgets, type Charge, type Refused } from '../../src/operation/budgets.js';

const MINUTE_MS = 60_000;

/** Budgets at the twentieth second of a minute, on a clock that the test sets. */
function createMinute(count?: (key: string, ttlMs: number, amount: number) => Promise<number>) {
  const time = { now: 10 * MINUTE_MS + 20_000 };
  const budgets = createBudgets({
    clock: { now: () => time.now },
    shared: count === undefined ? undefined : { count: vi.fn(count) },
  });
  const charge = (points: number, caller = 'shop') => budgets.charge(caller, points, 100);
  return { time, charge };
}

const remaining = (charge: Charge | Refused, actual: number) =>
  'settle' in charge ? charge.settle(actual) : charge;

describe('the budget of 100 points', () => {
  it('can be spent to the last point, and not further', () => {
    const { charge } = createMinute();
    expect(remaining(charge(60), 60)).toBe(40);
    expect(remaining(charge(40), 40)).toBe(0);
    expect(charge(1)).toEqual({ spent: 100, retryAfter: 40 });
  });

  it('gets back the points that an operation did not need', () => {
    const { charge } = createMinute();
    expect(remaining(charge(100), 30)).toBe(70);
    expect(remaining(charge(70), 70)).toBe(0);
  });

  it('is full again in the next minute, and separate for each caller', () => {
    const { charge, time } = createMinute();
    charge(100);
    expect(remaining(charge(100, 'other'), 100)).toBe(0);
    time.now += 39_999;
    expect(charge(1)).toEqual({ spent: 100, retryAfter: 1 });
    time.now += 1;
    expect(remaining(charge(100), 100)).toBe(0);
  });

  it('includes the points that other instances spent in the same minute', async () => {
    // Another instance has spent 30 points before.
    let total = 30;
    const keys = new Set<string>();
    const { charge } = createMinute((key, ttlMs, amount) => {
      keys.add(`${key}, ${ttlMs} ms`);
      total += amount;
      return Promise.resolve(total);
    });
    const first = charge(50);
    await Promise.resolve();
    expect(charge(21)).toEqual({ spent: 80, retryAfter: 40 });
    expect(remaining(first, 10)).toBe(60);
    await Promise.resolve();
    expect(total).toBe(40);
    expect(remaining(charge(60), 60)).toBe(0);
    expect(keys).toEqual(new Set(['cost shop 10, 60000 ms']));
  });

  it('is counted locally while the shared counters are unavailable', async () => {
    const { charge } = createMinute(() => Promise.reject(new Error('gone')));
    expect(remaining(charge(60), 60)).toBe(40);
    await new Promise(setImmediate);
    expect(charge(41)).toEqual({ spent: 60, retryAfter: 40 });
  });
});
