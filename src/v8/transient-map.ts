/** Holds a value for as long as it is in the map. */
interface Slot<V> {
  value: V | undefined;
}

/**
 * A map that lives long, and whose entries do not: in-flight requests, for example. It deletes the value together
 * with its entry, so that the map's older hash tables cannot keep the value alive. README.md has why.
 */
export class TransientMap<K, V extends object> {
  readonly #slots = new Map<K, Slot<V>>();

  get(key: K): V | undefined {
    return this.#slots.get(key)?.value;
  }

  set(key: K, value: V): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) this.#slots.set(key, { value });
    else slot.value = value;
  }

  delete(key: K): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    slot.value = undefined;
    this.#slots.delete(key);
  }

  *values(): IterableIterator<V> {
    for (const { value } of this.#slots.values()) if (value !== undefined) yield value;
  }
}
