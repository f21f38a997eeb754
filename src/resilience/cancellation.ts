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
export function cancellation(signal: AbortSignal): Cancellation {
  const stops = new Set<(reason: Error) => void>();
  const cancel = () => {
    for (const stop of stops) stop(signal.reason as Error);
    stops.clear();
  };
  return {
    get reason() {
      return signal.aborted ? (signal.reason as Error) : undefined;
    },
    add: (stop) => {
      if (stops.size === 0) signal.addEventListener('abort', cancel, { once: true });
      stops.add(stop);
    },
    remove: (stop) => {
      if (stops.delete(stop) && stops.size === 0) signal.removeEventListener('abort', cancel);
    },
  };
}
