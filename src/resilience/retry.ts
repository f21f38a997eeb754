import type { Cancellation } from './cancellation.js';
import type { Clock } from '../clock.js';

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 1_000;
/** Window over which retries are counted, in seconds. */
const BUDGET_WINDOW_S = 10;
/** Largest share of retries among the calls in the window. */
const MAX_RETRY_SHARE = 0.2;
/** Retries that are always allowed in a second. Without them, a rarely called source could never retry. */
const MIN_RETRIES_PER_SECOND = 3;

/**
 * Random wait before the first, second, ... retry: at most 50 ms, 100 ms, ... 1 s. The jitter separates calls that
 * failed together.
 */
export function backoffMs(retry: number, random: () => number): number {
  return random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (retry - 1));
}

/** Waits `ms`. Rejects with the reason if it is cancelled. */
export function waitBeforeRetry(ms: number, cancelled?: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (reason: Error) => {
      clearTimeout(timer);
      reject(reason);
    };
    const timer = setTimeout(() => {
      cancelled?.remove(stop);
      resolve();
    }, ms);
    cancelled?.add(stop);
  });
}

/** Bounds the number of retries, so that they do not multiply the load during an outage. */
export interface RetryBudget {
  /** Counts the first attempt of a call. */
  called(): void;
  /** Takes one retry from the budget. Returns false if none is left. */
  take(): boolean;
}

export function retryBudget(clock: Clock): RetryBudget {
  const seconds = Array.from({ length: BUDGET_WINDOW_S }, () => ({ second: -1, calls: 0, retries: 0 }));
  const current = () => {
    const second = Math.floor(clock.now() / 1_000);
    const place = second % BUDGET_WINDOW_S;
    let entry = seconds[place];
    if (entry?.second !== second) seconds[place] = entry = { second, calls: 0, retries: 0 };
    return entry;
  };
  return {
    called: () => {
      current().calls += 1;
    },
    take: () => {
      const now = current();
      let [calls, retries] = [0, 0];
      for (const entry of seconds) {
        if (entry.second <= now.second - BUDGET_WINDOW_S) continue;
        calls += entry.calls;
        retries += entry.retries;
      }
      if (now.retries >= MIN_RETRIES_PER_SECOND && retries >= MAX_RETRY_SHARE * calls) return false;
      now.retries += 1;
      return true;
    },
  };
}
