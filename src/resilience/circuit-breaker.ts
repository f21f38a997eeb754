import type { Clock } from '../clock.js';
import { SourceUnavailableError } from '../errors.js';
import type { BreakerState } from '../telemetry/metrics.js';

/** The outcome of a call: the system answered (also with a refusal), it failed, or the call gives no information. */
export type CallOutcome = 'answered' | 'failed' | 'unknown';

/** Failures in a row that open the breaker. */
const MAX_FAILURES_IN_A_ROW = 10;
/** More failures than answers among the last `WINDOW_CALLS` calls open it too, if there were at least `MIN_CALLS`. */
const WINDOW_CALLS = 40;
const MIN_CALLS = 20;
/** How long the breaker stays open before it probes the system, unless the system requested a longer pause. */
const OPEN_MS = 5_000;
const MAX_OPEN_MS = 60_000;

/** Stops calls to a failing system, so that no request waits for it and the system can recover. */
export interface CircuitBreaker {
  readonly state: BreakerState;
  /** Seconds until the next probe, at least 1; 0 while it is closed. */
  readonly retryAfter: number;
  /**
   * Admits a call and returns its pass, which must be returned with `leave`. Throws the refusal if the call is not
   * admitted.
   */
  enter(): number;
  /** The error of calls that are refused while the breaker is not closed. */
  refusal(): SourceUnavailableError;
  /** Records the outcome of a call. `retryAfterMs`: the pause that the failing system requested. */
  leave(pass: number, outcome: CallOutcome, retryAfterMs?: number): void;
}

export function circuitBreaker(
  source: string,
  clock: Clock,
  changed: (state: BreakerState) => void = () => undefined,
): CircuitBreaker {
  let state: BreakerState = 'closed';
  let openUntil = 0;
  /** Number of the current period. Calls from an earlier period are not counted. */
  let period = 0;
  /** Whether each of the latest calls failed, the latest last. */
  let failures: boolean[] = [];

  const become = (next: BreakerState) => {
    state = next;
    changed(next);
  };
  const open = (retryAfterMs: number) => {
    openUntil = clock.now() + Math.min(Math.max(OPEN_MS, retryAfterMs), MAX_OPEN_MS);
    become('open');
  };
  const retryAfter = () =>
    state === 'closed' ? 0 : Math.max(1, Math.ceil((openUntil - clock.now()) / 1_000));
  const refusal = () =>
    new SourceUnavailableError(
      source,
      `${source} is not called until it is probed again, because it failed repeatedly.`,
      {
        retryAfter: retryAfter(),
        kind: 'breaker-open',
      },
    );

  return {
    get state() {
      return state === 'open' && clock.now() >= openUntil ? 'half-open' : state;
    },
    get retryAfter() {
      return retryAfter();
    },
    refusal,
    enter: () => {
      if (state === 'closed') return period;
      if (state === 'half-open' || clock.now() < openUntil) throw refusal();
      period += 1;
      become('half-open');
      return period;
    },
    leave: (pass, outcome, retryAfterMs = 0) => {
      if (pass !== period || state === 'open') return;
      if (state === 'half-open') {
        if (outcome === 'failed') open(retryAfterMs);
        // The next call is the probe.
        else if (outcome === 'unknown') become('open');
        else {
          failures = [];
          become('closed');
        }
      } else if (outcome !== 'unknown') {
        failures.push(outcome === 'failed');
        if (failures.length > WINDOW_CALLS) failures.shift();
        if (outcome === 'failed' && areTooMany(failures)) open(retryAfterMs);
      }
    },
  };
}

function areTooMany(failures: readonly boolean[]): boolean {
  const calls = failures.length;
  const inARow = calls - 1 - failures.lastIndexOf(false);
  if (inARow >= MAX_FAILURES_IN_A_ROW) return true;
  return calls >= MIN_CALLS && failures.filter(Boolean).length > calls / 2;
}
