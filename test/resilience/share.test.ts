import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPace, type Rate } from '../../src/resilience/pace.js';
import { shareOfLimits } from '../../src/resilience/share.js';
import { fakeClock } from '../support/clock.js';

const rates = fc.record(
  {
    calls: fc.integer({ min: 1, max: 60 }),
    per: fc.constant('10 s' as const),
    burst: fc.integer({ min: 1, max: 20 }),
  },
  { requiredKeys: ['calls', 'per'] },
);

/** The times in milliseconds at which processes make calls at their full rate. */
function callsOf(rate: Rate, processes: number): number[] {
  const clock = fakeClock();
  const paces = Array.from({ length: processes }, () => createPace(rate, 0.5, clock));
  const moments: number[] = [];
  while (clock.now() < 40_000) {
    for (const pace of paces)
      while (pace.waitMs(0) === 0) {
        pace.take();
        moments.push(clock.now());
      }
    clock.advance(100);
  }
  return moments;
}

describe('the limits of a source that several processes share', () => {
  it('allow all processes together at most the calls of one process, in any period', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 2, max: 8 }), (rate, processes) => {
        const share = shareOfLimits({ rate }, processes)?.rate;
        if (share === undefined) return;
        const calls = callsOf(share, processes);
        const most = rate.calls + (rate.burst ?? Math.max(1, rate.calls / 10));
        for (const [index, at] of calls.entries()) {
          const inStretch = calls.slice(index).filter((other) => other - at < 10_000).length;
          expect(inStretch).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('allow all processes together the same concurrency, and each of them at least one call', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 2, max: 60 }),
        (concurrency, processes) => {
          const share = shareOfLimits({ concurrency }, processes);
          if (processes > concurrency) expect(share).toBeUndefined();
          else expect((share?.concurrency ?? 0) * processes).toBeLessThanOrEqual(concurrency);
        },
      ),
    );
  });

  it('cannot be shared by more processes than concurrent calls', () => {
    expect(shareOfLimits({}, 16)).toMatchObject({ concurrency: 1 });
    expect(shareOfLimits({}, 17)).toBeUndefined();
    expect(shareOfLimits({ rate: { calls: 3, per: '1 s', burst: 1 } }, 3)?.rate.calls).toBeCloseTo(1 / 3);
    expect(shareOfLimits({ rate: { calls: 3, per: '1 s', burst: 1 } }, 4)).toBeUndefined();
  });

  it('are not divided if all processes count together (quota), or if they are times', () => {
    const limits = { quota: { calls: 100, per: 'day' }, timeout: '2 s', retries: 1, bulkShare: 0.3 } as const;
    expect(shareOfLimits(limits, 4)).toEqual({ ...limits, concurrency: 4 });
  });
});
