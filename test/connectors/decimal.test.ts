import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalText, parseExactJson, plainDecimal } from '../../src/connectors/decimal.js';

/** The plain digits, without zeros at the end. Minus zero is zero. */
function canonical(text: string): string | undefined {
  return plainDecimal(text)
    ?.replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')
    .replace(/^-0$/, '0');
}

describe('a decimal number', () => {
  it.each<[string, string | null]>([
    ['0', '0'],
    ['-0.50', '-0.50'],
    ['+7', '7'],
    ['007.10', '7.10'],
    ['000', '0'],
    ['1e3', '1000'],
    ['1.25e1', '12.5'],
    ['1.25E+2', '125'],
    ['1.2e3', '1200'],
    ['125e-2', '1.25'],
    ['5e-3', '0.005'],
    ['-1.5e-1', '-0.15'],
    ['1e40', `1${'0'.repeat(40)}`],
    ['1e-40', `0.${'0'.repeat(39)}1`],
    ['1e41', null],
    ['1e-41', null],
    ['1e1000', null],
    ['.5', null],
    ['5.', null],
    ['1,5', null],
    [' 1', null],
    ['', null],
    ['NaN', null],
  ])('%j is %j', (text, expected) => {
    expect(plainDecimal(text)).toBe(expected);
    expect(decimalText.safeParse(text).success).toBe(expected !== null);
  });

  it.each<[string, unknown]>([
    ['1.5', 1.5],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', '9007199254740993'],
    ['0.12345678901234567890', '0.12345678901234567890'],
    ['[1,{"a":1e400}]', [1, { a: '1e400' }]],
    ['[-9007199254740993]', ['-9007199254740993']],
    ['{"a":\n 12345678901234.567}', { a: '12345678901234.567' }],
    ['[2E-400,3e2]', ['2E-400', 300]],
    ['["1234567890123456 1e400, 1e400"]', ['1234567890123456 1e400, 1e400']],
  ])('in the JSON %s is %j', (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });

  it('is exact in JSON: the text of a number is returned if JavaScript would print other digits', () => {
    const digits = fc.stringMatching(/^\d{0,20}$/);
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.stringMatching(/^(0|[1-9]\d{0,20})$/),
        digits,
        fc.constantFrom('', '', 'e3', 'E-7', 'e+30'),
      )
      .map(([sign, whole, fraction, exponent]) =>
        fraction === '' ? `${sign}${whole}${exponent}` : `${sign}${whole}.${fraction}${exponent}`,
      );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), fc.constantFrom('', ' ', '\n'), (numbers, blank) => {
        const parsed = parseExactJson(`[${blank}${numbers.join(`,${blank}`)}]`) as (string | number)[];
        for (const [i, value] of parsed.entries())
          expect(canonical(String(value))).toBe(canonical(numbers[i] ?? ''));
      }),
    );
  });
});
