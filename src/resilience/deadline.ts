import { SourceTimeoutError } from '../errors.js';

/** The moment at which the answer to a request leaves, with what there is by then. */
export interface Deadline {
  /** The promise's outcome, or SourceTimeoutError when the deadline passes first. The work itself goes on for others. */
  race<T>(source: string, work: Promise<T>): Promise<T>;
  /** To be called when the request is over. */
  clear(): void;
}

/** Starts the clock of one request. */
export function startDeadline(deadlineMs: number): Deadline {
  const waiting = new Set<() => void>();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    for (const giveUp of waiting) giveUp();
    waiting.clear();
  }, deadlineMs);
  return {
    race: (source, work) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          reject(
            new SourceTimeoutError(
              source,
              `${source} did not answer before the request's deadline of ${deadlineMs} ms.`,
            ),
          );
        };
        if (passed) giveUp();
        waiting.add(giveUp);
        work.then(resolve, reject).finally(() => waiting.delete(giveUp));
      }),
    clear: () => {
      clearTimeout(timer);
    },
  };
}
