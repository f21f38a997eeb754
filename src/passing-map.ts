/** Where something stands as long as it is there. */
interface Place<V> {
  value: V | undefined;
}

/**
 * A map that lasts, of what only passes through it. V8 (seen on Node 20) makes the table of a Map anew after a few entries
 * have been deleted, and the old table goes on pointing to the new one. Once such a table has grown old, it is taken to be in use
 * until the next full collection, with all tables after it and all that was in them: what had long been done with cost nine times
 * the collector's time. Here tables hold places, and a place that was left is empty.
 */
export class PassingMap<K, V extends object> {
  readonly #places = new Map<K, Place<V>>();

  get(key: K): V | undefined {
    return this.#places.get(key)?.value;
  }

  set(key: K, value: V): void {
    const place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, { value });
    else place.value = value;
  }

  delete(key: K): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    place.value = undefined;
    this.#places.delete(key);
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#places.values()) if (value !== undefined) yield value;
  }
}
