import type { Clock } from '../clock.js';
import { milliseconds, type Duration } from '../duration.js';
import type { RateLimitInfo } from '../rate-limit-info.js';

/** A rate limit for calls to a system. */
export interface Rate {
  calls: number;
  per: Duration;
  /** Calls that may follow an idle period at once. Default: one second's worth, at least 1. */
  burst?: number;
}

/** The longest pause that a system can request. A wrong header must not disable a source. */
export const MAX_PAUSE_MS = 60_000;
/** Tolerance in tokens, because sums of fractions are not exact. */
const TOKEN_TOLERANCE = 1e-6;

/** Decides when the next call may be made: by our own rate (a token bucket) and by the system's rate-limit info. */
export interface Pace {
  /** Tokens that bulk leaves in the bucket for other calls. */
  readonly reserve: number;
  /** Milliseconds until a call can be made that leaves tokens for `leaving` more calls; 0 if it can be made now. */
  waitMs(leaving: number): number;
  /** Counts a call that is made. */
  take(): void;
  /** `inProgress`: other calls that the system may not have counted yet. */
  slowDown(info: RateLimitInfo, inProgress: number): void;
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
    slowDown: ({ remaining, resetMs, retryAfterMs }, inProgress) => {
      const now = clock.now();
      pausedUntil = Math.max(pausedUntil, now + bounded(retryAfterMs));
      if (remaining === undefined || !(remaining >= 0)) return;
      const left = Math.max(0, remaining - inProgress);
      bucket?.lowerTo(left);
      if (resetMs === undefined) return;
      // The latest info counts, not the lowest: the remainder of a sliding window can also rise.
      allowed = left;
      allowedUntil = now + bounded(resetMs);
    },
  };
}

/**
 * Tokens that bulk leaves in the bucket. Bulk alone still runs at the full rate, because the bucket refills as fast
 * at any level. At the reserve the bucket must not be full: a full bucket loses tokens while a timer is late. So bulk
 * always gets a part of the burst, even when its share is 0.
 */
function reserveOf(burst: number, bulkShare: number): number {
  return Math.max(0, Math.min((1 - bulkShare) * burst, 0.9 * burst, burst - 1.5));
}

/** Milliseconds from a header, or 0 if it is not a positive number. */
function bounded(ms = 0): number {
  return ms > 0 ? Math.min(ms, MAX_PAUSE_MS) : 0;
}

/** The number of calls that may follow an idle period at once. */
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
    msUntil: (needed: number) => {
      fill();
      return tokens + TOKEN_TOLERANCE >= needed ? 0 : (needed - tokens) / perMs;
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
