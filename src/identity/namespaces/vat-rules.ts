/** The form of a country's VAT numbers, after the two letters of the country code. */
interface VatRule {
  pattern: RegExp;
  /**
   * Whether the check digits of a number that matches the pattern are correct. Absent if they depend on the kind of
   * taxpayer (BG, CZ, LV).
   */
  isValid?(number: string): boolean;
}

/** Rules by the prefix of the EU: EL for Greece, XI for Northern Ireland. */
export const VAT_RULES: ReadonlyMap<string, VatRule> = new Map<string, VatRule>([
  ['AT', { pattern: /^U\d{8}$/, isValid: (n) => (luhnSum(n.slice(1, 8)) + 4 + Number(n[8])) % 10 === 0 }],
  [
    'BE',
    { pattern: /^[01]\d{9}$/, isValid: (n) => 97 - (Number(n.slice(0, 8)) % 97) === Number(n.slice(8)) },
  ],
  ['BG', { pattern: /^\d{9,10}$/ }],
  ['CY', { pattern: /^\d{8}[A-Z]$/, isValid: isCypriot }],
  ['CZ', { pattern: /^\d{8,10}$/ }],
  ['DE', { pattern: /^[1-9]\d{8}$/, isValid: isMod11And10 }],
  ['DK', { pattern: /^[1-9]\d{7}$/, isValid: (n) => weighted(n, [2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0 }],
  ['EE', { pattern: /^\d{9}$/, isValid: (n) => weighted(n, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0 }],
  ['EL', { pattern: /^\d{9}$/, isValid: isGreek }],
  ['ES', { pattern: /^[A-Z\d]\d{7}[A-Z\d]$/, isValid: isSpanish }],
  ['FI', { pattern: /^\d{8}$/, isValid: (n) => weighted(n, [7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 0 }],
  ['FR', { pattern: /^[\dA-HJ-NP-Z]{2}\d{9}$/, isValid: isFrench }],
  ['HR', { pattern: /^\d{11}$/, isValid: isMod11And10 }],
  ['HU', { pattern: /^\d{8}$/, isValid: (n) => weighted(n, [9, 7, 3, 1, 9, 7, 3, 1]) % 10 === 0 }],
  ['IE', { pattern: /^\d[\dA-Z+*]\d{5}[A-W][A-I]?$/, isValid: isIrish }],
  ['IT', { pattern: /^\d{11}$/, isValid: (n) => luhnSum(n) % 10 === 0 }],
  ['LT', { pattern: /^(\d{9}|\d{12})$/, isValid: isLithuanian }],
  ['LU', { pattern: /^\d{8}$/, isValid: (n) => Number(n.slice(0, 6)) % 89 === Number(n.slice(6)) }],
  ['LV', { pattern: /^\d{11}$/ }],
  ['MT', { pattern: /^\d{8}$/, isValid: (n) => weighted(n, [3, 4, 6, 7, 8, 9, 10, 1]) % 37 === 0 }],
  ['NL', { pattern: /^\d{9}B\d{2}$/, isValid: isDutch }],
  ['PL', { pattern: /^\d{10}$/, isValid: (n) => weighted(n, [6, 5, 7, 2, 3, 4, 5, 6, 7, -1]) % 11 === 0 }],
  ['PT', { pattern: /^\d{9}$/, isValid: isPortuguese }],
  ['RO', { pattern: /^[1-9]\d{1,9}$/, isValid: isRomanian }],
  ['SE', { pattern: /^\d{10}(0[1-9]|[1-9]\d)$/, isValid: (n) => luhnSum(n.slice(0, 10)) % 10 === 0 }],
  ['SI', { pattern: /^[1-9]\d{7}$/, isValid: isSlovenian }],
  ['SK', { pattern: /^[1-9]\d{9}$/, isValid: (n) => Number(n) % 11 === 0 }],
  ['XI', { pattern: /^(\d{9}|\d{12}|GD[0-4]\d\d|HA[5-9]\d\d)$/, isValid: isNorthernIrish }],
]);

/** The sum of each digit times its weight. Digits beyond the weights do not count. */
function weighted(number: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * Number(number[i]), 0);
}

/** The Luhn sum: every second digit from the right is doubled, and all resulting digits are added. */
function luhnSum(number: string): number {
  return Array.from(number, Number)
    .reverse()
    .reduce((sum, digit, i) => sum + (i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit), 0);
}

/** ISO 7064 MOD 11,10. */
function isMod11And10(number: string): boolean {
  const product = Array.from(number.slice(0, -1), Number).reduce(
    (before, digit) => (2 * ((digit + before) % 10 || 10)) % 11,
    10,
  );
  return (11 - product) % 10 === Number(number.at(-1));
}

/**
 * Companies have the RSIN with its check digit. Sole traders have, since 2020, a number that does not reveal the BSN, with
 * ISO 7064 MOD 97-10 over the whole number. Before 2020 they had the BSN, with the same check as the RSIN.
 */
function isDutch(number: string): boolean {
  if (number.endsWith('00')) return false;
  const rsin = weighted(number, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
  // Letters count as A = 10, B = 11 and so on, so NL is 2321.
  return rsin || BigInt(`2321${number.replace('B', '11')}`) % 97n === 1n;
}

/** Checks the key before the SIREN: two digits or, in newer numbers, letters of an alphabet without I and O. */
function isFrench(number: string): boolean {
  const siren = number.slice(2);
  if (/^\d\d/.test(number)) return Number(`${siren}12`) % 97 === Number(number.slice(0, 2));
  const [first = 0, second = 0] = Array.from(number.slice(0, 2), (character) =>
    '0123456789ABCDEFGHJKLMNPQRSTUVWXYZ'.indexOf(character),
  );
  const key = first < 10 ? first * 24 + second - 10 : first * 34 + second - 100;
  return (Number(siren) + 1 + Math.floor(key / 11)) % 11 === key % 11;
}

/** Resident (DNI), foreigner (X, Y, Z), person without either (K, L, M), or organisation (a letter for its kind). */
function isSpanish(number: string): boolean {
  const last = number.slice(-1);
  if (/^[\dKLMXYZ]/.test(number)) {
    const digits = number
      .slice(0, -1)
      .replace(/^[KLMX]/, '0')
      .replace(/^Y/, '1')
      .replace(/^Z/, '2');
    return 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(digits) % 23] === last;
  }
  // Official sources disagree which kinds of organisation have a digit and which a letter, so both are accepted.
  const check = (10 - (luhnSum(`${number.slice(1, -1)}0`) % 10)) % 10;
  return /^[A-HJNP-SUVW]/.test(number) && (last === String(check) || last === 'JABCDEFGHI'[check]);
}

/** 1234567A, since 2013 also 1234567AB. In the old form 1X23456A, the X does not count. */
function isIrish(number: string): boolean {
  const digits = /^\d{7}/.test(number) ? number : `0${number.slice(2, 7)}${number.slice(0, 1)}`;
  const group = number[8] === undefined ? 0 : 9 * 'WABCDEFGHI'.indexOf(number[8]);
  return 'WABCDEFGHIJKLMNOPQRSTUV'[(weighted(digits, [8, 7, 6, 5, 4, 3, 2]) + group) % 23] === number[7];
}

function isGreek(number: string): boolean {
  return (weighted(number, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === Number(number[8]);
}

function isPortuguese(number: string): boolean {
  return ((11 - (weighted(number, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 === Number(number[8]);
}

function isRomanian(number: string): boolean {
  const padded = number.padStart(10, '0');
  return ((10 * weighted(padded, [7, 5, 3, 2, 1, 7, 5, 3, 2])) % 11) % 10 === Number(padded[9]);
}

function isSlovenian(number: string): boolean {
  const rest = weighted(number, [8, 7, 6, 5, 4, 3, 2]) % 11;
  return rest !== 0 && (11 - rest) % 10 === Number(number[7]);
}

/** Digits at odd positions are replaced by table values, so that swapped digits are detected. */
function isCypriot(number: string): boolean {
  const sum = Array.from(number.slice(0, 8), Number).reduce(
    (before, digit, i) => before + (i % 2 === 0 ? ([1, 0, 5, 7, 9, 13, 15, 17, 19, 21][digit] ?? 0) : digit),
    0,
  );
  return String.fromCharCode(65 + (sum % 26)) === number[8];
}

/** Weights 1 to 9, repeated. If the remainder is 10, the weights start at 3. */
function isLithuanian(number: string): boolean {
  const rest = (first: number): number =>
    weighted(
      number,
      Array.from(number.slice(0, -1), (_, i) => ((first - 1 + i) % 9) + 1),
    ) % 11;
  return (rest(1) < 10 ? rest(1) : rest(3) % 10) === Number(number.at(-1));
}

/** As in Great Britain: two check digits, computed in one of two ways. Government and health bodies have none. */
function isNorthernIrish(number: string): boolean {
  const rest = weighted(number, [8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97;
  return /^[GH]/.test(number) || rest === 0 || rest === 42;
}
