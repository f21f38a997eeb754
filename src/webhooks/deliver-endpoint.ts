import { milliseconds } from '../duration.js';
import type { Endpoint } from './endpoints.js';

/** Pause after an overload response without `Retry-After`. */
const DEFAULT_PAUSE_MS = milliseconds('5 s');
/** Longest pause of a whole endpoint. */
const MAX_PAUSE_MS = milliseconds('1 hour');

/** The current allowance of an endpoint. */
export interface Allowance {
  /** The number of permitted deliveries, at most `wanted`. */
  of(wanted: number): number;
  use(count: number): void;
  /** Permits nothing for a time. Default: DEFAULT_PAUSE_MS. */
  pause(forMs: number | undefined): void;
  /** Milliseconds until `count` deliveries are permitted; 0 if they are permitted now. */
  waitMs(count: number): number;
}

/** A token bucket that holds the tokens of one second. The rate may change at any time. */
export function allowanceOf(rate: Pick<Endpoint, 'ratePerSecond'>, now: () => number): Allowance {
  const size = (): number => Math.max(1, rate.ratePerSecond);
  let tokens = size();
  let filledAt = now();
  let pausedUntil = 0;

  function fill(): number {
    const at = now();
    // If the clock was set back, no tokens are added.
    tokens = Math.min(size(), tokens + (Math.max(0, at - filledAt) * rate.ratePerSecond) / 1000);
    filledAt = at;
    return tokens;
  }

  return {
    of: (wanted) => (now() < pausedUntil ? 0 : Math.min(wanted, Math.floor(fill()))),
    use: (count) => {
      tokens -= count;
    },
    pause: (forMs = DEFAULT_PAUSE_MS) => {
      pausedUntil = Math.max(pausedUntil, now() + Math.min(forMs, MAX_PAUSE_MS));
    },
    waitMs: (count) =>
      Math.max(0, pausedUntil - now(), Math.ceil(((count - fill()) * 1000) / rate.ratePerSecond)),
  };
}
