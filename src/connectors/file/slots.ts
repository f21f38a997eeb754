/** Limits how much work runs at a time. */
export interface Slots {
  /** Runs the work when a slot is free. Rejects if the signal aborts before that. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  const waitForSlot = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const cancel = () => {
        waiting.delete(start);
        reject(signal.reason as Error);
      };
      const start = () => {
        waiting.delete(start);
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      waiting.add(start);
      signal.addEventListener('abort', cancel, { once: true });
    });

  return {
    run: async (signal, work) => {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await waitForSlot(signal);
      try {
        return await work();
      } finally {
        const [next] = waiting;
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
