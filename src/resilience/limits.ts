import { milliseconds, type Duration } from '../duration.js';
import { ConfigError } from '../errors.js';
import type { Rate } from './pace.js';
import type { QuotaLimit } from './quota.js';

/** Limits for the calls to one source. Each option that is left out has its default. */
export interface LimitsOptions {
  /**
   * The longest duration of one call, including connecting and reading, without the wait for a slot. Then the call is
   * cancelled at the system, and its fields are null with SOURCE_TIMEOUT. Set it below the deadline of a request. A
   * call that is cancelled because no client waits does not show whether the system is slow, so the breaker would never open.
   * Default `'1 s'`.
   */
  timeout?: Duration;
  /**
   * Concurrent calls of all workers of a gateway; more calls wait for a slot. Default 16: with batches of 100 ms that
   * is 160 calls a second, which most systems accept. (One system is known to allow 25 slow calls.)
   */
  concurrency?: number;
  /**
   * The rate of calls. More calls wait for a slot until the deadline; then their fields are null with
   * SOURCE_RATE_LIMITED and `retryAfter`. In any interval of length `per`, at most `calls` + `burst` are made. Set
   * `burst: 1` if the system counts strictly. `burst` is the number of calls that may follow an idle period at once;
   * by default one second's worth. Default: no rate.
   */
  rate?: Rate;
  /**
   * Calls that the contract allows in a calendar day or month (UTC). After that every call is refused with
   * SOURCE_RATE_LIMITED until the next period begins. Instances that share a QuotaStore count together; others count
   * locally. Default: no quota.
   */
  quota?: QuotaLimit;
  /**
   * 0 to 1: the share of `concurrency` (at least one call) and of the rate's burst that bulk may use. The rest stays
   * free for other calls, so that a page view finds a slot during an export. An export alone still runs at the full
   * rate. 1 reserves nothing. Default 0.5.
   */
  bulkShare?: number;
  /**
   * Retries of a call that failed temporarily: the system was unavailable or rate-limited the gateway. Never after
   * the deadline, and at most a fifth of the source's calls (but three in a second). 0 passes on every temporary
   * failure. Default 2.
   */
  retries?: number;
}

export const DEFAULT_CONCURRENCY = 16;

/** The limits with defaults filled in. */
export interface Limits {
  timeoutMs: number;
  concurrency: number;
  rate: Rate | undefined;
  quota: QuotaLimit | undefined;
  bulkShare: number;
  retries: number;
}

/** Fills in the defaults. Throws a ConfigError that lists all problems. */
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
  const demand = (isValid: boolean, problem: string) => {
    if (!isValid) problems.push(`limits of ${source}: ${problem}`);
  };
  demand(isDuration(timeout), '`timeout` must be a duration such as "1 s".');
  demand(isWholeNumber(concurrency, 1), '`concurrency` must be a whole number from 1.');
  if (rate !== undefined) {
    demand(rate.calls > 0 && rate.calls < Infinity, '`rate.calls` must be a number above 0.');
    demand(isDuration(rate.per), '`rate.per` must be a duration such as "1 s".');
    demand(
      rate.burst === undefined || isWholeNumber(rate.burst, 1),
      '`rate.burst` must be a whole number from 1.',
    );
  }
  if (quota !== undefined)
    demand(isWholeNumber(quota.calls, 1), '`quota.calls` must be a whole number from 1.');
  demand(bulkShare >= 0 && bulkShare <= 1, '`bulkShare` must be a number from 0 to 1.');
  demand(isWholeNumber(retries, 0), '`retries` must be a whole number from 0.');
  if (problems.length > 0) throw new ConfigError(problems);
  return { timeoutMs: milliseconds(timeout), concurrency, rate, quota, bulkShare, retries };
}

function isWholeNumber(value: number, minimum: number): boolean {
  return Number.isSafeInteger(value) && value >= minimum;
}

function isDuration(value: Duration): boolean {
  try {
    return milliseconds(value) > 0;
  } catch {
    return false;
  }
}
