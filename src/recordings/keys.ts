import type { Namespace } from '../identity/declaration.js';
import { COMMON } from '../declared/namespaces.js';
import { normalise } from '../identity/identifiers.js';
import type { SourceDefinition } from '../source.js';

const MAX_ATTEMPTS = 20_000;

/** Reads keys as the gateway does. */
export class KeyReader {
  readonly #namespaces: ReadonlyMap<string, Namespace>;

  constructor({ namespaces = [] }: Pick<SourceDefinition, 'namespaces'>) {
    this.#namespaces = new Map([
      ...COMMON,
      ...namespaces.map((namespace) => [namespace.name, namespace] as const),
    ]);
  }

  /** The key in canonical form. Undefined if it is not an identifier of the kind. */
  canonical(namespace: string, key: string): string | undefined {
    const found = this.#namespaces.get(namespace);
    return found === undefined ? undefined : normalise(found, key)?.value;
  }

  /**
   * Made-up keys that have the form of the known ones and differ from them. There may be fewer than
   * requested.
   */
  unknown(namespace: string, known: readonly string[], count: number): string[] {
    return this.#madeUp(known, count, (key) => this.canonical(namespace, key));
  }

  /** Made-up keys in the form of the known ones, for records other than customers. */
  similar(known: readonly string[], count: number): string[] {
    return this.#madeUp(known, count, (key) => key);
  }

  #madeUp(
    known: readonly string[],
    count: number,
    canonicalOf: (key: string) => string | undefined,
  ): string[] {
    const taken = new Set(known.map((key) => canonicalOf(key) ?? key));
    const found: string[] = [];
    const random = randomNumbers(17);
    for (let attempt = 0; found.length < count && attempt < MAX_ATTEMPTS; attempt += 1) {
      const like = known[attempt % known.length];
      if (like === undefined) break;
      const key = canonicalOf(similar(like, random));
      if (key === undefined || taken.has(key)) continue;
      taken.add(key);
      found.push(key);
    }
    return found;
  }
}

/** A text of the same form with other letters and digits. The domain of an e-mail address stays. */
function similar(text: string, random: () => number): string {
  const end = text.includes('@') ? text.indexOf('@') : text.length;
  const changed = Array.from(text.slice(0, end), (character) => {
    const range = RANGES.find((letters) => letters.includes(character));
    return range === undefined ? character : (range[Math.floor(random() * range.length)] ?? character);
  });
  return `${changed.join('')}${text.slice(end)}`;
}

const RANGES = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Pseudo-random numbers from 0 to 1, the same in each run (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
