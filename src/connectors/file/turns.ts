/** Lets so many work at a time. */
export interface Turns {
  /** Who gives up waiting loses their turn. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function createTurns(most: number): Turns {
  let free = most;
  const waiting = new Set<() => void>();

  const waitForTurn = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = () => {
        waiting.delete(turn);
        reject(signal.reason as Error);
      };
      const turn = () => {
        waiting.delete(turn);
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      waiting.add(turn);
      signal.addEventListener('abort', giveUp, { once: true });
    });

  return {
    take: async (signal, work) => {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await waitForTurn(signal);
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
