import { SourceTimeoutError } from '../errors.js';

/** The moment at which the answer to a request leaves, with what there is by then. */
export interface Deadline {
  /** By the engine's clock. */
  readonly at: number;
  /**
   * The promise's outcome, or what `late` says when the deadline passes first; without it, SourceTimeoutError. The
   * work itself goes on for others.
   */
  race<T>(source: string, work: Promise<T>, late?: () => Error | undefined): Promise<T>;
  /** To be called when the request is over. */
  clear(): void;
}

/** Starts the clock of one request. */
export function startDeadline(deadlineMs: number, clock: { now(): number } = performance): Deadline {
  const waiting = new Set<() => void>();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    for (const giveUp of waiting) giveUp();
    waiting.clear();
  }, deadlineMs);
  return {
    at: clock.now() + deadlineMs,
    race: (source, work, late) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          reject(
            late?.() ??
              new SourceTimeoutError(
                source,
                `${source} did not answer before the request's deadline of ${deadlineMs} ms.`,
                { kind: 'deadline' },
              ),
          );
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
    clear: () => {
      clearTimeout(timer);
    },
  };
}
