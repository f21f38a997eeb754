/** The same, but that it is heard at once when nobody listens any more: a generator that waits hears of it with what comes next. */
export function leavable<T>(told: AsyncGenerator<T, void>, leave: () => void): AsyncIterableIterator<T> {
  return {
    next: () => told.next(),
    return: () => {
      leave();
      return told.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
