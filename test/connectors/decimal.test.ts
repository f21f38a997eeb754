import { describe, expect, it } from 'vitest';
import { decimalText, parseExactJson, plainDecimal } from '../../src/connectors/decimal.js';

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
  ])('in the JSON %s is %j', (text, expected) => {
    expect(parseExactJson(text)).toEqual(expected);
  });
});
