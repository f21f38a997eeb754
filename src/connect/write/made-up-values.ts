import { both } from './column-fit.js';
import { isDate, moveDate } from './dates.js';
import { KnownValues, lowerCase } from './known-values.js';
import { FORMATS, inCase, phoneIn, phoneNotations, similarText, type Format } from './made-up-formats.js';
import { Random } from './random.js';

/**
 * The role of a value. `key`: it joins two records. `text`: another personal text. `measure`: a number that
 * two records may share by chance. `unknown`: a value that is not read by a field; other texts are searched
 * for it only if it is distinctive.
 */
export type Role = 'key' | 'text' | 'measure' | 'unknown';

/** Properties that the made-up values of a place share with the system's values. */
export interface Shape {
  /** The prefix of all values, such as `cus_`. */
  prefix?: string;
  /** Whether a value is valid in the namespace that finds records. */
  accepts?: (text: string) => boolean;
}

interface Collected extends Shape {
  format: Format | undefined;
  role: Role;
  /** The texts as they were found. */
  notations: Set<string>;
}

interface Replacement {
  /** The canonical text. */
  text: string;
  /** The text in the notation of another one. */
  render(notation: string): string;
}

/** A part of a canonical text, and its replacement. */
interface ChangedPart {
  length: number;
  replacement: string;
}

const ROLES: readonly Role[] = ['key', 'text', 'unknown', 'measure'];
const ATTEMPTS = 100;
/** From this attempt on, a value may be longer. */
const LONGER_FROM = 40;
/** From this attempt on, the letters of an identifier stay, because its namespace may not allow others. */
const SAME_LETTERS_FROM = 5;
/** From this attempt on, known values inside the value do not get their own replacement. */
const UNRELATED_FROM = 10;

