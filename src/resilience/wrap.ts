import type { BreakerState } from '../telemetry/metrics.js';
import { circuitBreaker } from './circuit-breaker.js';
import { createLimiter } from './limiter.js';
import { readLimits } from './limits.js';
import { createPace } from './pace.js';
import { ProtectedBatch, type SourceParts } from './protected-batch.js';
import type { ProtectedScope, Protection, ProtectionOptions, Work } from './protection.js';
import { createQuota } from './quota.js';
import { retryBudget } from './retry.js';

/**
 * Puts the parts of resilience around the calls to one source, in the one order that they stand in:
 *
 *     retry → breaker → limiter → quota → timeout → call
 *
 * - retry is outermost: each try asks the breaker, waits its turn and has its own time, so trying again goes round no
 *   limit, and who waits to try again holds no place.
 * - The breaker stands before the limiter: who would be refused must not wait for it first. When it opens, those who
 *   wait are sent away too.
 * - The limiter stands before the timeout: the time is the system's. Waiting for a turn is not its fault, and must not
 *   count in the breaker.
 * - The quota counts when the turn has come: a call that is given up before costs nothing of it.
 * - The timeout is innermost: it is for one try, from the moment it is made.
 *
 * Throws a ConfigError with all that is wrong with the limits.
 */
export function createProtection(options: ProtectionOptions): Protection {
  return new SourceProtection(options);
}

class SourceProtection implements Protection {
  readonly #parts: SourceParts;

  constructor({
    source,
    limits = {},
    processes = 1,
    clock = performance,
    quota: store,
    observe = {},
    random = Math.random,
  }: ProtectionOptions) {
    const { timeoutMs, concurrency, rate, quota: contract, bulkShare, retries } = readLimits(source, limits);
    const budget = retryBudget(clock);
    const pace = createPace(rate, bulkShare, clock);
    const limiter = createLimiter({ source, concurrency, bulkShare, pace, clock });
    const quota = contract && createQuota(source, contract, store);
    const breaker = circuitBreaker(source, clock, (state) => {
      if (state === 'open') limiter.rejectWaiting(breaker.refusal());
      observe.breakerChanged?.(state);
    });
    this.#parts = {
      source,
      timeoutMs,
      retries,
      processes,
      clock,
      random,
      observe,
      budget,
      limiter,
      quota,
      breaker,
      pausedAt: -Infinity,
    };
  }

  scope(work: Work): ProtectedScope {
    return new ProtectedBatch(this.#parts, work);
  }

  get breaker(): BreakerState {
    return this.#parts.breaker.state;
  }

  get waiting(): number {
    return this.#parts.limiter.waiting;
  }
}
