/** A container that is emptied when its entry is deleted. */
interface Slot<V> {
  value: V | undefined;
}

/**
 * A long-lived map with short-lived entries, for example in-flight requests. It removes the value from its slot when
 * the entry is deleted, so that the older hash tables of the Map do not hold the value. README.md explains why.
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
}
