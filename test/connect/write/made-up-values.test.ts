import { describe, expect, it } from 'vitest';
import { MadeUpValues } from '../../../src/connect/write/made-up-values.js';
import { phone } from '../../../src/identity/namespaces/phone.js';
import { vatNumber } from '../../../src/identity/namespaces/vat-number.js';

function madeUp(texts: readonly string[], seed = 5): { values: MadeUpValues; replaced: string[] } {
  const values = new MadeUpValues(seed);
  for (const text of texts) values.collect(text, 'text');
  values.assign();
  return { values, replaced: texts.map((text) => values.replace(text)) };
}

const remainder = (iban: string): bigint => {
  const compact = iban.replaceAll(' ', '');
  const digits = (compact.slice(4) + compact.slice(0, 4)).replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return BigInt(digits) % 97n;
};
const hasLuhnDigit = (digits: string): boolean =>
  Array.from(digits)
    .reverse()
    .map((digit, i) => (i % 2 === 0 ? Number(digit) : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)]))
    .reduce<number>((sum, digit = 0) => sum + digit, 0) %
    10 ===
  0;
const isPhone = (text: string): boolean => phone('NL').normalise(text) !== null;

describe('replaced-up values', () => {
  it.each<[text: string, form: RegExp, isValid?: (replaced: string) => boolean]>([
    ['Anna.Visser@werk.nl', /^[A-Z][a-z]{3}\.[A-Z][a-z]{5}@example\.com$/],
    ['ANNA@WERK.NL', /^[A-Z]{4}@EXAMPLE\.COM$/],
    ['van den Berg', /^[a-z]{3} [a-z]{3} [A-Z][a-z]{3}$/],
    ['Zoë', /^[A-Z][a-z]{2}$/],
    ['1234 AB', /^[1-9]\d{3} [A-Z]{2}$/],
    ['00017', /^000[1-9]\d$/],
    ['06-48213377', /^06-[1-9]\d{7}$/, isPhone],
    ['+31 (0)20 760 1234', /^\+31 \(0\)20 \d{3} \d{4}$/, isPhone],
    // Ranges for fiction.
    ['+44 7911 123456', /^\+44 2079 460\d{3}$/, isPhone],
    ['+49 30 90182012', /^\+49 30 23125\d{3}$/, isPhone],
    ['+49 171 3920012', /^\+49 171 39200\d\d$/, isPhone],
    ['+44 20 7031 3000', /^\+44 20 7946 0\d{3}$/, isPhone],
    ['+1 (212) 684-1234', /^\+1 \(212\) 555-01\d\d$/, isPhone],
    ['+33 6 12 34 56 78', /^\+33 6 39 98 \d\d \d\d$/, isPhone],
    ['+61 412 345 678', /^\+61 491 570 \d{3}$/, isPhone],
    ['+46 70 123 45 67', /^\+46 70 174 0\d \d\d$/, isPhone],
    [
      'NL91 ABNA 0417 1643 00',
      /^NL\d\d [A-Z]{4} \d{4} \d{4} \d\d$/,
      (replaced) => remainder(replaced) === 1n,
    ],
    ['DE89370400440532013000', /^DE\d{20}$/, (replaced) => remainder(replaced) === 1n],
    ['NL004495445B01', /^NL\d{9}B\d\d$/, (replaced) => vatNumber.normalise(replaced) === replaced],
    ['BE 0428.759.497', /^BE \d{4}\.\d{3}\.\d{3}$/, (replaced) => vatNumber.normalise(replaced) !== null],
    ['4539578763621486', /^\d{16}$/, hasLuhnDigit],
    ['84.26.13.77', /^10\.\d+\.\d+\.\d+$/],
    ['https://www.visser.nl/a/17', /^https:\/\/[a-z]{6}\.example\.com\/[a-z]\/[1-9]\d$/],
    ['3f2b8c1e-9a4d-4e6f-8b2a-1c5d7e9f0a3b', /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/],
    ['1988-03-21', /^19(87|88)-\d\d-\d\d$/],
    ['21-03-1988 10:15', /^\d\d-\d\d-19(87|88) 10:15$/],
    ['3/21/1988', /^\d\d?\/\d\d?\/19(87|88)$/],
    ['1988-03-21T10:15:00+01:00', /^19(87|88)-\d\d-\d\dT10:15:00\+01:00$/],
    ['/Date(574300800000)/', /^\/Date\(5\d{11}\)\/$/],
  ])('have the format of %s', (text, form, isValid = () => true) => {
    const [replaced = ''] = madeUp([text]).replaced;
    expect(replaced).toMatch(form);
    expect(replaced).not.toBe(text);
    expect(isValid(replaced)).toBe(true);
  });

  it('are equal for all notations of a value', () => {
    const { replaced } = madeUp(['06-48213377', '+31648213377', '0031 6 48 21 33 77', 'a@b.nl', 'A@B.nl']);
    const digits = replaced.slice(0, 3).map((text) => text.replace(/\D/g, '').slice(-8));
    expect(new Set(digits).size).toBe(1);
    expect(replaced[3]?.toLowerCase()).toBe(replaced[4]?.toLowerCase());
  });

  it('move all dates by the same number of days, to days that no value has', () => {
    const dates = Array.from({ length: 400 }, (_, i) =>
      new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10),
    );
    const { replaced, values } = madeUp(dates);
    expect(replaced.filter((date) => dates.includes(date))).toEqual([]);
    for (const [i, date] of dates.entries())
      expect(Date.parse(replaced[i] ?? '') - Date.parse(date)).toBe(values.days * 86_400_000);
  });

  it('are as many as the values, even if the format allows few', () => {
    const ids = Array.from({ length: 9 }, (_, i) => String(i + 1));
    expect(new Set(madeUp(ids).replaced).size).toBe(9);
    const phones = Array.from({ length: 150 }, (_, i) => `+1212684${1000 + i}`);
    expect(new Set(madeUp(phones).replaced).size).toBe(150);
  });

  it('differ with the seed', () => {
    const texts = ['Anna Visser', 'anna@werk.nl', '17'];
    expect(madeUp(texts, 1).replaced).toEqual(madeUp(texts, 1).replaced);
    expect(madeUp(texts, 1).replaced).not.toEqual(madeUp(texts, 2).replaced);
  });
});
