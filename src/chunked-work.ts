/** Items of one request that are processed before other requests continue; of a thousand customers, some milliseconds of work. */
const CHUNK_SIZE = 25;

const waiting: (() => void)[] = [];

/**
 * Resolves in a later phase of the event loop, after requests that came meanwhile. Of all that wait here, one continues in each
 * phase: several at once would delay others as much as one that does not yield.
 */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(next);
  });
}

const RESOLVED = Promise.resolve();

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}

/**
 * Processes long lists of one request in chunks, and yields to other requests between them. What is requested from sources in any
 * of the chunks is requested together, after the last.
 */
export class ChunkedWork {
  #running = 0;
  #afterLast: (() => void)[] = [];
  /** Callbacks share a promise and a tick: one for each of a dozen loaders would be a part of every request's time. */
  #soon: (() => void)[] = [];

  /** Processes each item, in order. Resolves when all are done; rejects as soon as `work` throws. */
  async each<T>(
    items: readonly T[],
    work: (item: T, index: number) => void,
    chunkSize = CHUNK_SIZE,
  ): Promise<void> {
    if (items.length <= chunkSize) {
      items.forEach(work);
      return;
    }
    this.#running += 1;
    try {
      for (let from = 0; from < items.length; from += chunkSize) {
        await yieldToOthers();
        items.slice(from, from + chunkSize).forEach((item, i) => {
          work(item, from + i);
        });
      }
    } finally {
      this.#running -= 1;
      if (this.#running === 0) for (const callback of this.#afterLast.splice(0)) this.whenDone(callback);
    }
  }

  /** Replaces all values but those of the first chunk by promises, which settle in later chunks. An error rejects its promise. */
  spread(values: readonly unknown[]): readonly unknown[] {
    if (values.length <= CHUNK_SIZE) return values;
    const settles: (() => void)[] = [];
    const promised = values.slice(CHUNK_SIZE).map((value) =>
      new Promise<void>((resolve) => settles.push(resolve)).then(() => {
        if (value instanceof Error) throw value;
        return value;
      }),
    );
    void this.each(settles, (settle) => {
      settle();
    });
    return [...values.slice(0, CHUNK_SIZE), ...promised];
  }

  /** Calls back when nothing is being processed, and after all that follows from it at once. */
  whenDone(callback: () => void): void {
    if (this.#running > 0) {
      this.#afterLast.push(callback);
      return;
    }
    this.#soon.push(callback);
    if (this.#soon.length > 1) return;
    void RESOLVED.then(() => {
      process.nextTick(() => {
        const callbacks = this.#soon;
        this.#soon = [];
        if (this.#running > 0) this.#afterLast.push(...callbacks);
        else for (const callback of callbacks) callback();
      });
    });
  }
}
