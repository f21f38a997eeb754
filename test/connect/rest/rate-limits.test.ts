import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateWithin } from '../../../src/connect/http-system.js';
import { rateLimitsOf } from '../../../src/connect/rest/rate-limits.js';
import { createPace } from '../../../src/resilience/pace.js';

/** How many calls the rate allows in each of some windows of a minute, if calls always wait. */
function callsInWindows(limit: number): number[] {
  let now = 0;
  const pace = createPace(rateWithin(limit, 60), 1, { now: () => now });
  const calls = [0, 0, 0];
  for (; now < 180_000; now += 100) {
    while (pace.waitMs(0) === 0) {
      pace.take();
      const window = Math.floor(now / 60_000);
      calls[window] = (calls[window] ?? 0) + 1;
    }
  }
  return calls;
}

describe('the rate of a system that states a limit', () => {
  it('is half of the limit, and a quarter at once', () => {
    const headers = new Map([
      ['x-ratelimit-limit', '60'],
      ['x-ratelimit-remaining', '41'],
      ['x-ratelimit-reset', '30'],
    ]);
    expect(rateLimitsOf(headers).rate).toEqual({ calls: 30, per: '1 minute', burst: 15 });
  });

  it('lets the calls of a page view run at once, and leaves a part of each window to other clients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 600 }), (limit) => {
        const [first = 0, ...others] = callsInWindows(limit);
        expect(first).toBeGreaterThanOrEqual(Math.floor(limit / 2));
        for (const calls of [first, ...others]) expect(calls).toBeLessThanOrEqual((limit * 3) / 4);
      }),
      { numRuns: 50 },
    );
  });
});
