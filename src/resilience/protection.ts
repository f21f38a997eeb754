import type { Clock } from '../clock.js';
import type { Priority } from '../priority.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { CallSignal } from '../v8/call-signal.js';
import type { BreakerState } from '../telemetry/metrics.js';
import type { LimitsOptions } from './limits.js';
import type { Rate } from './pace.js';
import type { QuotaLimit, QuotaStore } from './quota.js';

/** Protects one source. All callers of the source share it. */
export interface Protection {
  /** Creates the scope for the calls of one batch. */
  scope(work: Work): ProtectedScope;
  readonly breaker: BreakerState;
  /** Number of calls that wait for a slot. */
  readonly waiting: number;
  /** The limits that bound a long run of calls. */
  readonly bounds: ProtectionBounds;
}

export interface ProtectionBounds {
  bulkShare: number;
  rate: Rate | undefined;
  /** The quota, with the calls that are left in the current period as far as this process knows. */
  quota: (QuotaLimit & { left: number }) | undefined;
}

/** A time on the protection's clock, or a function that returns it. It moves when requests join that have more time. */
export type DeadlineAt = number | (() => number);

export interface Work {
  priority: Priority;
  /** Aborts when no request waits for the answer. */
  signal?: CallSignal | undefined;
  /**
   * Deadline on the protection's clock, in milliseconds. No call waits or is retried after it. A call in progress
   * continues, because its answer may be cached. Default: no deadline.
   */
  deadlineAt?: DeadlineAt | undefined;
}

/** The scope of one batch. It is created often, so it is not an object literal with getters: src/v8/README.md. */
export interface ProtectedScope {
  /**
   * Runs one call, which must stop when its signal aborts. The call waits for a slot, and is retried when that is
   * safe. It is cancelled at its timeout, or when the scope's signal aborts, with that signal's reason. Rejects with:
   * - the call's own error;
   * - SourceTimeoutError;
   * - SourceUnavailableError, at once while the breaker is open;
   * - SourceRateLimitedError, if there was no slot before the deadline or the quota is used up.
   */
  run<T>(call: (signal: CallSignal) => Promise<T>): Promise<T>;
  /** Call this when a system returns rate-limit info. It applies to all callers. */
  slowDown(info: RateLimitInfo): void;
  /** True while a call waits for a slot. A deadline that passes then is due to the limits, not to a slow system. */
  readonly isWaiting: boolean;
  /** Estimated seconds until a call that starts to wait now is made; at least 1. */
  retryAfter(): number;
  /** Retries in this scope until now. */
  readonly retries: number;
}

/** Receives events for metrics. */
export interface ProtectionObserver {
  /**
   * Each attempt that reached the system. The outcome is `ok`, its error's code, or `CANCELLED` if no request waited
   * for it.
   */
  called?(durationMs: number, outcome: string): void;
  /** Each call that waited for a slot and got one. */
  waited?(durationMs: number, priority: Priority): void;
  retried?(): void;
  breakerChanged?(state: BreakerState): void;
}

export interface ProtectionOptions {
  /** The name of the source, for errors. */
  source: string;
  limits?: LimitsOptions | undefined;
  /**
   * Number of processes that call the system. Each uses its share of the remaining calls that the system reports.
   * Default: 1.
   */
  processes?: number | undefined;
  /** Default: `performance`. */
  clock?: Clock | undefined;
  /** Where calls are counted for the quota. Default: this process counts locally, from 0 at its start. */
  quota?: QuotaStore | undefined;
  observe?: ProtectionObserver | undefined;
  /** Returns a number from 0 to 1, for the jitter of retries. Default: `Math.random`. */
  random?: (() => number) | undefined;
}
