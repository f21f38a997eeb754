/** What is known of objects beside their own fields, for as long as they live: see `fieldWeakMap`. */
export interface FieldWeakMap<K extends object, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
}

/** A constructor that returns its argument, so that a class that extends it adds its private fields to that object. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- What it constructs is something else.
class Returned {
  constructor(object: object) {
    return object;
  }
}

/**
 * Does what a WeakMap does, by a private field in each key. The field does not show when a key is listed, copied,
 * written as JSON or frozen. Use it where keys are objects of a request; for keys that live long a WeakMap is as
 * good. README.md has why.
 */
export function fieldWeakMap<K extends object, V>(): FieldWeakMap<K, V> {
  class Noted extends Returned {
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
      else new Noted(key, value);
    }
  }
  return {
    get: (key) => Noted.get(key),
    set: (key, value) => {
      Noted.set(key, value);
    },
  };
}
