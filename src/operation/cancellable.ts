/**
 * Wraps a generator so that `return()` takes effect at once. Without this, a waiting generator would end only after
 * its next value.
 */
export function cancellable<T>(
  values: AsyncGenerator<T, void>,
  cancel: () => void,
): AsyncIterableIterator<T> {
  return {
    next: () => values.next(),
    return: () => {
      cancel();
      return values.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
