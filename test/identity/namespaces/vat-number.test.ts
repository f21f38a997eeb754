import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { vatNumber } from '../../../src/identity/namespaces/vat-number.js';
import { VAT_RULES } from '../../../src/identity/namespaces/vat-rules.js';

const valueOf = (text: string): string | null => normalise(vatNumber, text)?.value ?? null;

/**
 * Examples that tax offices and the European Commission publish, and numbers that organisations print on their letters.
 */
const VALID = [
  'ATU13585627',
  'ATU54300000',
  'BE0202239951',
  'BE0428759497',
  'BG103873594',
  'CY10246672X',
  'CZ25123891',
  'DE136695976',
  'DE811363057',
  'DK13585628',
  'DK36149213',
  'EE100931558',
  'EL094501040',
  'EL998722134',
  'ESA28184661',
  'ESQ2818015F',
  'ES12345678Z',
  'ESX1234567L',
  'ESY1234567X',
  'ESL1111111G',
  'FI09853608',
  'FI09826511',
  'FR83404833048',
  'FRK7399859412',
  'FR4Z123456782',
  'HR33392005961',
  'HU10672101',
  'IE6388047V',
  'IE6433435OA',
  'IE8Z49289F',
  'IT00743110157',
  'IT01404480202',
  'LT119511515',
  'LT100001354118',
  'LU15027442',
  'LU10059929',
  'LV40003521600',
  'MT10396417',
  'NL010000446B01',
  'NL820605876B01',
  'NL000099998B57',
  'NL123456789B13',
  'PL8567346215',
  'PL5211355116',
  'PT501964843',
  'PT502971142',
  'RO11358544',
  'RO573768',
  'SE556188840401',
  'SE202100500001',
  'SI50223054',
  'SK2022193459',
  'XI110305878',
  'XI980780684',
  'XIGD001',
  'XIHA500',
];

describe('a VAT number', () => {
  test.each(VALID)('%s is a valid number', (text) => {
    expect(valueOf(text)).toBe(text);
  });

  test('is supported for every country of the EU', () => {
    expect(new Set(VALID.map((text) => text.slice(0, 2)))).toEqual(new Set(VAT_RULES.keys()));
    expect(VAT_RULES.size).toBe(27 + 1);
  });

  test.each([
    ['nl 8206.05.876.b.01', 'NL820605876B01'],
    ['NL-820605876-B01', 'NL820605876B01'],
    ['BE 0428.759.497', 'BE0428759497'],
    ['BE 428.759.497', 'BE0428759497'],
    ['DE 136 695 976', 'DE136695976'],
    ['GR 094501040', 'EL094501040'],
    ['fr\u00a083 404 833 048', 'FR83404833048'],
    ['FI 0982651–1', 'FI09826511'],
    ['NL 8206.05.876.B01', 'NL820605876B01'],
    ['ES A-28184661', 'ESA28184661'],
  ])('%s is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    'ATU13585628',
    'BE0428759498',
    'CY10246672F',
    'DE136695967',
    'DK13585682',
    'EE100931559',
    'EL094501041',
    'ESA28184662',
    'ESX1234567T',
    'FI09853609',
    'FR84404833048',
    'FRL7399859412',
    'HR33392005962',
    'HU10672102',
    'IE6388047W',
    'IE6433435OB',
    'IE8Z49279F',
    'IT00743110158',
    'LT119511516',
    'LT100001354119',
    'LU15027443',
    'MT10396418',
    'NL820605867B01',
    'NL000099998B58',
    'PL8567346216',
    'PT501964844',
    'RO11358545',
    'SE556188841401',
    'SI50223055',
    'SK2022193460',
    'XI980780685',
  ])('%s has a wrong check digit', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test.each([
    '820605876B01',
    'NL820605876',
    'NL820605876B00',
    'NL820605876B1',
    'NL82060587601',
    'GB980780684',
    'QQ123456789',
    'DE036695976',
    'IE6388047V1',
    'PL 521/135/51/16',
    'ESÑ2818466A',
    'BG103873594.0',
    'CZ2512389.10',
    'BG10387359 4',
    'N L820605876B01',
    'NL  820605876B01',
    'NL\t820605876B01',
    'NL820605876B01.',
    'ﬁ09853608',
    'ıT00743110157',
    'LU１5027442',
  ])('%s is not a valid number', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test.each(['LU00000000', 'NL000000000B01', 'FI00000000', 'PL0000000000', 'EL000000000', 'IT00000000000'])(
    '%s has correct check digits, but is a placeholder',
    (text) => {
      expect(valueOf(text)).toBeNull();
    },
  );

  test('is the same in upper and lower case, and with blanks, dots and dashes between its parts', () => {
    const parts = fc.array(fc.integer({ min: 2, max: 5 }), { minLength: 1, maxLength: 5 });
    const separators = fc.constantFrom(' ', '-', '\u00a0');
    fc.assert(
      fc.property(
        fc.constantFrom(...VALID),
        parts,
        separators,
        fc.boolean(),
        (number, lengths, separator, lower) => {
          const left = Array.from(number.slice(2));
          const groups = lengths.map((length) => (left.length - length < 2 ? [] : left.splice(0, length)));
          const text = [number.slice(0, 2), ...[...groups, left].map((group) => group.join(''))]
            .filter((group) => group !== '')
            .join(separator);
          expect(valueOf(lower ? text.toLowerCase() : text), text).toBe(number);
        },
      ),
    );
  });

  test('with one wrong digit is refused for Dutch companies, except for one in 97', () => {
    const digits = Array.from('820605876');
    const mistyped = digits.flatMap((digit, at) =>
      Array.from('0123456789')
        .filter((other) => other !== digit)
        .map((other) => `NL${digits.with(at, other).join('')}B01`),
    );
    expect(mistyped.filter((text) => valueOf(text) !== null).length).toBeLessThan(3);
  });

  test('is unique for a company', () => {
    expect(vatNumber.perCustomer).toBe('one');
  });
});
