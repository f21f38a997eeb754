import type { CallSignal } from '../v8/call-signal.js';

/** Stops all calls in progress of one batch. */
export interface Cancellation {
  /** The reason of the cancellation; undefined before it. */
  readonly reason: Error | undefined;
  /** Calls `stop` when it is cancelled, unless it is removed before. */
  add(stop: (reason: Error) => void): void;
  remove(stop: (reason: Error) => void): void;
}

/**
 * Listens to a signal with one listener for all calls in progress. With one listener for each, Node would search a
 * list for every call of a large batch, and warn of a leak. The listener is removed when no call is in progress, so a
 * long-lived signal retains nothing.
 */
export function cancellation(signal: CallSignal): Cancellation {
  return new SignalCancellation(signal);
}

/** A class instead of an object literal with a getter, because one is created for each call: src/v8/README.md. */
class SignalCancellation implements Cancellation {
  readonly #signal: CallSignal;
  readonly #stops = new Set<(reason: Error) => void>();
  readonly #cancel = () => {
    for (const stop of this.#stops) stop(this.#signal.reason as Error);
    this.#stops.clear();
  };

  constructor(signal: CallSignal) {
    this.#signal = signal;
  }

  get reason(): Error | undefined {
    return this.#signal.aborted ? (this.#signal.reason as Error) : undefined;
  }

  add(stop: (reason: Error) => void): void {
    if (this.#stops.size === 0) this.#signal.addEventListener('abort', this.#cancel, { once: true });
    this.#stops.add(stop);
  }

  remove(stop: (reason: Error) => void): void {
    if (this.#stops.delete(stop) && this.#stops.size === 0)
      this.#signal.removeEventListener('abort', this.#cancel);
  }
}
