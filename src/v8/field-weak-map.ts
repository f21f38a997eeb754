/** Maps objects to values, as long as the objects exist. See `fieldWeakMap`. */
export interface FieldWeakMap<K extends object, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
}

/** A constructor that returns its argument, so that a class that extends it adds its private fields to that object. */
// oxlint-disable-next-line typescript/no-extraneous-class -- The constructor returns another object.
class Returned {
  constructor(object: object) {
    return object;
  }
}

/**
 * Does the same as a WeakMap, with a private field in each key. The field is invisible when a key is listed,
 * copied, written as JSON or frozen. Use it if keys are objects of a request. For long-lived keys, a WeakMap
 * is equally fast. README.md explains why.
 */
export function fieldWeakMap<K extends object, V>(): FieldWeakMap<K, V> {
  class Holder extends Returned {
    #value: V;

    constructor(key: K, value: V) {
      super(key);
      this.#value = value;
    }

    static get(key: object): V | undefined {
      return #value in key ? key.#value : undefined;
    }

    static set(key: K, value: V): void {
      if (#value in key) key.#value = value;
      else new Holder(key, value);
    }
  }
  return {
    get: (key) => Holder.get(key),
    set: (key, value) => {
      Holder.set(key, value);
    },
  };
}
