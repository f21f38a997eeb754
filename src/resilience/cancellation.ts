import type { CallSignal } from '../v8/call-signal.js';

/** Tells all that is under way on behalf of one caller to stop. */
export interface Cancellation {
  /** Why it was cancelled; undefined as long as it was not. */
  readonly reason: Error | undefined;
  /** Calls `stop` when it is cancelled, unless it is removed before. */
  add(stop: (reason: Error) => void): void;
  remove(stop: (reason: Error) => void): void;
}

/**
 * Hears a signal through one listener, however many calls are under way: with one for each, a batch of thousands would
 * have Node search a list for every call, and warn of a leak. The listener is there only while something is under way,
 * so a signal that outlives its calls holds on to nothing.
 */
export function cancellation(signal: CallSignal): Cancellation {
  return new OfSignal(signal);
}

/** A class, not an object literal with a getter, since one is made for each call: src/v8/README.md. */
class OfSignal implements Cancellation {
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
