import { SourceRateLimitedError, SourceTimeoutError } from '../errors.js';

/** The time at which the answer to a request is sent, complete or not. */
export interface Deadline {
  /** The time on the engine's clock. */
  readonly at: number;
  /**
   * Settles as `work` does. If the deadline passes first, rejects with the error of `late`, or with
   * SourceTimeoutError. The work continues for other requests.
   */
  race<T>(source: string, work: Promise<T>, late?: () => Error | undefined): Promise<T>;
  /**
   * Adds both times and a remedy to the error of a system that may be called again only after the deadline. Returns
   * other errors unchanged.
   */
  explain(error: unknown): unknown;
  /** Call this when the request ends. */
  clear(): void;
}

interface DeadlineOptions {
  /** The name of the deadline in messages. Default: the request's deadline. */
  what?: string;
  /** The remedy when the time is too short. Default: `raise DEADLINE_MS`. */
  remedy?: string;
}

/** Starts the deadline of one request. */
export function startDeadline(
  deadlineMs: number,
  clock: { now(): number } = performance,
  { what = `the request's deadline of ${deadlineMs} ms`, remedy = 'raise DEADLINE_MS' }: DeadlineOptions = {},
): Deadline {
  const at = clock.now() + deadlineMs;
  const waiting = new Set<() => void>();
  let hasPassed = false;
  const timer = setTimeout(() => {
    hasPassed = true;
    for (const rejectLate of waiting) rejectLate();
    waiting.clear();
  }, deadlineMs);
  return {
    at,
    race: (source, work, late) =>
      new Promise((resolve, reject) => {
        const rejectLate = () => {
          const message = `${source} did not answer before ${what}.`;
          reject(late?.() ?? new SourceTimeoutError(source, message, { kind: 'deadline' }));
        };
        if (hasPassed) {
          work.catch(() => undefined);
          rejectLate();
          return;
        }
        waiting.add(rejectLate);
        const stopWaiting = () => waiting.delete(rejectLate);
        work.then(resolve, reject);
        work.then(stopWaiting, stopWaiting);
      }),
    explain: (error) => {
      if (!(error instanceof SourceRateLimitedError) || error.retryAfter === undefined) return error;
      const { source, message, retryAfter, kind, received } = error;
      if (clock.now() + retryAfter * 1_000 < at) return error;
      return new SourceRateLimitedError(
        source,
        `${message} ${source} may be called again after ${retryAfter} s, which is later than ${what}. Repeat the request then, or ${remedy}.`,
        { retryAfter, kind, received, cause: error, explains: error },
      );
    },
    clear: () => {
      clearTimeout(timer);
    },
  };
}
