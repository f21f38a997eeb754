import type { Clock } from '../clock.js';
import { milliseconds, type Duration } from '../duration.js';
import type { RateLimitInfo } from '../rate-limit-info.js';

/** How often a system may be asked. */
export interface Rate {
  calls: number;
  per: Duration;
  /** So many calls may come at once after a quiet time. Default: one second's worth, at least 1. */
  burst?: number;
}

/** No system is left alone for longer on its own word: a wrong header must not switch a source off. */
export const MAX_PAUSE_MS = 60_000;
/** Sums of fractions do not end on whole tokens. */
const LITTLE = 1e-6;

/** When the next call may be made: by our own rate (a token bucket), and by what the system says. */
export interface Pace {
  /** What bulk leaves in the bucket for others. */
  readonly reserve: number;
  /** Milliseconds until a call may be made after which `leaving` more could be; 0 when it may now. */
  waitMs(leaving: number): number;
  /** A call is made. */
  take(): void;
  /** `underWay`: other calls that the system may not have counted when it said so. */
  slowDown(info: RateLimitInfo, underWay: number): void;
}

export function createPace(rate: Rate | undefined, bulkShare: number, clock: Clock): Pace {
  const bucket = rate === undefined ? undefined : createBucket(rate, clock);
  const reserve = bucket === undefined ? 0 : reserveOf(bucket.burst, bulkShare);
  let pausedUntil = -Infinity;
  let allowed = 0;
  let allowedUntil = -Infinity;

  return {
    reserve,
    waitMs: (leaving) => {
      const now = clock.now();
      const reset = allowedUntil > now && allowed < 1 + leaving ? allowedUntil - now : 0;
      return Math.max(0, pausedUntil - now, reset, bucket?.msUntil(1 + leaving) ?? 0);
    },
    take: () => {
      bucket?.take();
      allowed -= 1;
    },
    slowDown: ({ remaining, resetMs, retryAfterMs }, underWay) => {
      const now = clock.now();
      pausedUntil = Math.max(pausedUntil, now + bounded(retryAfterMs));
      if (remaining === undefined || !(remaining >= 0)) return;
      const left = Math.max(0, remaining - underWay);
      bucket?.lowerTo(left);
      if (resetMs === undefined) return;
      // The latest word counts, not the lowest: where a system's window slides, its remainder also rises.
      allowed = left;
      allowedUntil = now + bounded(resetMs);
    },
  };
}

/**
 * Bulk alone runs at the full rate all the same: the bucket refills as fast, it only stands at the reserve. There it
 * must not be full, for what a full bucket gains while a timer is late is lost; so some of it is left to bulk, whatever
 * its share.
 */
function reserveOf(burst: number, bulkShare: number): number {
  return Math.max(0, Math.min((1 - bulkShare) * burst, 0.9 * burst, burst - 1.5));
}

/** What a header said, if it was a number of milliseconds. */
function bounded(ms = 0): number {
  return ms > 0 ? Math.min(ms, MAX_PAUSE_MS) : 0;
}

/** How many calls may come at once after a quiet time. */
export function burstOf({ calls, per, burst }: Rate): number {
  return burst ?? Math.max(1, (calls / milliseconds(per)) * 1_000);
}

function createBucket(rate: Rate, clock: Clock) {
  const perMs = rate.calls / milliseconds(rate.per);
  const burst = burstOf(rate);
  let tokens = burst;
  let filledAt = clock.now();
  const fill = () => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (now - filledAt) * perMs);
    filledAt = now;
  };
  return {
    burst,
    msUntil: (wanted: number) => {
      fill();
      return tokens + LITTLE >= wanted ? 0 : (wanted - tokens) / perMs;
    },
    take: () => {
      fill();
      tokens -= 1;
    },
    lowerTo: (left: number) => {
      fill();
      tokens = Math.min(tokens, left);
    },
  };
}
