import { InvalidInputError } from '../errors.js';

/** The clock that measuring uses. Tests pass another one. */
export interface MeasureClock {
  /** Monotonic milliseconds. */
  now(): number;
  wait(ms: number): Promise<void>;
}

/** Counts and paces the calls that measure a system. Every call to the system runs in it, and each only reads. */
export interface CallBudget {
  readonly used: number;
  readonly left: number;
  /** Runs a call, once the interval since the start of the previous one has passed. Throws if no call is left. */
  run<T>(call: () => Promise<T>): Promise<{ value: T; ms: number }>;
  /** Delays the next call by this time, because the system requested a pause. */
  pause(ms: number): void;
}

export interface CallBudgetOptions {
  /** Default: 20. */
  maxCalls?: number;
  /** Between the starts of two calls. Default: 1,000 ms. */
  intervalMs?: number;
  clock?: MeasureClock;
  /** Receives the number of calls when each one begins, including that one. */
  onCall?: (used: number) => void;
}

const systemClock: MeasureClock = {
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export function createCallBudget({
  maxCalls = 20,
  intervalMs = 1_000,
  clock = systemClock,
  onCall = () => undefined,
}: CallBudgetOptions = {}): CallBudget {
  let used = 0;
  let nextAt = -Infinity;
  return {
    get used() {
      return used;
    },
    get left() {
      return maxCalls - used;
    },
    run: async (call) => {
      if (used >= maxCalls)
        throw new InvalidInputError(
          `All ${maxCalls} calls for measuring are used. Allow more with --calls, if the system permits it.`,
        );
      used += 1;
      onCall(used);
      const waitMs = nextAt - clock.now();
      if (waitMs > 0) await clock.wait(waitMs);
      const startedAt = clock.now();
      nextAt = startedAt + intervalMs;
      const value = await call();
      return { value, ms: clock.now() - startedAt };
    },
    pause: (ms) => {
      nextAt = Math.max(nextAt, clock.now() + ms);
    },
  };
}
