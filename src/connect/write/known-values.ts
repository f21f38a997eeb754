/** Finds known values in longer texts, in any case and in the encoding of URLs. */

/** A part of a text: as it is, or a known value in it. */
export interface Part {
  text: string;
  replacement?: string;
}

interface Entry {
  /** The replacement of a found text, which may have another case. */
  replacementOf: (found: string) => string;
  /** Whether it is found in URLs although it is short. */
  isKey: boolean;
}

/** Shorter texts are found only as a whole segment of a URL. */
const MIN_CHARACTERS = 3;
/** Shorter numbers are found only as a whole segment of a URL. */
const MIN_DIGITS = 4;
/** Longer texts are found within words too. */
const MIN_CHARACTERS_IN_WORDS = 6;
/** Longer texts are replaced only as whole values. */
const MAX_CHARACTERS = 200;

/** The length of the prefix that indexes the known values. */
const START_CHARACTERS = 3;

export class KnownValues {
  readonly #entries = new Map<string, Entry>();
  /** The lengths of the known values by their prefix, the longest first. */
  readonly #lengths = new Map<string, number[]>();

  add(text: string, isKey: boolean, replacementOf: (found: string) => string): void {
    const encode = encodeURIComponent;
    const isPlain = /^[\w.~-]*$/.test(text);
    this.#add(text, { isKey, replacementOf });
    if (isPlain || !text.isWellFormed()) return;
    const encoded: Entry = { isKey, replacementOf: () => encode(replacementOf(text)) };
    this.#add(encode(text), encoded);
    if (text.includes(' '))
      this.#add(encode(text).replaceAll('%20', '+'), {
        isKey,
        replacementOf: () => encode(replacementOf(text)).replaceAll('%20', '+'),
      });
  }

  #add(text: string, entry: Entry): void {
    if (text === '' || text.length > MAX_CHARACTERS) return;
    const lowered = lowerCase(text);
    if (!this.#entries.has(lowered)) this.#entries.set(lowered, entry);
    const start = lowered.slice(0, START_CHARACTERS);
    const lengths = this.#lengths.get(start) ?? [];
    if (!lengths.includes(lowered.length))
      this.#lengths.set(
        start,
        [...lengths, lowered.length].sort((a, b) => b - a),
      );
  }

  /** The lengths of the known values that may begin at a position, the longest first. */
  *#lengthsAt(lowered: string, at: number): Iterable<number> {
    for (let characters = START_CHARACTERS; characters > 0; characters -= 1)
      for (const length of this.#lengths.get(lowered.slice(at, at + characters)) ?? [])
        if (at + length <= lowered.length) yield length;
  }

  /** Splits a text into parts. At each position, the longest known value is found. */
  partsOf(text: string): Part[] {
    const lowered = lowerCase(text);
    const isAddress = /[/=&?]/.test(text) && !/\s/.test(text);
    const parts: Part[] = [];
    let plainFrom = 0;
    for (let at = 0; at < text.length;) {
      const length = this.#lengthAt(lowered, at, isAddress);
      if (length === 0) {
        at += 1;
        continue;
      }
      if (plainFrom < at) parts.push({ text: text.slice(plainFrom, at) });
      const found = text.slice(at, at + length);
      const entry = this.#entries.get(lowered.slice(at, at + length));
      parts.push({ text: found, replacement: entry?.replacementOf(found) ?? found });
      at += length;
      plainFrom = at;
    }
    if (plainFrom < text.length) parts.push({ text: text.slice(plainFrom) });
    return parts;
  }

  /**
   * Whether a text is or contains a known value. Short values do not count, because they may occur by chance.
   */
  isIn(text: string): boolean {
    const lowered = lowerCase(text);
    if (this.#entries.has(lowered)) return true;
    for (let at = 0; at < lowered.length; at += 1)
      for (const length of this.#lengthsAt(lowered, at)) {
        const part = lowered.slice(at, at + length);
        if (this.#entries.has(part) && length > (/^\d+$/.test(part) ? MIN_DIGITS : MIN_CHARACTERS))
          return true;
      }
    return false;
  }

  #lengthAt(lowered: string, at: number, isAddress: boolean): number {
    for (const length of this.#lengthsAt(lowered, at)) {
      const entry = this.#entries.get(lowered.slice(at, at + length));
      if (entry !== undefined && isFound(lowered, at, length, isAddress && entry.isKey)) return length;
    }
    return 0;
  }
}

const WORD = /[\p{L}\p{N}]/u;

function isFound(lowered: string, at: number, length: number, isKeyInAddress: boolean): boolean {
  const found = lowered.slice(at, at + length);
  const [before, after] = [lowered.charAt(at - 1), lowered.charAt(at + length)];
  if (isKeyInAddress && /^[/=]?$/.test(before) && /^[/?&#]?$/.test(after)) return true;
  if (length < (/^\d+$/.test(found) ? MIN_DIGITS : MIN_CHARACTERS)) return false;
  if (length >= MIN_CHARACTERS_IN_WORDS) return true;
  const isWithin = (outer: string, inner: string) => WORD.test(outer) && WORD.test(inner);
  return !isWithin(before, found.charAt(0)) && !isWithin(after, found.charAt(length - 1));
}

/** The text in lower case, with the same length. */
export function lowerCase(text: string): string {
  const lowered = text.toLowerCase();
  if (lowered.length === text.length) return lowered;
  return Array.from(text, (character) => {
    const small = character.toLowerCase();
    return small.length === character.length ? small : character;
  }).join('');
}
