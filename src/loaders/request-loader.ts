import { CHUNK_SIZE, type ChunkedWork } from '../chunked-work.js';
import { toError, type RequestScope } from './in-flight-batch.js';
import type { Pipeline } from './pipeline.js';

/** A loader as it was added to the registry. */
export interface Bound {
  pipeline: Pipeline;
  keyText: (key: unknown) => string;
  /** Whether the loader has a promise for each key. */
  isEach: boolean;
}

/** Keys that one request loads together. */
class KeyGroup {
  readonly keys: unknown[] = [];
  readonly texts: string[] = [];
  readonly #parts = new Map<number, Promise<readonly unknown[]>>();
  readonly #resolvers: ((answers: readonly unknown[]) => void)[] = [];

  /**
   * The answers to all keys: a value, an error or a promise for each. All chunks get the same answers, but the second and later
   * ones after other requests have continued. So what follows from a long list does not delay them.
   */
  answersFor(chunk: number): Promise<readonly unknown[]> {
    let part = this.#parts.get(chunk);
    if (part === undefined) {
      part = new Promise((resolve) => this.#resolvers.push(resolve));
      this.#parts.set(chunk, part);
    }
    return part;
  }

  resolve(answers: readonly unknown[], chunks: ChunkedWork): void {
    const [resolveFirst, ...resolveOthers] = this.#resolvers;
    resolveFirst?.(answers);
    void chunks.each(
      resolveOthers,
      (resolve) => {
        resolve(answers);
      },
      1,
    );
  }
}

/**
 * One loader for one request. Keys that are requested in one iteration of the event loop resolve together, cached or not. So the
 * keys that depend on them form one batch again. The keys of a loader with a promise for each resolve one by one. A key that was
 * requested before is not requested again.
 */
export class RequestLoader {
  readonly #bound: Bound;
  readonly #request: RequestScope;
  /** The answer to each key, or the group with its answer. */
  readonly #answers = new Map<string, Promise<unknown> | KeyGroup>();
  #gathering: KeyGroup | undefined;

  constructor(bound: Bound, request: RequestScope) {
    this.#bound = bound;
    this.#request = request;
  }

  load(key: unknown): Promise<unknown> {
    const text = this.#bound.keyText(key);
    const known = this.#answers.get(text);
    if (known instanceof Promise) return known;
    const group = known ?? this.#gather();
    if (known === undefined) {
      group.keys.push(key);
      group.texts.push(text);
    }
    const position = known === undefined ? group.keys.length - 1 : group.texts.indexOf(text);
    const chunk = known === undefined ? Math.floor(position / CHUNK_SIZE) : 0;
    const answer = group.answersFor(chunk).then((answers) => valueOrThrow(answers[position]));
    this.#answers.set(text, answer);
    return answer;
  }

  /** Resolves to a value or an error for each key, in the order of the keys. */
  loadMany(keys: readonly unknown[]): Promise<readonly unknown[]> {
    const { keyText, isEach } = this.#bound;
    const texts = keys.map(keyText);
    if (isEach || new Set(texts).size < texts.length || texts.some((text) => this.#answers.has(text)))
      return Promise.all(keys.map((key) => this.load(key).catch(toError)));
    const group = this.#gather();
    const from = group.keys.length;
    group.keys.push(...keys);
    group.texts.push(...texts);
    for (const text of texts) this.#answers.set(text, group);
    return group.answersFor(0).then((answers) => answers.slice(from, from + keys.length));
  }

  /** The group of keys that is loaded next. */
  #gather(): KeyGroup {
    if (this.#gathering !== undefined) return this.#gathering;
    const { chunks } = this.#request;
    const group = (this.#gathering = new KeyGroup());
    chunks.whenDone(() => {
      this.#gathering = undefined;
      void this.#answersTo(group).then((answers) => {
        group.resolve(answers, chunks);
      });
    });
    return group;
  }

  async #answersTo({ keys, texts }: KeyGroup): Promise<readonly unknown[]> {
    const { pipeline, isEach } = this.#bound;
    try {
      if (!isEach) return await pipeline.answer(keys, texts, this.#request);
      return keys.map((key, i) => onlyOne(pipeline.answer([key], texts.slice(i, i + 1), this.#request)));
    } catch (error) {
      return keys.map(() => toError(error));
    }
  }
}

/** The answer to one key, or a promise of it. */
function onlyOne(answers: readonly unknown[] | Promise<readonly unknown[]>): unknown {
  if (!(answers instanceof Promise)) return answers[0];
  const answer = answers.then(([value]) => valueOrThrow(value));
  // It may be returned later. If it rejects before then, it would count as unhandled.
  answer.catch(() => undefined);
  return answer;
}

function valueOrThrow(value: unknown): unknown {
  if (value instanceof Error) throw value;
  return value;
}
