/** Redis did not answer in time. */
export class LateError extends Error {
  constructor(ms: number) {
    super(`Redis did not answer within ${ms} ms.`);
  }
}

/** Settles as the promise does, or rejects with a LateError after `ms`. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => {
      reject(new LateError(ms));
    });
    promise.finally(cancel).then(resolve, reject);
  });
}

/**
 * Calls `call` after `ms`, unless it is cancelled before. If this process was busy, received data is read first: a
 * timer alone would report a slow Redis when this process is slow.
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
