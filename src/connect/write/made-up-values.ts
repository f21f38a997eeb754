import { isDate, moveDate } from './dates.js';
import { KnownValues, lowerCase } from './known-values.js';
import { FORMATS, inCase, phoneIn, phoneNotations, similarText, type Format } from './made-up-formats.js';
import { Random } from './random.js';

/**
 * What a value is. `key`: two records are joined by it. `text`: another personal text. `measure`: a number of which two equal ones mean
 * nothing. `unknown`: a value of a member that no field reads; it is not looked for in other texts.
 */
export type Role = 'key' | 'text' | 'measure' | 'unknown';

/** What the made-up values of a place keep of the system's values. */
export interface Shape {
  /** The beginning that all values have, such as `cus_`. */
  prefix?: string;
  /** Whether a value is one of the namespace by which records are found. */
  accepts?: (text: string) => boolean;
}

interface Collected extends Shape {
  format: Format | undefined;
  role: Role;
  /** The texts as they were found. */
  notations: Set<string>;
}

const ROLES: readonly Role[] = ['key', 'text', 'unknown', 'measure'];
const ATTEMPTS = 100;
/** From this attempt on, a value may be longer. */
const LONGER_FROM = 40;
/** From this attempt on, known values within the value are not replaced by theirs. */
const UNRELATED_FROM = 10;
/** A shorter known value may be in a made-up one by chance. */
const MIN_AVOIDED = 4;

