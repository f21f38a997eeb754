import type { BreakerState } from '../telemetry/metrics.js';
import { circuitBreaker } from './circuit-breaker.js';
import { createLimiter } from './limiter.js';
import { readLimits } from './limits.js';
import { createPace } from './pace.js';
import { ProtectedBatch, type SourceParts } from './protected-batch.js';
import type { ProtectedScope, Protection, ProtectionBounds, ProtectionOptions, Work } from './protection.js';
import { createQuota } from './quota.js';
import { retryBudget } from './retry.js';

/**
 * Protects the calls to one source with these parts, always in this order:
 *
 *     retry → breaker → limiter → quota → timeout → call
 *
 * - The retry is outermost. Each attempt passes the breaker, waits for a slot and has its own timeout. So a retry
 *   bypasses no limit, and a call that waits for its retry holds no slot.
 * - The breaker comes before the limiter: a call that it refuses must not wait first. When it opens, waiting calls
 *   are rejected too.
 * - The limiter comes before the timeout, which measures the system. The wait for a slot is not the system's fault,
 *   and must not count in the breaker.
 * - The quota counts after the slot: a call that is cancelled before costs no quota.
 * - The timeout is innermost. It bounds one attempt, from the moment it is made.
 *
 * Throws a ConfigError with all problems of the limits.
 */
export function createProtection(options: ProtectionOptions): Protection {
  return new SourceProtection(options);
}

class SourceProtection implements Protection {
  readonly #parts: SourceParts;
  readonly #boundsNow: () => ProtectionBounds;

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
    this.#boundsNow = () => ({
      ...{ bulkShare, rate },
      quota: contract && { ...contract, left: quota?.left ?? contract.calls },
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

  get bounds(): ProtectionBounds {
    return this.#boundsNow();
  }
}
