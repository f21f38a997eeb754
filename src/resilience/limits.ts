import { milliseconds, type Duration } from '../duration.js';
import { ConfigError } from '../errors.js';
import type { Rate } from './pace.js';
import type { QuotaLimit } from './quota.js';

/** How carefully a source is asked. What is left out has its default. */
export interface LimitsOptions {
  /**
   * The longest that one call may take, connecting and reading included; waiting for its turn does not count. After it
   * the call is cancelled at the system, and its fields are null with SOURCE_TIMEOUT. Keep it below the deadline: a call
   * that is cancelled because nobody waits any more says nothing about the system, so a breaker would never open.
   * Default `'1 s'`.
   */
  timeout?: Duration;
  /**
   * Calls under way at once, by all workers of a gateway; more wait for their turn. Default 16: with batches at 100 ms it is 160
   * calls a second, and few systems mind (one is known to allow 25 that are slow).
   */
  concurrency?: number;
  /**
   * How often the system may be asked. Calls beyond it wait for their turn until the deadline, then their fields are
   * null with SOURCE_RATE_LIMITED and `retryAfter`. In any stretch of the length `per` at most `calls` + `burst` are
   * made; set `burst: 1` where a system counts strictly. `burst` may come at once after a quiet time, by default one
   * second's worth. Default: no rate.
   */
  rate?: Rate;
  /**
   * What the contract allows in a calendar day or month (UTC). Once it is spent every call is refused with
   * SOURCE_RATE_LIMITED until the next begins. Instances count together where they share a QuotaStore, each for itself
   * where they do not. Default: no quota.
   */
  quota?: QuotaLimit;
  /**
   * 0 to 1: the part of `concurrency` that bulk may use, at least one call, and of the rate's burst. The rest is left
   * for others also while they are not there, so that a page view finds a free place in the middle of an export. An
   * export alone still runs at the full rate. 1 leaves nothing. Default 0.5.
   */
  bulkShare?: number;
  /**
   * How often a call is made again that failed in a way that may pass: the system was unavailable, or asked to slow
   * down. Never beyond the deadline, and never more than a fifth of the source's calls (but three in a second). 0
   * shows every hiccup. Default 2.
   */
  retries?: number;
}

export const DEFAULT_CONCURRENCY = 16;

/** The limits as they are kept. */
export interface Limits {
  timeoutMs: number;
  concurrency: number;
  rate: Rate | undefined;
  quota: QuotaLimit | undefined;
  bulkShare: number;
  retries: number;
}

/** Fills in the defaults. Throws a ConfigError with all that is wrong. */
export function readLimits(
  source: string,
  {
    timeout = '1 s',
    concurrency = DEFAULT_CONCURRENCY,
    rate,
    quota,
    bulkShare = 0.5,
    retries = 2,
  }: LimitsOptions,
): Limits {
  const problems: string[] = [];
  const demand = (isRight: boolean, problem: string) => {
    if (!isRight) problems.push(`limits of ${source}: ${problem}`);
  };
  demand(isDuration(timeout), '`timeout` is a duration such as "1 s".');
  demand(isComplete(concurrency, 1), '`concurrency` is a whole number from 1.');
  if (rate !== undefined) {
    demand(rate.calls > 0 && rate.calls < Infinity, '`rate.calls` is a number above 0.');
    demand(isDuration(rate.per), '`rate.per` is a duration such as "1 s".');
    demand(rate.burst === undefined || isComplete(rate.burst, 1), '`rate.burst` is a whole number from 1.');
  }
  if (quota !== undefined) demand(isComplete(quota.calls, 1), '`quota.calls` is a whole number from 1.');
  demand(bulkShare >= 0 && bulkShare <= 1, '`bulkShare` is a number from 0 to 1.');
  demand(isComplete(retries, 0), '`retries` is a whole number from 0.');
  if (problems.length > 0) throw new ConfigError(problems);
  return { timeoutMs: milliseconds(timeout), concurrency, rate, quota, bulkShare, retries };
}

function isComplete(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

function isDuration(value: Duration): boolean {
  try {
    return milliseconds(value) > 0;
  } catch {
    return false;
  }
}