/** The made-up values of one recording. `collect` all values, then `assign`, then replace. */
export class MadeUpValues {
  readonly #seed: number;
  readonly #collected = new Map<string, Collected>();
  readonly #dates = new Set<string>();
  readonly #made = new Map<string, string>();
  readonly #known = new KnownValues();
  /** Known values that cannot be other words. */
  readonly #telling = new KnownValues();
  readonly #originals = new KnownValues();
  #days = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  collect(text: string, role: Role, shape: Shape = {}): void {
    if (isEmpty(text)) return;
    if (isDate(text)) {
      this.#dates.add(text);
      return;
    }
    const { key, format } = canonicalOf(text);
    const before = this.#collected.get(key);
    const strongest = ROLES.find((name) => name === role || name === before?.role) ?? role;
    this.#collected.set(key, {
      ...{ ...before, ...shape, format, role: strongest },
      notations: (before?.notations ?? new Set()).add(text),
    });
  }

  /** The number of days by which all dates move. */
  get days(): number {
    return this.#days;
  }

  /** Decides the made-up value of each collected one: short ones first, because longer ones may have them in them. */
  assign(): void {
    this.#days = this.#chooseDays();
    for (const date of this.#dates) this.#known.add(date, false, () => moveDate(date, this.#days) ?? date);
    const sorted = [...this.#collected].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    for (const [key, { notations }] of sorted)
      for (const text of [key, ...notations]) this.#originals.add(text, false, (found) => found);
    const taken = new Set<string>();
    for (const [key, collected] of sorted) {
      const made = this.#make(key, collected, taken);
      taken.add(made);
      this.#made.set(key, made);
      this.#remember(key, made, collected);
    }
  }

  /** The made-up value of a collected one, in the same notation. */
  replace(text: string): string {
    if (isEmpty(text)) return text;
    if (isDate(text)) return moveDate(text, this.#days) ?? text;
    const { key, format } = canonicalOf(text);
    const made = this.#made.get(key);
    if (made === undefined) throw new Error('A value is replaced that was not collected.');
    return (format?.render ?? inCase)(text, made);
  }

  /** A text that stays, except for known values in it. */
  replaceKnown(text: string): string {
    return replaceParts(this.#known, text);
  }

  /** A description that stays, except for known values that cannot be other words. */
  replaceTelling(text: string): string {
    return replaceParts(this.#telling, text);
  }

  #chooseDays(): number {
    const days = [...this.#dates].map((date) => date.split(/[T ,]/i, 1)[0] ?? date);
    const all = new Set(days);
    const random = new Random(this.#seed, 'days');
    for (let attempt = 0; attempt < 10 * ATTEMPTS; attempt += 1) {
      // Back, so that what has happened has happened. Further back if the records have all days of a year.
      const moved = -(30 + random.below(330) + 30 * Math.floor(attempt / 10));
      if (days.every((day) => !all.has(moveDate(day, moved) ?? ''))) return moved;
    }
    return -10_000;
  }

  #make(key: string, collected: Collected, taken: ReadonlySet<string>): string {
    const { role, accepts, format } = collected;
    let best: string | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const made = this.#attempt(key, collected, attempt);
      if (made === undefined || made === key) continue;
      const [notation = key] = collected.notations;
      if (accepts?.((format?.render ?? inCase)(notation, made)) === false) continue;
      if (role === 'measure') return made;
      if (taken.has(made)) continue;
      if (!this.#hasOriginal(made)) return made;
      best ??= made;
    }
    if (best !== undefined) return best;
    throw new Error(`No made-up value was found for a value of ${key.length} characters.`);
  }

  #attempt(key: string, { format, prefix, accepts }: Collected, attempt: number): string | undefined {
    const random = new Random(this.#seed, `${attempt}:${key}`);
    // A namespace may have only ids with the same letters.
    const similar = (part: string) =>
      accepts !== undefined && attempt >= UNRELATED_FROM
        ? part.replace(/\d+/g, (digits) => similarText(digits, random))
        : similarText(part, random);
    const change = (part: string): string => {
      const kept =
        prefix !== undefined && part.toLowerCase().startsWith(prefix.toLowerCase()) ? prefix.length : 0;
      const rest = part.slice(kept);
      const parts = attempt < UNRELATED_FROM ? this.#known.partsOf(rest) : [{ text: rest }];
      return (
        part.slice(0, kept) + parts.map(({ text, replacement }) => replacement ?? similar(text)).join('')
      );
    };
    if (format !== undefined) {
      const made = format.make(key, random, change);
      if (made !== undefined) return made;
    }
    const longer = attempt < LONGER_FROM ? '' : random.of(/\d$/.test(key) ? '0123456789' : 'bdfklmnprst');
    return `${change(key)}${longer}`;
  }

  /** Whether a made-up value is a value of the system, or has one in it. */
  #hasOriginal(made: string): boolean {
    return this.#originals
      .partsOf(made)
      .some(
        ({ text, replacement }) => replacement !== undefined && (text.length >= MIN_AVOIDED || text === made),
      );
  }

  #remember(key: string, made: string, { role, format, notations }: Collected): void {
    if (role === 'measure' || (role === 'unknown' && !isTelling(key))) return;
    const render = format?.render ?? inCase;
    const phone = phoneIn(key) === key ? phoneNotations(key) : [];
    const madePhone = phone.length === 0 ? [] : phoneNotations(made);
    const entries: [string, (found: string) => string][] = [
      ...phone.map((notation, i): [string, (found: string) => string] => [
        notation,
        () => madePhone[i] ?? made,
      ]),
      ...Array.from(notations, (text): [string, (found: string) => string] => [
        text.normalize('NFC'),
        (found) => render(found, made),
      ]),
    ];
    for (const [text, replacementOf] of entries) {
      this.#known.add(text, role === 'key', replacementOf);
      if (isTelling(text)) this.#telling.add(text, false, replacementOf);
    }
  }
}

function replaceParts(known: KnownValues, text: string): string {
  return known
    .partsOf(text.normalize('NFC'))
    .map((part) => part.replacement ?? part.text)
    .join('');
}

/** Blanks and zeros say nothing about a person. */
function isEmpty(text: string): boolean {
  return /^\s*$|^0+([.,]0+)?$/.test(text);
}

/** Whether a text shows by itself that it is that of a person. */
function isTelling(text: string): boolean {
  return text.includes('@') || (text.match(/\d/g) ?? []).length >= 6;
}

function canonicalOf(text: string): { key: string; format: Format | undefined } {
  for (const format of FORMATS) {
    const key = format.canonical(text);
    if (key !== undefined) return { key, format };
  }
  return { key: lowerCase(text.normalize('NFC')), format: undefined };
}
