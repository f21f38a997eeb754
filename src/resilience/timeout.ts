import { SourceTimeoutError } from '../errors.js';

/**
 * Runs a call for at most the given time. At the end of it the signal aborts, so that the call stops at the system,
 * and the promise rejects without waiting for the call to notice.
 */
export function timeout<T>(
  source: string,
  timeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new SourceTimeoutError(source, `${source} did not answer within ${timeoutMs} ms.`);
      reject(error);
      controller.abort(error);
    }, timeoutMs);
    // As a promise also when the call fails before it has made one.
    const run = async () => call(controller.signal);
    run()
      .finally(() => {
        clearTimeout(timer);
      })
      .then(resolve, reject);
  });
}
