import { SourceTimeoutError } from '../errors.js';
import { CallController, type CallSignal } from '../v8/call-signal.js';
import type { Cancellation } from './cancellation.js';

/**
 * Runs a call for at most the given time, or until it is cancelled. Then the call's signal aborts, so that it stops at
 * the system, and the promise rejects without waiting for the call to notice: with SourceTimeoutError, or with the
 * cancellation's own reason. A call that is cancelled beforehand is not made.
 */
export function timeout<T>(
  source: string,
  timeoutMs: number,
  call: (signal: CallSignal) => Promise<T>,
  cancelled?: Cancellation,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (cancelled?.reason !== undefined) {
      reject(cancelled.reason);
      return;
    }
    const controller = new CallController();
    const stop = (reason: Error) => {
      over();
      reject(reason);
      controller.abort(reason);
    };
    const timer = setTimeout(() => {
      stop(new SourceTimeoutError(source, `${source} did not answer within ${timeoutMs} ms.`));
    }, timeoutMs);
    cancelled?.add(stop);
    const over = () => {
      clearTimeout(timer);
      cancelled?.remove(stop);
    };
    // As a promise also when the call fails before it has made one.
    const run = async () => call(controller.signal);
    run().finally(over).then(resolve, reject);
  });
}
