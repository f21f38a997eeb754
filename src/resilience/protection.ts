import type { Clock } from '../clock.js';
import type { Priority } from '../priority.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { CallSignal } from '../v8/call-signal.js';
import type { BreakerState } from '../telemetry/metrics.js';
import type { LimitsOptions } from './limits.js';
import type { QuotaStore } from './quota.js';

/** What stands between the gateway and one source, shared by all who ask it. */
export interface Protection {
  /** What the calls of one batch go through. */
  scope(work: Work): ProtectedScope;
  readonly breaker: BreakerState;
  /** Calls waiting for their turn. */
  readonly waiting: number;
}

/** A moment on the protection's clock, or what tells it: it moves on when others join who have more time. */
export type DeadlineAt = number | (() => number);

export interface Work {
  priority: Priority;
  /** Aborts when nobody wants the answer any more. */
  signal?: CallSignal | undefined;
  /**
   * On the protection's clock, in milliseconds: nothing waits or is tried again beyond it. A call that is under way
   * goes on, since its answer may be kept. Default: no deadline.
   */
  deadlineAt?: DeadlineAt | undefined;
}

/** One is made for each batch, so it is no object literal with getters: src/v8/README.md. */
export interface ProtectedScope {
  /**
   * Runs one call, which must stop when its signal aborts. It is tried again when that is safe, waits its turn, and is
   * cancelled at its timeout or, with the signal's reason, when the scope's signal aborts. Rejects with the call's own
   * error, with SourceTimeoutError, with SourceUnavailableError at once while the breaker is open, or with
   * SourceRateLimitedError when no turn came before the deadline or the quota is spent.
   */
  run<T>(call: (signal: CallSignal) => Promise<T>): Promise<T>;
  /** To be called by a call under way when the system said how much it still takes. Holds for everyone. */
  slowDown(info: RateLimitInfo): void;
  /** True while a call waits for its turn: a deadline that passes now is a matter of rate, not of a slow system. */
  readonly isWaiting: boolean;
  /** Seconds until a call that starts to wait now would likely be made; at least 1. */
  retryAfter(): number;
  /** Made so far in this scope. */
  readonly retries: number;
}

/** Hears what happens, for metrics. */
export interface ProtectionObserver {
  /** Each try that reached the system: `ok`, its error's code, or `cancelled` when nobody wanted it any more. */
  called?(durationMs: number, outcome: string): void;
  /** Each call that could not be made at once and got its turn. */
  waited?(durationMs: number, priority: Priority): void;
  retried?(): void;
  breakerChanged?(state: BreakerState): void;
}

export interface ProtectionOptions {
  /** Its name, for errors. */
  source: string;
  limits?: LimitsOptions | undefined;
  /** So many processes ask it together: of what it says it still takes, each takes its part. Default: this one alone. */
  processes?: number | undefined;
  /** Default: `performance`. */
  clock?: Clock | undefined;
  /** Default: this process counts for itself, and from 0 when it starts. */
  quota?: QuotaStore | undefined;
  observe?: ProtectionObserver | undefined;
  /** From 0 to 1, for the jitter of retries. Default: `Math.random`. */
  random?: (() => number) | undefined;
}
