import { isSafeNumber, parse } from 'lossless-json';
import { z } from 'zod';

/**
 * A text with a number that has an exponent or more than 15 digits. JavaScript represents every other number exactly enough to
 * print the same digits. A text value may match too.
 */
const MAY_ROUND = /(?:^|[\s:,[-])(?:\d[\d.]{15}|\d+(?:\.\d+)?[eE])/;

/**
 * Parses JSON. A number that JavaScript cannot represent exactly is returned as the original text. Throws as
 * JSON.parse does.
 */
export function parseExactJson(text: string): unknown {
  // About twice as fast.
  if (!MAY_ROUND.test(text)) return JSON.parse(text);
  return parse(text, undefined, (number) => (isSafeNumber(number) ? Number(number) : number));
}

/** Larger exponents do not occur in amounts, and would produce texts of any length. */
const MAX_EXPONENT = 40;

/**
 * A decimal number as plain digits, such as `-1234.50`: exact and without an exponent. For JSON read by
 * `parseExactJson`.
 */
export const decimalText: z.ZodType<string, string | number> = z
  .union([z.string(), z.number()])
  .transform((value) => plainDecimal(String(value)))
  .pipe(z.string());

/** Nearly all amounts have this form, and are returned unchanged. */
const PLAIN = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** The number as plain digits. Null if the text is not a decimal number or its exponent is too large. */
export function plainDecimal(text: string): string | null {
  if (PLAIN.test(text)) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text) ?? [];
  const shift = Number(exponent);
  if (whole === '' || Math.abs(shift) > MAX_EXPONENT) return null;
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift - fraction.length))}`;
  const point = Math.max(0, -shift) + whole.length + shift;
  const integer = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  const decimals = digits.slice(point);
  return `${sign === '-' ? '-' : ''}${integer}${decimals === '' ? '' : `.${decimals}`}`;
}
