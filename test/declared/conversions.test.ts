import { describe, expect, it } from 'vitest';
import { scalarConversion } from '../../src/declared/conversions.js';
import type { Mapping } from '../../src/declared/grammar.js';

function convert(scalar: string, mapping: Mapping, value: unknown): unknown {
  const problems: string[] = [];
  const conversion = scalarConversion(scalar, mapping, 'at', {
    place: [],
    report: (_, problem) => problems.push(problem),
  });
  expect(problems).toEqual([]);
  return conversion(value);
}

describe('a DateTime', () => {
  it.each([
    ['2026-03-01T10:20:30.400Z', '2026-03-01T10:20:30.400Z'],
    ['2026-03-01T10:20:30Z', '2026-03-01T10:20:30.000Z'],
    ['2026-03-01 10:20:30.4+00', '2026-03-01T10:20:30.400Z'],
    ['2026-03-01T00:30:00.000+02:00', '2026-02-28T22:30:00.000Z'],
    ['2026-02-29T00:30:00.000+02:00', undefined],
    ['2028-02-29T10:20:30.400Z', '2028-02-29T10:20:30.400Z'],
    ['2026-02-30T10:20:30.400Z', undefined],
    ['2026-04-31T10:20:30Z', undefined],
    ['2026-13-01T10:20:30.400Z', undefined],
    ['2026-03-00T10:20:30.400Z', undefined],
    ['2026-03-01T25:20:30.400Z', undefined],
    ['2026-03-01T10:60:30.400Z', undefined],
    ['2026-03-01T10:20:30.400', undefined],
    ['2026-03-01', undefined],
    [1_772_360_430, undefined],
  ])('%j is %j', (value, expected) => {
    if (expected === undefined)
      expect(() => convert('DateTime', {}, value)).toThrow('at: a date and time with a zone');
    else expect(convert('DateTime', {}, value)).toBe(expected);
  });
});

describe('a Date', () => {
  it.each([
    ['2026-03-28', '2026-03-28'],
    ['2026-03-31', '2026-03-31'],
    ['2028-02-29', '2028-02-29'],
    ['2026-02-29', undefined],
    ['2026-04-31', undefined],
    ['2026-00-10', undefined],
    ['2026-13-10', undefined],
    ['2026-03-00', undefined],
    ['2026-03-1', undefined],
    ['2026-03-10T10:20:30Z', undefined],
    [20_260_310, undefined],
  ])('%j is %j', (value, expected) => {
    if (expected === undefined) expect(() => convert('Date', {}, value)).toThrow('at: a date');
    else expect(convert('Date', {}, value)).toBe(expected);
  });
});

describe('the day of a date and time', () => {
  it.each([
    ['2026-11-01T12:00:00Z', '2026-11-01'],
    ['2026-11-01T00:00:00+01:00', '2026-11-01'],
    // Databases write a blank between date and time, and UTC as +00.
    ['2026-11-01 00:00:00', '2026-11-01'],
    ['2026-11-01 23:59:59.5+00', '2026-11-01'],
    ['2026-11-01', undefined],
    ['2026-11-31 00:00:00', undefined],
    ['2026-11-01x00:00:00', undefined],
    ['01-11-2026 00:00:00', undefined],
  ])('of %j is %j', (value, expected) => {
    if (expected === undefined)
      expect(() => convert('Date', { date: 'dateTime' }, value)).toThrow('at: a date');
    else expect(convert('Date', { date: 'dateTime' }, value)).toBe(expected);
  });
});
