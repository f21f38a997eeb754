import { CircuitState, ConsecutiveBreaker, CountBreaker } from 'cockatiel';
import { SourceUnavailableError } from '../errors.js';
import type { Clock } from './clock.js';

/** `closed`: calls go on. `open`: they are refused. `half-open`: the time has come for one call to probe the system. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a call ended: the system answered (be it with a refusal), it failed, or the call says nothing about it. */
export type Verdict = 'answered' | 'failed' | 'unknown';

/** So many failures in a row open the breaker. */
const IN_A_ROW = 10;
/** So do more failures than answers in the last 40 calls, once there were 20: a system that is half alive. */
const HALF = { threshold: 0.5, size: 40, minimumNumberOfCalls: 20 };
/** How long the system is left alone before it is probed, unless it asked for longer. */
const OPEN_MS = 5_000;
const MAX_OPEN_MS = 60_000;

/** Stops asking a system that fails, so that nobody waits for it and it can recover. */
export interface CircuitBreaker {
  readonly state: BreakerState;
  /** Seconds until the next probe, at least 1; 0 while it is closed. */
  readonly retryAfter: number;
  /** Lets a call go on; its pass goes back by `leave`. Throws the refusal when it may not. */
  enter(): number;
  /** What calls are refused with while it is not closed. */
  refusal(): SourceUnavailableError;
  /** `retryAfterMs`: when the failing system wants to be asked again. */
  leave(pass: number, verdict: Verdict, retryAfterMs?: number): void;
}

/**
 * When to open is decided by cockatiel's breakers. The states are ours, because cockatiel's circuit lets calls wait for
 * the probe of a hanging system instead of refusing them, closes when the probe was merely cancelled, and reads no
 * clock but the computer's.
 */
export function circuitBreaker(
  source: string,
  clock: Clock,
  changed: (state: BreakerState) => void = () => undefined,
): CircuitBreaker {
  let state: BreakerState = 'closed';
  let openUntil = 0;
  /** What calls of an earlier period say is old news. */
  let period = 0;
  let breakers = newBreakers();

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
    new SourceUnavailableError(source, `${source} is not asked for a while because it failed repeatedly.`, {
      retryAfter: retryAfter(),
      kind: 'breaker-open',
    });

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
    leave: (pass, verdict, retryAfterMs = 0) => {
      if (pass !== period || state === 'open') return;
      if (state === 'half-open') {
        if (verdict === 'failed') open(retryAfterMs);
        // Whoever comes next is the probe.
        else if (verdict === 'unknown') become('open');
        else {
          breakers = newBreakers();
          become('closed');
        }
      } else if (verdict === 'answered') {
        for (const breaker of breakers) breaker.success(CircuitState.Closed);
      } else if (verdict === 'failed') {
        // Each has to be told.
        const full = breakers.map((breaker) => breaker.failure(CircuitState.Closed));
        if (full.includes(true)) open(retryAfterMs);
      }
    },
  };
}

function newBreakers() {
  return [new ConsecutiveBreaker(IN_A_ROW), new CountBreaker(HALF)] as const;
}
