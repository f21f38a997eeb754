import type { Cancellation } from './cancellation.js';
import type { Clock } from '../clock.js';

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 1_000;
/** The budget looks back so many seconds, */
const SECONDS = 10;
/** in which so large a part of the calls may be tried again, */
const SHARE = 0.2;
/** and a few in any second, or a source that is seldom asked would have none. */
const FEW = 3;

/**
 * How long to wait before the first, second, ... retry: anything up to 50 ms, 100 ms, ... 1 s. By chance, so that calls
 * which failed together do not come back together.
 */
export function backoffMs(retry: number, random: () => number): number {
  return random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (retry - 1));
}

/** Waits, or rejects with the reason when it is cancelled. */
export function backOff(ms: number, cancelled?: Cancellation): Promise<void> {
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

/** Keeps an outage from being doubled by those who try again. */
export interface RetryBudget {
  /** A call is made for the first time. */
  called(): void;
  /** Takes one retry out of the budget; false when there is none left. */
  take(): boolean;
}

export function retryBudget(clock: Clock): RetryBudget {
  const seconds = Array.from({ length: SECONDS }, () => ({ second: -1, calls: 0, retries: 0 }));
  const current = () => {
    const second = Math.floor(clock.now() / 1_000);
    const place = second % SECONDS;
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
        if (entry.second <= now.second - SECONDS) continue;
        calls += entry.calls;
        retries += entry.retries;
      }
      if (now.retries >= FEW && retries >= SHARE * calls) return false;
      now.retries += 1;
      return true;
    },
  };
}
