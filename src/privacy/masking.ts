import type { Mask } from '../customer/schema.generated.js';

const HIDDEN = '***';

/** Minimum length for `LAST_FOUR`: in a shorter text the last four characters reveal nearly everything. */
const MIN_CHARACTERS_FOR_LAST_FOUR = 8;

/** The masked form of a text. */
const MASKS: Readonly<Record<Mask, (text: string) => string>> = {
  EMAIL: (text) => {
    const at = text.lastIndexOf('@');
    return at < 1 ? HIDDEN : `${first(text)}${HIDDEN}${text.slice(at)}`;
  },
  LAST_FOUR: (text) => {
    const characters = charactersOf(text);
    return characters.length < MIN_CHARACTERS_FOR_LAST_FOUR
      ? HIDDEN
      : `${HIDDEN}${characters.slice(-4).join('')}`;
  },
  INITIAL: (text) => `${first(text)}${HIDDEN}`,
  YEAR: (text) => /^\d{4}(?=-)/.exec(text)?.[0] ?? HIDDEN,
  ALL: () => HIDDEN,
};

/** Masks a value or each value of a list. Null and errors are returned unchanged. */
export function masked(value: unknown, mask: Mask): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, mask));
  if (value == null || value instanceof Error) return value;
  // The masks are for text only; every other value is hidden completely.
  return typeof value === 'string' ? MASKS[mask](value) : HIDDEN;
}

function first(text: string): string {
  return charactersOf(text)[0] ?? '';
}

const segmenter = new Intl.Segmenter();

/** The user-perceived characters (graphemes): a letter with its accents is one. */
function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
