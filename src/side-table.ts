/** What is known of objects beside what stands in them, for as long as they live. */
export interface SideTable<K extends object, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
}

/** A constructor that gives back what it is given, so that a class that extends it adds its private fields to that. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- What it constructs is something else.
class Given {
  constructor(object: object) {
    return object;
  }
}

/**
 * Does what a WeakMap does, by a private field in each of its keys, which nobody else sees: not who lists, copies, writes out
 * or freezes them. A WeakMap itself lasts, and V8's young collections (seen on Node 20) take all its values to be in use: what
 * was known of a request's objects outlived it until the next full collection, with the whole request. For keys that last a
 * WeakMap is as good.
 */
export function sideTable<K extends object, V>(): SideTable<K, V> {
  class Noted extends Given {
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
