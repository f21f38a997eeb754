/** Redis took too long. */
export class LateError extends Error {
  constructor(ms: number) {
    super(`Redis did not answer within ${ms} ms.`);
  }
}

/** What the promise says, or a LateError when it has said nothing by then. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => {
      reject(new LateError(ms));
    });
    promise.finally(cancel).then(resolve, reject);
  });
}

/**
 * Calls after some time, unless it is cancelled before. When this process was busy, what has arrived in the meantime
 * is read first: a timer alone would find Redis slow whenever it is we who are.
 */
export function after(ms: number, call: () => void): () => void {
  let cancelled = false;
  const timer = setTimeout(() => {
    setImmediate(() => {
      if (!cancelled) call();
    });
  }, ms);
  return () => {
    cancelled = true;
    clearTimeout(timer);
  };
}
