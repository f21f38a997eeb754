import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mask, normalise } from '../../../src/identity/identifiers.js';
import { phone } from '../../../src/identity/namespaces/phone.js';

const valueOf = (text: string): string | null => normalise(phone('NL'), text)?.value ?? null;

describe('a phone number', () => {
  test.each([
    ['06-12345678', '+31612345678'],
    ['06 12 34 56 78', '+31612345678'],
    ['06.12.34.56.78', '+31612345678'],
    ['06/12345678', '+31612345678'],
    ['06–12345678', '+31612345678'],
    ['0031612345678', '+31612345678'],
    ['31612345678', '+31612345678'],
    ['+31 6 1234 5678', '+31612345678'],
    ['+31 (0)6 12345678', '+31612345678'],
    ['0031 (0)6 12345678', '+31612345678'],
    ['\u202a+31 6 12345678\u202c', '+31612345678'],
    ['０６１２３４５６７８', '+31612345678'],
    ['(030) 231 10 10', '+31302311010'],
    ['+32 470 12 34 56', '+32470123456'],
    ['+1 202-555-0123', '+12025550123'],
    ['+3106 12345678', '+31612345678'],
    ['030 - 231 10 10', '+31302311010'],
    ['06 / 12345678', '+31612345678'],
    ['+٣١٦١٢٣٤٥٦٧٨', '+31612345678'],
    ['＋31612345678', '+31612345678'],
    ['+49 30 123456-0', '+49301234560'],
  ])('%s is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    '112',
    '06',
    '0612',
    '0000000000',
    'call me',
    'call me 0612345678',
    '+31',
    '+31 6 1234 5678 90',
    '061234567890123',
    '0612345678 0687654321',
    '06-12345678 of 06-87654321',
    'tel:0612345678;phone-context=+31',
    'tel:+31612345678',
    '0612345678.',
    '0612345678-',
    '0612345678~',
    '[06]12345678',
    '06..12345678',
    '06-.12345678',
    '+49 30 123456.0',
    '+49 30123456.00',
    '+4930123456.00',
    '06१२345678',
  ])('%j is not a valid number', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test.each(['030-2311010 ext. 12', '+31 30 231 10 10 x12', '+31302311010;ext=12'])(
    '%j is a number behind a switchboard, and is refused',
    (text) => {
      expect(valueOf(text)).toBeNull();
    },
  );

  test.each(['06-00000000', '06-11111111', '0123456789', '+31 6 99999999'])(
    '%j is a placeholder, typed to pass a form',
    (text) => {
      expect(valueOf(text)).toBeNull();
    },
  );

  test('is the same with its digits in any groups', () => {
    const digits = fc
      .integer({ min: 10_000_000, max: 59_999_999 })
      .map(String)
      .filter((number) => !/^.(.)\1{6}$/.test(number));
    const separators = fc.array(fc.constantFrom('', ' ', '-', '/'), { minLength: 8, maxLength: 8 });
    const prefixes = fc.constantFrom('06', '00316', '+316', '+31 6', '0031 6', '06-');
    fc.assert(
      fc.property(digits, separators, prefixes, (number, between, prefix) => {
        const written =
          prefix + Array.from(number, (digit, i) => digit + (i < 7 ? (between[i] ?? '') : '')).join('');
        expect(valueOf(written)).toBe(`+316${number}`);
      }),
    );
  });

  test.each([
    ['BR', '0 15 11 91234-5678', null],
    ['BR', '0 11 91234-5678', '+5511912345678'],
    ['AR', '011 15-2345-6789', null],
    ['HU', '06 20 123 4567', '+36201234567'],
    ['RU', '8 912 344-67-80', '+79123446780'],
    ['US', '011 31 6 12345678', '+31612345678'],
  ])(
    'written in %s as %s is %s: carrier codes and numbers that must be rewritten are refused',
    (region, text, value) => {
      expect(normalise(phone(region), text)?.value ?? null).toBe(value);
    },
  );

  test('without a country code belongs to the configured region', () => {
    const belgian = phone('BE');
    expect(normalise(belgian, '0470 12 34 56')?.value).toBe('+32470123456');
    expect(belgian.description).toContain('BE');
  });

  test('is masked except for its last four digits', () => {
    expect(mask(phone('NL'), '+31612345678')).toBe('***5678');
  });
});
