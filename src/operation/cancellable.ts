/**
 * The generator, with a `return()` that takes effect at once. A generator that waits notices its own only with its next
 * value.
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
