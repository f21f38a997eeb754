import type { Clock } from '../clock.js';
import type { SharedCache } from '../cache/shared-cache.js';

const WINDOW_MS = 60_000;

export interface BudgetsOptions {
  /** The wall clock. All instances must agree on the time. Default: the clock of the computer. */
  clock?: Clock;
  /** The counters that instances share. If undefined, each instance counts locally. */
  shared?: Pick<SharedCache, 'count'> | undefined;
}

/** The points that callers have spent in the current minute of the clock. */
export interface Budgets {
  /** Takes points from a caller's budget, or refuses if too few are left. */
  charge(caller: string, points: number, perMinute: number): Charge | Refused;
}

export interface Charge {
  /** Replaces the charge by the actual points, and returns the points that are left. */
  settle(points: number): number;
}

export interface Refused {
  /** Points that are spent in this minute. */
  spent: number;
  /** Seconds until the next minute begins. */
  retryAfter: number;
}

interface Spent {
  /** Points spent on this instance. */
  here: number;
  /** Points spent on the other instances, as of the last answer of Redis. */
  elsewhere: number;
}

/**
 * Creates the budgets. No request waits for Redis: an operation is checked against the known points, and each count
 * returns the points of the other instances. So a caller may exceed the budget by its in-flight operations. Without
 * Redis, each instance counts locally.
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
        // Redis processes commands in order, so its total includes all that this instance has sent until now.
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
