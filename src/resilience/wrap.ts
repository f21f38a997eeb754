import {
  GatewayError,
  SourceError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../errors.js';
import type { CallSignal } from '../signal.js';
import { cancellation } from './cancellation.js';
import { circuitBreaker, type CallOutcome } from './circuit-breaker.js';
import { createLimiter } from './limiter.js';
import { readLimits } from './limits.js';
import { createPace, MAX_PAUSE_MS } from './pace.js';
import type { ProtectedScope, Protection, ProtectionOptions, Work } from './protection.js';
import { createQuota } from './quota.js';
import { backOff, backoffMs, retryBudget } from './retry.js';
import { timeout } from './timeout.js';

/** How long a system is left alone that asks to slow down and does not say for how long. */
const DEFAULT_PAUSE_MS = 1_000;

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
export function createProtection({
  source,
  limits = {},
  processes = 1,
  clock = performance,
  quota: store,
  observe = {},
  random = Math.random,
}: ProtectionOptions): Protection {
  const { timeoutMs, concurrency, rate, quota: contract, bulkShare, retries } = readLimits(source, limits);
  const budget = retryBudget(clock);
  const limiter = createLimiter({
    source,
    concurrency,
    bulkShare,
    pace: createPace(rate, bulkShare, clock),
    clock,
  });
  const quota = contract && createQuota(source, contract, store);
  const breaker = circuitBreaker(source, clock, (state) => {
    if (state === 'open') limiter.refuseWaiting(breaker.refusal());
    observe.breakerChanged?.(state);
  });
  let pausedAt = -Infinity;

  /** What a failed call says about the system. A wish to slow down holds for everyone from here on. */
  const callOutcomeOf = (error: unknown, madeAt: number): CallOutcome => {
    if (error instanceof SourceError && error.isOfKeyOnly) return 'answered';
    if (error instanceof SourceRateLimitedError) {
      limiter.slowDown({ remaining: 0, retryAfterMs: pauseMs(error) });
      // A call that was under way when the first one was told to slow down tells nothing new. Were each counted, one
      // such moment would open the breaker, and send away those who could wait.
      const isNew = madeAt > pausedAt;
      pausedAt = clock.now();
      return isNew ? 'failed' : 'unknown';
    }
    return error instanceof SourceUnavailableError || error instanceof SourceTimeoutError
      ? 'failed'
      : 'answered';
  };

  const spent = (): SourceRateLimitedError => {
    const retryAfter = Math.max(1, Math.ceil((quota?.spentForMs ?? 0) / 1_000));
    return new SourceRateLimitedError(source, `${source} was asked as often as its contract allows.`, {
      retryAfter,
      kind: 'own-limit',
    });
  };

  const scope = ({ priority, signal, deadlineAt = Infinity }: Work): ProtectedScope => {
    const cancelled = signal && cancellation(signal);
    const until = typeof deadlineAt === 'number' ? () => deadlineAt : deadlineAt;
    let waiting = 0;

    const waitForTurn = async () => {
      const since = clock.now();
      waiting += 1;
      own.isWaiting = true;
      try {
        await limiter.wait(priority, deadlineAt, cancelled);
      } finally {
        waiting -= 1;
        own.isWaiting = waiting > 0;
      }
      observe.waited?.(clock.now() - since, priority);
    };

    /** All that may refuse a call before it is made. Then it has a place in the limiter and the breaker's pass. */
    const admit = (): number | Promise<number> => {
      if (cancelled?.reason !== undefined) throw cancelled.reason;
      if (quota !== undefined && quota.spentForMs > 0) throw spent();
      const pass = breaker.enter();
      return quota === undefined && limiter.tryTake(priority) ? pass : comeIn(pass);
    };

    /** The same where something has to be waited for. */
    const comeIn = async (pass: number): Promise<number> => {
      try {
        if (!limiter.tryTake(priority)) await waitForTurn();
        if (quota !== undefined && !(await quota.count())) {
          limiter.refuseWaiting(spent());
          limiter.giveBack(priority);
          throw spent();
        }
        return pass;
      } catch (error) {
        breaker.leave(pass, 'unknown');
        throw error;
      }
    };

    /** Milliseconds to wait before the call is made again; undefined when it is not. */
    const retryIn = (error: unknown, tries: number): number | undefined => {
      if (!(error instanceof SourceError) || !error.retryable) return undefined;
      // It has used up all the time that anybody should wait for it.
      if (error instanceof SourceTimeoutError) return undefined;
      if (tries > retries || cancelled?.reason !== undefined || breaker.state !== 'closed') return undefined;
      // Who asks about anything else is not held up, so this call waits by itself.
      const isPaused = error instanceof SourceRateLimitedError && !error.isOfKeyOnly;
      const waitMs = isPaused ? pauseMs(error) : Math.max(wantedMs(error), backoffMs(tries, random));
      if (waitMs > MAX_PAUSE_MS || clock.now() + waitMs >= until()) return undefined;
      // A pause costs no budget: after it the system gets as many calls as it would have, be they new or made again.
      if (!isPaused && !budget.take()) return undefined;
      // The limiter holds all calls until the pause is over, in their order.
      return isPaused ? 0 : waitMs;
    };

    /** One try at the system. */
    const ask = async <T>(
      pass: number,
      call: (signal: CallSignal) => Promise<T>,
      tries: number,
    ): Promise<{ answer: T } | { error: unknown; retryMs: number | undefined }> => {
      const madeAt = clock.now();
      let outcome = 'ok';
      try {
        const answer = await timeout(source, timeoutMs, call, cancelled);
        breaker.leave(pass, 'answered');
        return { answer };
      } catch (error) {
        if (cancelled?.reason !== undefined) {
          outcome = 'CANCELLED';
          breaker.leave(pass, 'unknown');
          return { error, retryMs: undefined };
        }
        outcome = error instanceof GatewayError ? error.code : 'INTERNAL_SERVER_ERROR';
        const called = callOutcomeOf(error, madeAt);
        const retryMs = retryIn(error, tries);
        // What is tried again has not failed yet. Else one question of one client would weigh as much as many.
        breaker.leave(pass, retryMs === undefined ? called : 'unknown', wantedMs(error));
        return { error, retryMs };
      } finally {
        // After the breaker has heard of it: should it open, the place goes to nobody who waits.
        const tookMs = clock.now() - madeAt;
        if (outcome === 'SOURCE_TIMEOUT') limiter.withhold(priority, tookMs);
        else limiter.giveBack(priority, tookMs);
        observe.called?.(tookMs, outcome);
      }
    };

    const own: { -readonly [Part in keyof ProtectedScope]: ProtectedScope[Part] } = {
      run: async (call) => {
        budget.called();
        for (let tries = 1; ; tries += 1) {
          const admitted = admit();
          const pass = typeof admitted === 'number' ? admitted : await admitted;
          const outcome = await ask(pass, call, tries);
          if ('answer' in outcome) return outcome.answer;
          if (outcome.retryMs === undefined) throw outcome.error;
          own.retries += 1;
          observe.retried?.();
          if (outcome.retryMs > 0) await backOff(outcome.retryMs, cancelled);
        }
      },
      slowDown: ({ remaining, ...info }) => {
        const ours = remaining === undefined ? undefined : Math.floor(remaining / processes);
        limiter.slowDown({ ...info, remaining: ours });
      },
      isWaiting: false,
      retries: 0,
      retryAfter: () => {
        const ms = Math.max(limiter.likelyMs(priority), quota?.spentForMs ?? 0);
        return Math.max(1, breaker.retryAfter, Math.ceil(ms / 1_000));
      },
    };
    return own;
  };

  return {
    scope,
    get breaker() {
      return breaker.state;
    },
    get waiting() {
      return limiter.waiting;
    },
  };
}

/** When the system itself wants to be asked again; 0 when it did not say. */
function wantedMs(error: unknown): number {
  return error instanceof SourceError ? (error.retryAfter ?? 0) * 1_000 : 0;
}

function pauseMs(error: SourceRateLimitedError): number {
  return wantedMs(error) || DEFAULT_PAUSE_MS;
}
