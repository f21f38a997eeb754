import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { kvkNumber } from '../../../src/identity/namespaces/kvk-number.js';

const valueOf = (text: string): string | null => normalise(kvkNumber, text)?.value ?? null;

describe('a KvK number', () => {
  test.each([
    ['68750110', '68750110'],
    ['01234567', '01234567'],
    ['00001234', '00001234'],
    [' 6875 0110 ', '68750110'],
    ['68.75.01.10', '68750110'],
    ['6875\u00a00110\r\n', '68750110'],
    ['68.750.110', '68750110'],
    ['68 750 110', '68750110'],
  ])('%j is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    '00000000',
    '11111111',
    '99999999',
    '12345678',
    '687501100',
    '687501100001',
    '6875011O',
    '-8750110',
    '６８７５０１１０',
    'KvK 68750110',
    '7322969.0',
    '732296.90',
    '6875.0110',
    '6.8.7.5.0.1.1.0',
    '68.75 01.10',
    '6875  0110',
    '6875\t0110',
    '6875-0110',
    '.68750110',
    '68750110.',
    '68750110.0',
    '6875011 0',
  ])('%j is not a valid number', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test('of seven digits is refused, because the missing digit is unknown', () => {
    expect(valueOf('1234567')).toBeNull();
  });

  test('is valid with its digits in groups, and invalid in any other notation', () => {
    const digits = fc.integer({ min: 20_000_000, max: 29_999_998 }).filter((number) => number !== 22_222_222);
    const separators = fc.constantFrom(' ', '.', '\u00a0');
    const lengths = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(digits, separators, lengths, (number, separator, groups) => {
        const left = Array.from(String(number));
        const text = [...groups.map((length) => left.splice(0, length)), left]
          .map((group) => group.join(''))
          .filter((group) => group !== '')
          .join(separator);
        const written = text.split(separator).map(({ length }) => length);
        const isGrouped = ['8', '2,2,2,2', '2,3,3', ...(separator === '.' ? [] : ['4,4'])].includes(
          String(written),
        );
        expect(valueOf(text)).toBe(isGrouped ? String(number) : null);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is unique for a company', () => {
    expect(kvkNumber.perCustomer).toBe('one');
  });
});
