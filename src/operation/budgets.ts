import type { Clock } from '../clock.js';
import type { SharedCache } from '../cache/shared-cache.js';

const WINDOW_MS = 60_000;

export interface BudgetsOptions {
  /** Tells the time of day, which all instances go by. Default: the computer's. */
  clock?: Clock;
  /** Where instances count together. Without it each counts for itself. */
  shared?: Pick<SharedCache, 'count'> | undefined;
}

/** What callers have spent in this minute of the clock, in points. */
export interface Budgets {
  /** Takes points from a caller's budget, when so many are left of it. */
  charge(caller: string, points: number, perMinute: number): Charge | Refused;
}

export interface Charge {
  /** Makes it what it really was, and tells what is left. */
  settle(points: number): number;
}

export interface Refused {
  /** Points of this minute that are spent. */
  spent: number;
  /** Seconds until the next minute begins. */
  retryAfter: number;
}

interface Spent {
  /** By this instance. */
  here: number;
  /** By the others, as far as is known. */
  elsewhere: number;
}

/**
 * Nobody waits for Redis: an operation is held against what is known, and what the others have spent is heard of with
 * each count. So a caller may spend too much by what is under way at one moment. While Redis is away each instance
 * goes by what it has counted.
 */
export function createBudgets({ clock = Date, shared }: BudgetsOptions = {}): Budgets {
  let minute = NaN;
  let callers = new Map<string, Spent>();

  return {
    charge: (caller, points, perMinute) => {
      const now = clock.now();
      const current = Math.floor(now / WINDOW_MS);
      if (current !== minute) {
        minute = current;
        callers = new Map();
      }
      const spent = callers.get(caller) ?? { here: 0, elsewhere: 0 };
      callers.set(caller, spent);
      const left = () => perMinute - spent.here - spent.elsewhere;
      if (points > left()) {
        const retryAfter = Math.max(1, Math.ceil(((current + 1) * WINDOW_MS - now) / 1_000));
        return { spent: spent.here + spent.elsewhere, retryAfter };
      }
      const count = (amount: number): void => {
        spent.here += amount;
        if (shared === undefined || amount === 0) return;
        // Redis does one after the other, so what this instance has sent until now is in what it will tell.
        const sent = spent.here;
        shared.count(`cost ${caller} ${current}`, WINDOW_MS, amount).then(
          (total) => {
            spent.elsewhere = Math.max(0, total - sent);
          },
          () => undefined,
        );
      };
      count(points);
      return {
        settle: (actual) => {
          count(actual - points);
          return Math.max(0, left());
        },
      };
    },
  };
}
