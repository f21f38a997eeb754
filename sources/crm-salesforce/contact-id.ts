const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/**
 * A contact's id in its long form: fifteen case-sensitive characters, and three that encode the positions of
 * capitals. Systems send ids in both forms. Null for a value that is not a contact's id, which begins with
 * 003.
 */
export function normaliseContactId(value: string): string | null {
  if (!/^003[A-Za-z0-9]{12}(?:[A-Z0-5]{3})?$/.test(value)) return null;
  const short = value.slice(0, 15);
  const long = short + suffixOf(short);
  return value.length === 15 || value === long ? long : null;
}

/** One character for each five characters. The first one is the lowest bit. */
function suffixOf(short: string): string {
  return [0, 5, 10]
    .map((start) => {
      const capitals = Array.from(short.slice(start, start + 5), (letter) => /[A-Z]/.test(letter));
      return LETTERS[capitals.reduce((sum, isCapital, bit) => sum + (isCapital ? 2 ** bit : 0), 0)] ?? '';
    })
    .join('');
}
