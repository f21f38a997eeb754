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
  ])('%j is %s', (text, expected) => {
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
  ])('%j is none', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test('of seven digits is refused, since nothing tells which digit was lost', () => {
    expect(valueOf('1234567')).toBeNull();
  });

  test('is one however its digits are set apart', () => {
    const digits = fc.integer({ min: 20_000_000, max: 29_999_998 }).filter((one) => one !== 22_222_222);
    fc.assert(
      fc.property(digits, fc.constantFrom(' ', '.', '\u00a0'), fc.nat(7), (number, blank, at) => {
        const text = String(number);
        expect(valueOf(text.slice(0, at) + blank + text.slice(at))).toBe(text);
      }),
    );
  });

  test('is the only one of its company', () => {
    expect(kvkNumber.perCustomer).toBe('one');
  });
});
