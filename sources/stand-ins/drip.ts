const everyMs = 500;

/** Forwards bytes one by one, more slowly than any client waits. */
export interface Drip {
  push(bytes: Buffer): void;
  /** Ends the stream. `done` is called after the last byte. */
  end(done: () => void): void;
  stop(): void;
}

export function createDrip(write: (byte: Buffer) => void): Drip {
  const waiting: Buffer[] = [];
  let offset = 0;
  let timer: NodeJS.Timeout | undefined;
  let whenDone: (() => void) | undefined;

  const next = (): void => {
    const [first] = waiting;
    if (first === undefined) {
      timer = undefined;
      whenDone?.();
      return;
    }
    write(first.subarray(offset, offset + 1));
    offset += 1;
    if (offset === first.length) {
      waiting.shift();
      offset = 0;
    }
    timer = setTimeout(next, everyMs);
  };

  return {
    push(bytes) {
      if (bytes.length === 0) return;
      waiting.push(bytes);
      if (timer === undefined) next();
    },
    end(done) {
      whenDone = done;
      if (timer === undefined) done();
    },
    stop() {
      clearTimeout(timer);
      waiting.length = 0;
      whenDone = undefined;
    },
  };
}
