import { SourceTimeoutError } from '../errors.js';
import { CallController, type CallSignal } from '../v8/call-signal.js';
import type { Cancellation } from './cancellation.js';

/**
 * Runs a call until its timeout or its cancellation. Then the call's signal aborts, so that it stops at the system.
 * The promise rejects at once, with SourceTimeoutError or with the cancellation's reason, without waiting for the
 * call to end. A call that was cancelled before is not made.
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
    // The async function also converts an error that the call throws synchronously.
    const run = async () => call(controller.signal);
    const endWith =
      <V>(settle: (outcome: V) => void) =>
      (outcome: V) => {
        over();
        settle(outcome);
      };
    run().then(endWith(resolve), endWith(reject));
  });
}
