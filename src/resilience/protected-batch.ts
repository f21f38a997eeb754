import {
  GatewayError,
  SourceError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../errors.js';
import type { Clock } from '../clock.js';
import type { Priority } from '../priority.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { CallSignal } from '../v8/call-signal.js';
import { cancellation, type Cancellation } from './cancellation.js';
import type { CallOutcome, CircuitBreaker } from './circuit-breaker.js';
import type { Limiter } from './limiter.js';
import { MAX_PAUSE_MS } from './pace.js';
import type { DeadlineAt, ProtectedScope, ProtectionObserver, Work } from './protection.js';
import type { Quota } from './quota.js';
import { waitBeforeRetry, backoffMs, type RetryBudget } from './retry.js';
import { timeout } from './timeout.js';

/** The pause after a system rate-limits the gateway without giving a duration. */
const DEFAULT_PAUSE_MS = 1_000;

/** The parts of one source's protection. All of its batches share them. */
export interface SourceParts {
  readonly source: string;
  readonly timeoutMs: number;
  /** The largest number of retries of one call. */
  readonly retries: number;
  readonly processes: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observe: ProtectionObserver;
  readonly budget: RetryBudget;
  readonly limiter: Limiter;
  readonly quota: Quota | undefined;
  readonly breaker: CircuitBreaker;
  /** When the system last rate-limited the gateway. */
  pausedAt: number;
}

/** Runs the calls of one batch through the parts, in the order given in `wrap.ts`. */
export class ProtectedBatch implements ProtectedScope {
  isWaiting = false;
  retries = 0;
  readonly #parts: SourceParts;
  readonly #priority: Priority;
  readonly #cancelled: Cancellation | undefined;
  readonly #deadlineAt: DeadlineAt;
  /** Calls that wait for their slot. */
  #waiting = 0;

  constructor(parts: SourceParts, { priority, signal, deadlineAt = Infinity }: Work) {
    this.#parts = parts;
    this.#priority = priority;
    this.#cancelled = signal && cancellation(signal);
    this.#deadlineAt = deadlineAt;
  }

  async run<T>(call: (signal: CallSignal) => Promise<T>): Promise<T> {
    const { budget, observe } = this.#parts;
    budget.called();
    for (let tries = 1; ; tries += 1) {
      const admitted = this.#admit();
      const pass = typeof admitted === 'number' ? admitted : await admitted;
      const outcome = await this.#try(pass, call, tries);
      if ('answer' in outcome) return outcome.answer;
      if (outcome.retryMs === undefined) throw outcome.error;
      this.retries += 1;
      observe.retried?.();
      if (outcome.retryMs > 0) await waitBeforeRetry(outcome.retryMs, this.#cancelled);
    }
  }

  slowDown({ remaining, ...info }: RateLimitInfo): void {
    const { limiter, processes } = this.#parts;
    const ours = remaining === undefined ? undefined : Math.floor(remaining / processes);
    limiter.slowDown({ ...info, remaining: ours });
  }

  retryAfter(): number {
    const { limiter, quota, breaker } = this.#parts;
    const ms = Math.max(limiter.estimatedWaitMs(this.#priority), quota?.spentForMs ?? 0);
    return Math.max(1, breaker.retryAfter, Math.ceil(ms / 1_000));
  }

  /**
   * Runs all checks that may refuse a call before it is made. Returns the breaker's pass; the call then holds a slot
   * of the limiter.
   */
  #admit(): number | Promise<number> {
    const { quota, breaker, limiter } = this.#parts;
    if (this.#cancelled?.reason !== undefined) throw this.#cancelled.reason;
    if (quota !== undefined && quota.spentForMs > 0) throw this.#quotaError();
    const pass = breaker.enter();
    return quota === undefined && limiter.tryAcquire(this.#priority) ? pass : this.#waitForAdmission(pass);
  }

  async #waitForAdmission(pass: number): Promise<number> {
    const { quota, breaker, limiter } = this.#parts;
    try {
      if (!limiter.tryAcquire(this.#priority)) await this.#waitForSlot();
      if (quota !== undefined && !(await quota.count())) {
        limiter.rejectWaiting(this.#quotaError());
        limiter.release(this.#priority);
        throw this.#quotaError();
      }
      return pass;
    } catch (error) {
      breaker.leave(pass, 'unknown');
      throw error;
    }
  }

  async #waitForSlot(): Promise<void> {
    const { clock, limiter, observe } = this.#parts;
    const since = clock.now();
    this.#waiting += 1;
    this.isWaiting = true;
    try {
      await limiter.wait(this.#priority, this.#deadlineAt, this.#cancelled);
    } finally {
      this.#waiting -= 1;
      this.isWaiting = this.#waiting > 0;
    }
    observe.waited?.(clock.now() - since, this.#priority);
  }

  #quotaError(): SourceRateLimitedError {
    const { source, quota } = this.#parts;
    const retryAfter = Math.max(1, Math.ceil((quota?.spentForMs ?? 0) / 1_000));
    return new SourceRateLimitedError(source, `The quota of ${source} is used up.`, {
      retryAfter,
      kind: 'own-limit',
    });
  }

  /** Makes the call once. */
  async #try<T>(
    pass: number,
    call: (signal: CallSignal) => Promise<T>,
    tries: number,
  ): Promise<{ answer: T } | { error: unknown; retryMs: number | undefined }> {
    const { source, timeoutMs, clock, breaker, limiter, observe } = this.#parts;
    const madeAt = clock.now();
    let outcome = 'ok';
    try {
      const answer = await timeout(source, timeoutMs, call, this.#cancelled);
      breaker.leave(pass, 'answered');
      return { answer };
    } catch (error) {
      if (this.#cancelled?.reason !== undefined) {
        outcome = 'CANCELLED';
        breaker.leave(pass, 'unknown');
        return { error, retryMs: undefined };
      }
      outcome = error instanceof GatewayError ? error.code : 'INTERNAL_SERVER_ERROR';
      const called = callOutcomeOf(error, madeAt, this.#parts);
      const retryMs = this.#retryIn(error, tries);
      // A call that will be retried has not failed yet. Otherwise one call would count as several failures.
      breaker.leave(pass, retryMs === undefined ? called : 'unknown', requestedPauseMs(error));
      return { error, retryMs };
    } finally {
      // The breaker gets the outcome first. If it opens, no waiting call gets this slot.
      const tookMs = clock.now() - madeAt;
      if (outcome === 'SOURCE_TIMEOUT') limiter.holdBack(this.#priority, tookMs);
      else limiter.release(this.#priority, tookMs);
      observe.called?.(tookMs, outcome);
    }
  }

  /** Milliseconds to wait before the retry; undefined if there is none. */
  #retryIn(error: unknown, tries: number): number | undefined {
    const { retries, breaker, clock, random, budget } = this.#parts;
    if (!(error instanceof SourceError) || !error.retryable) return undefined;
    // The call has used all the time that a request may wait for it.
    if (error instanceof SourceTimeoutError) return undefined;
    if (tries > retries || this.#cancelled?.reason !== undefined || breaker.state !== 'closed')
      return undefined;
    // A pause for one key does not delay other keys, so only this call waits.
    const isPaused = error instanceof SourceRateLimitedError && !error.isOfKeyOnly;
    const waitMs = isPaused ? pauseMs(error) : Math.max(requestedPauseMs(error), backoffMs(tries, random));
    const until = typeof this.#deadlineAt === 'number' ? this.#deadlineAt : this.#deadlineAt();
    if (waitMs > MAX_PAUSE_MS || clock.now() + waitMs >= until) return undefined;
    // A retry after a pause costs no budget: the system gets the same number of calls, new or retried.
    if (!isPaused && !budget.take()) return undefined;
    // The limiter delays all calls until the pause ends, and preserves their order.
    return isPaused ? 0 : waitMs;
  }
}

/** The outcome that a failed call has for the breaker. If the system rate-limited it, all later calls wait. */
function callOutcomeOf(error: unknown, madeAt: number, parts: SourceParts): CallOutcome {
  if (error instanceof SourceError && error.isOfKeyOnly) return 'answered';
  if (error instanceof SourceRateLimitedError) {
    parts.limiter.slowDown({ remaining: 0, retryAfterMs: pauseMs(error) });
    // A call that was made before the system rate-limited the gateway adds no information. If each one were counted,
    // one such moment would open the breaker and refuse calls that could wait.
    const isNew = madeAt > parts.pausedAt;
    parts.pausedAt = parts.clock.now();
    return isNew ? 'failed' : 'unknown';
  }
  return error instanceof SourceUnavailableError || error instanceof SourceTimeoutError
    ? 'failed'
    : 'answered';
}

/** Milliseconds until the system wants to be called again; 0 if it did not report any. */
function requestedPauseMs(error: unknown): number {
  return error instanceof SourceError ? (error.retryAfter ?? 0) * 1_000 : 0;
}

function pauseMs(error: SourceRateLimitedError): number {
  return requestedPauseMs(error) || DEFAULT_PAUSE_MS;
}