/** The made-up values of one recording. `collect` all values, then `assign`, then replace. */
export class MadeUpValues {
  readonly #seed: number;
  readonly #collected = new Map<string, Collected>();
  readonly #dates = new Set<string>();
  readonly #replacements = new Map<string, Replacement>();
  readonly #known = new KnownValues();
  /** Known values that are not ordinary words. */
  readonly #distinctive = new KnownValues();
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
    // Equal values of two columns become equal ones, which must fit both.
    const accepts = both(before?.accepts, shape.accepts);
    this.#collected.set(key, {
      ...{ ...before, ...shape, format, role: strongest },
      ...(accepts === undefined ? {} : { accepts }),
      notations: (before?.notations ?? new Set()).add(text),
    });
  }

  /** The number of days by which all dates move. */
  get days(): number {
    return this.#days;
  }

  /**
   * Decides the made-up value of each collected one: short ones first, because longer ones may contain them.
   */
  assign(): void {
    this.#days = this.#chooseDays();
    for (const date of this.#dates) this.#known.add(date, false, () => moveDate(date, this.#days) ?? date);
    const sorted = [...this.#collected].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    for (const [key, { notations }] of sorted)
      for (const text of [key, ...notations]) this.#originals.add(text, false, (found) => found);
    const taken = new Set<string>();
    for (const [key, collected] of sorted) {
      const replacement = this.#make(key, collected, taken);
      taken.add(replacement.text);
      this.#replacements.set(key, replacement);
      this.#remember(key, replacement, collected);
    }
  }

  /** The made-up value of a collected one, in the same notation. */
  replace(text: string): string {
    if (isEmpty(text)) return text;
    if (isDate(text)) return moveDate(text, this.#days) ?? text;
    const replacement = this.#replacements.get(canonicalOf(text).key);
    if (replacement === undefined) throw new Error('A value is replaced that was not collected.');
    return replacement.render(text);
  }

  /** The text, with only the known values in it replaced. */
  replaceKnown(text: string): string {
    return replaceParts(this.#known, text);
  }

  /** The description, with only known values replaced that are not ordinary words. */
  replaceDistinctive(text: string): string {
    return replaceParts(this.#distinctive, text);
  }

  #chooseDays(): number {
    const days = [...this.#dates].map((date) => date.split(/[T ,]/i, 1)[0] ?? date);
    const all = new Set(days);
    const random = new Random(this.#seed, 'days');
    for (let attempt = 0; attempt < 10 * ATTEMPTS; attempt += 1) {
      // Moves back, so that past dates stay past. Moves further if the records have all days of a year.
      const moved = -(30 + random.below(330) + 30 * Math.floor(attempt / 10));
      if (days.every((day) => !all.has(moveDate(day, moved) ?? ''))) return moved;
    }
    return -10_000;
  }

  #make(key: string, collected: Collected, taken: ReadonlySet<string>): Replacement {
    const { role, accepts } = collected;
    const [notation = key] = collected.notations;
    let best: { replacement: Replacement; faults: number } | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const replacement = this.#attempt(key, collected, attempt);
      const { text } = replacement;
      if (text === key) continue;
      const faults =
        (this.#originals.isIn(text) ? 1 : 0) +
        (accepts?.(replacement.render(notation)) === false ? 2 : 0) +
        (role !== 'measure' && taken.has(text) ? 4 : 0);
      if (faults === 0) return replacement;
      if (faults < (best?.faults ?? Infinity)) best = { replacement, faults };
    }
    if (best === undefined) throw new Error('No made-up value was found for a value.');
    return best.replacement;
  }

  #attempt(key: string, { format, prefix, accepts }: Collected, attempt: number): Replacement {
    const random = new Random(this.#seed, `${attempt}:${key}`);
    const similar = (part: string) =>
      accepts !== undefined && attempt >= SAME_LETTERS_FROM
        ? part.replace(/\d+/g, (digits) => similarText(digits, random))
        : similarText(part, random);
    const changedParts = (text: string): ChangedPart[] => {
      const hasPrefix = prefix !== undefined && text.toLowerCase().startsWith(prefix.toLowerCase());
      const start = hasPrefix ? text.slice(0, prefix.length) : '';
      const remainder = text.slice(start.length);
      const parts = attempt < UNRELATED_FROM ? this.#known.partsOf(remainder) : [{ text: remainder }];
      return [
        { length: start.length, replacement: start },
        ...parts.map((part) => ({
          length: part.text.length,
          replacement: part.replacement ?? similar(part.text),
        })),
      ];
    };
    if (format !== undefined) {
      const change = (text: string) =>
        changedParts(text)
          .map(({ replacement }) => replacement)
          .join('');
      const replacement = format.make(key, random, { change, attempt });
      if (replacement !== undefined)
        return { text: replacement, render: (notation) => format.render(notation, replacement) };
    }
    const parts = changedParts(key);
    if (attempt >= LONGER_FROM)
      parts.push({ length: 0, replacement: random.of(/\d$/.test(key) ? '0123456789' : 'bdfklmnprst') });
    return {
      text: parts.map(({ replacement }) => replacement).join(''),
      render: (notation) => renderParts(notation, parts),
    };
  }

  #remember(key: string, replacement: Replacement, { role, notations }: Collected): void {
    if (role === 'measure' || (role === 'unknown' && !isDistinctive(key))) return;
    const phone = phoneIn(key) === key ? phoneNotations(key) : [];
    const otherPhone = phone.length === 0 ? [] : phoneNotations(replacement.text);
    const entries: [string, (found: string) => string][] = [
      ...phone.map((notation, i): [string, (found: string) => string] => [
        notation,
        () => otherPhone[i] ?? replacement.text,
      ]),
      ...Array.from(notations, (text): [string, (found: string) => string] => [
        text.normalize('NFC'),
        (found) => replacement.render(found),
      ]),
    ];
    for (const [text, replacementOf] of entries) {
      this.#known.add(text, role === 'key', replacementOf);
      if (isDistinctive(text)) this.#distinctive.add(text, false, replacementOf);
    }
  }
}

/** The parts, each in the case of its part of the notation. */
function renderParts(notation: string, parts: readonly ChangedPart[]): string {
  const text = notation.normalize('NFC');
  let at = 0;
  return parts
    .map(({ length, replacement }) => {
      at += length;
      return inCase(length === 0 ? text : text.slice(at - length, at), replacement);
    })
    .join('');
}

function replaceParts(known: KnownValues, text: string): string {
  return known
    .partsOf(text.normalize('NFC'))
    .map((part) => part.replacement ?? part.text)
    .join('');
}

/** Blanks and zeros do not identify a person. */
function isEmpty(text: string): boolean {
  return /^\s*$|^0+([.,]0+)?$/.test(text);
}

/** Whether a text alone shows that it belongs to a person. */
function isDistinctive(text: string): boolean {
  return text.includes('@') || (text.match(/\d/g) ?? []).length >= 6;
}

function canonicalOf(text: string): { key: string; format: Format | undefined } {
  for (const format of FORMATS) {
    const key = format.canonical(text);
    if (key !== undefined) return { key, format };
  }
  return { key: lowerCase(text.normalize('NFC')), format: undefined };
}
