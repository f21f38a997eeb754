import type { ChunkedWork } from '../chunked-work.js';
import { toError } from './in-flight-batch.js';

/** Fields that are completed before other requests continue. A field takes less time than the other items of long lists. */
const FIELDS_AT_ONCE = 100;

/** Keys of one loader that a request loads together. Fields that wait for their records share its promise. */
export class KeyGroup {
  readonly keys: unknown[] = [];
  readonly texts: string[] = [];
  /** A value or an error for each key. Undefined until they are loaded. */
  answers: readonly unknown[] | undefined;
  /** Never rejects. */
  readonly loaded: Promise<readonly unknown[]>;
  readonly #places = new Map<string, number>();
  /** The fields of an answer that wait for them. */
  readonly waiting: PendingField<unknown>[] = [];

  /** `load` is called when no further keys are added. */
  constructor(
    load: (group: KeyGroup) => readonly unknown[] | Promise<readonly unknown[]>,
    chunks: ChunkedWork,
  ) {
    this.loaded = new Promise<void>((resolve) => {
      chunks.whenDone(resolve);
    })
      .then(() => load(this))
      .catch((error: unknown) => this.keys.map(() => toError(error)))
      .then((answers) => {
        this.answers = answers;
        const complete = (field: PendingField<unknown>) => {
          field.complete();
        };
        void chunks.each(this.waiting, complete, FIELDS_AT_ONCE);
        return answers;
      });
  }

  add(key: unknown, text: string): void {
    this.#places.set(text, this.keys.push(key) - 1);
    this.texts.push(text);
  }

  /** The loaded value of a key. Throws its error. */
  valueOf(text: string): unknown {
    const answer = this.answers?.[this.#places.get(text) ?? -1];
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

/**
 * A field of a record that is being loaded, which can be awaited like a promise. A plan does not await it, because a promise
 * for each field of each object of a list takes much memory.
 */
export class PendingField<T> implements PromiseLike<T> {
  readonly #group: KeyGroup;
  readonly #text: string;
  readonly #read: (record: unknown) => T | PromiseLike<T>;
  #set: ((valueOrError: unknown) => void) | undefined;

  constructor(group: KeyGroup, text: string, read: (record: unknown) => T | PromiseLike<T>) {
    this.#group = group;
    this.#text = text;
    this.#read = read;
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.#group.loaded.then(() => this.#value()).then(onFulfilled, onRejected);
  }

  /** Sets the value or the error when the record is loaded. Returns false if the promise must be awaited instead. */
  whenLoaded(set: (valueOrError: unknown) => void): boolean {
    if (this.#set !== undefined || this.#group.answers !== undefined) return false;
    this.#set = set;
    this.#group.waiting.push(this);
    return true;
  }

  /** Call this when the record is loaded. */
  complete(): void {
    let value: unknown;
    try {
      value = this.#value();
    } catch (error) {
      value = toError(error);
    }
    this.#set?.(value);
  }

  #value(): T | PromiseLike<T> {
    return this.#read(this.#group.valueOf(this.#text));
  }
}
