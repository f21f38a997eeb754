import { SourceRateLimitedError, SourceTimeoutError } from '../errors.js';

/** The moment at which the answer to a request leaves, with what there is by then. */
export interface Deadline {
  /** By the engine's clock. */
  readonly at: number;
  /**
   * The promise's outcome, or what `late` says when the deadline passes first; without it, SourceTimeoutError. The
   * work itself goes on for others.
   */
  race<T>(source: string, work: Promise<T>, late?: () => Error | undefined): Promise<T>;
  /**
   * The error. Of a system that is to be called again only after the deadline, one that says so, with both times and what to do.
   */
  explain(error: unknown): unknown;
  /** To be called when the request is over. */
  clear(): void;
}

interface DeadlineOptions {
  /** What it bounds, for messages. Default: the request. */
  what?: string;
  /** What an operator can do when the time is too short. Default: `raise DEADLINE_MS`. */
  remedy?: string;
}

/** Starts the clock of one request. */
export function startDeadline(
  deadlineMs: number,
  clock: { now(): number } = performance,
  { what = `the request's deadline of ${deadlineMs} ms`, remedy = 'raise DEADLINE_MS' }: DeadlineOptions = {},
): Deadline {
  const at = clock.now() + deadlineMs;
  const waiting = new Set<() => void>();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    for (const giveUp of waiting) giveUp();
    waiting.clear();
  }, deadlineMs);
  return {
    at,
    race: (source, work, late) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          const message = `${source} did not answer before ${what}.`;
          reject(late?.() ?? new SourceTimeoutError(source, message, { kind: 'deadline' }));
        };
        if (passed) {
          work.catch(() => undefined);
          giveUp();
          return;
        }
        waiting.add(giveUp);
        const over = () => waiting.delete(giveUp);
        work.then(resolve, reject);
        work.then(over, over);
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
