import { describe, expect, it } from 'vitest';
import { retryDelayMs } from '../../src/webhooks/deliver-schedule.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a delivery that failed', () => {
  it.each([
    [1, 5_000],
    [2, 5 * MINUTE],
    [3, 30 * MINUTE],
    [4, 2 * HOUR],
    [5, 5 * HOUR],
    [6, 10 * HOUR],
    [7, 14 * HOUR],
    [8, 20 * HOUR],
    [9, 24 * HOUR],
  ])('%i times is repeated after %i ms, plus or minus 20 %%', (attempts, delay) => {
    expect(retryDelayMs(attempts, () => 0)).toBe(delay * 0.8);
    expect(retryDelayMs(attempts, () => 0.5)).toBe(delay);
    expect(retryDelayMs(attempts, () => 1)).toBe(delay * 1.2);
  });

  it('ten times is not repeated', () => {
    expect(retryDelayMs(10, () => 0.5, 5_000)).toBeUndefined();
  });

  it.each([
    [4_000, 5_000],
    [6_000, 6_000],
    [24 * HOUR, 24 * HOUR],
    [25 * HOUR, 24 * HOUR],
  ])('is not repeated before the %i ms that the endpoint requests', (retryAfterMs, expected) => {
    expect(retryDelayMs(1, () => 0.5, retryAfterMs)).toBe(expected);
  });
});
