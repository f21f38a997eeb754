import type { Mask } from '../customer/schema.generated.js';

const HIDDEN = '***';

/** A shorter text has so little beside its last four characters that they are as good as the whole. */
const LAST_FOUR_FROM = 8;

/** What is shown of a text. */
const MASKS: Readonly<Record<Mask, (text: string) => string>> = {
  EMAIL: (text) => {
    const at = text.lastIndexOf('@');
    return at < 1 ? HIDDEN : `${first(text)}${HIDDEN}${text.slice(at)}`;
  },
  LAST_FOUR: (text) => {
    const characters = charactersOf(text);
    return characters.length < LAST_FOUR_FROM ? HIDDEN : `${HIDDEN}${characters.slice(-4).join('')}`;
  },
  INITIAL: (text) => `${first(text)}${HIDDEN}`,
  YEAR: (text) => /^\d{4}(?=-)/.exec(text)?.[0] ?? HIDDEN,
  ALL: () => HIDDEN,
};

/** A value, or each of a list, as a caller sees it that may see masked values only. What is not there stays not there. */
export function masked(value: unknown, mask: Mask): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => masked(one, mask));
  if (value == null || value instanceof Error) return value;
  // Anything else than text would be shown by how it is written.
  return typeof value === 'string' ? MASKS[mask](value) : HIDDEN;
}

function first(text: string): string {
  return charactersOf(text)[0] ?? '';
}

const segmenter = new Intl.Segmenter();

/** As people count them: a letter with its accents is one. */
function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
