import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateLimitInfo } from '../../src/rate-limit-info.js';
import { createPace } from '../../src/resilience/pace.js';
import { fakeClock } from '../support/clock.js';

describe('the rate of calls to a system', () => {
  it('is unlimited by default', () => {
    const pace = createPace(undefined, 0.5, fakeClock());
    for (let i = 0; i < 100; i += 1) pace.take();
    expect(pace.waitMs(0)).toBe(0);
    expect(pace.reserve).toBe(0);
  });

  it('allows a burst of one second of calls after an idle time, and the rate from then on', () => {
    const clock = fakeClock();
    const pace = createPace({ calls: 100, per: '10 s' }, 0.5, clock);
    for (let i = 0; i < 10; i += 1) {
      expect(pace.waitMs(0)).toBe(0);
      pace.take();
    }
    expect(pace.waitMs(0)).toBe(100);
    clock.advance(100);
    expect(pace.waitMs(0)).toBe(0);
    clock.advance(3_600_000);
    for (let i = 0; i < 10; i += 1) pace.take();
    expect(pace.waitMs(0)).toBe(100);
  });

  it('reserves at least one call for bulk, for any burst and share', () => {
    for (const bulkShare of [0, 0.5, 1])
      for (const burst of [1, 2, 10]) {
        const pace = createPace({ calls: 10, per: '1 s', burst }, bulkShare, fakeClock());
        expect(pace.waitMs(pace.reserve)).toBe(0);
      }
  });

  it('stops all calls while the system requests a pause, for a minute at most', () => {
    const clock = fakeClock();
    const pace = createPace(undefined, 0.5, clock);
    pace.slowDown({ retryAfterMs: 3_000 }, 0);
    pace.slowDown({ retryAfterMs: 1_000 }, 0);
    expect(pace.waitMs(0)).toBe(3_000);
    clock.advance(3_000);
    expect(pace.waitMs(0)).toBe(0);
    pace.slowDown({ retryAfterMs: 86_400_000 }, 0);
    expect(pace.waitMs(0)).toBe(60_000);
  });

  it('allows at most the remaining calls of the system until its next window', () => {
    const clock = fakeClock();
    const pace = createPace(undefined, 0.5, clock);
    pace.slowDown({ remaining: 5, resetMs: 7_000 }, 3);
    pace.take();
    expect(pace.waitMs(0)).toBe(0);
    pace.take();
    expect(pace.waitMs(0)).toBe(7_000);
    pace.slowDown({ remaining: 1, resetMs: 6_000 }, 0);
    expect(pace.waitMs(0)).toBe(0);
    pace.take();
    clock.advance(6_000);
    expect(pace.waitMs(0)).toBe(0);
  });

  it('reduces its bucket to the remaining calls of the system, and never fills it', () => {
    const pace = createPace({ calls: 10, per: '1 s' }, 0.5, fakeClock());
    pace.slowDown({ remaining: 1 }, 0);
    pace.slowDown({ remaining: 50 }, 0);
    pace.take();
    expect(pace.waitMs(0)).toBe(100);
  });

  it('tolerates any value of a header', () => {
    const number = fc.oneof(fc.constant(undefined), fc.double(), fc.integer());
    const info: fc.Arbitrary<RateLimitInfo> = fc.record({
      remaining: number,
      resetMs: number,
      retryAfterMs: number,
    });
    fc.assert(
      fc.property(fc.array(info, { maxLength: 5 }), (all) => {
        const clock = fakeClock();
        const pace = createPace({ calls: 10, per: '1 s' }, 0.5, clock);
        for (const info of all) pace.slowDown(info, 2);
        expect(pace.waitMs(0)).toBeLessThanOrEqual(60_000);
        clock.advance(60_000);
        expect(pace.waitMs(0)).toBe(0);
      }),
    );
  });
});
