import { milliseconds } from '../duration.js';
import type { Endpoint } from './endpoints.js';

/** An endpoint that says it is overloaded, and not for how long. */
const BREATHER_MS = milliseconds('5 s');
/** Longer than this it is not left alone as a whole. */
const MAX_PAUSE_MS = milliseconds('1 hour');

/** How much an endpoint may be given now. */
export interface Allowance {
  /** How many deliveries, at most `wanted`. */
  of(wanted: number): number;
  use(count: number): void;
  /** Leaves it alone for a while. */
  pause(forMs: number | undefined): void;
  /** In how many milliseconds there is room for so many; 0 when there is now. */
  waitMs(count: number): number;
}

/** A bucket that holds one second's worth and fills as time goes by. The rate may change meanwhile. */
export function allowanceOf(rate: Pick<Endpoint, 'ratePerSecond'>, now: () => number): Allowance {
  const size = (): number => Math.max(1, rate.ratePerSecond);
  let tokens = size();
  let filledAt = now();
  let pausedUntil = 0;

  function fill(): number {
    const at = now();
    // A clock that is set back fills nothing.
    tokens = Math.min(size(), tokens + (Math.max(0, at - filledAt) * rate.ratePerSecond) / 1000);
    filledAt = at;
    return tokens;
  }

  return {
    of: (wanted) => (now() < pausedUntil ? 0 : Math.min(wanted, Math.floor(fill()))),
    use: (count) => {
      tokens -= count;
    },
    pause: (forMs = BREATHER_MS) => {
      pausedUntil = Math.max(pausedUntil, now() + Math.min(forMs, MAX_PAUSE_MS));
    },
    waitMs: (count) =>
      Math.max(0, pausedUntil - now(), Math.ceil(((count - fill()) * 1000) / rate.ratePerSecond)),
  };
}
