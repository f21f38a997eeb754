import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toMoment } from '../../src/customer/merged-list.js';

describe('a moment', () => {
  it.each([
    ['2026-11-01T12:00:00Z', '2026-11-01T12:00:00.000000Z'],
    ['2026-11-01T12:00:00.5Z', '2026-11-01T12:00:00.500000Z'],
    ['2026-11-01T12:00:00.123456Z', '2026-11-01T12:00:00.123456Z'],
    ['2026-11-01T12:00:00.123456789Z', '2026-11-01T12:00:00.123456Z'],
    ['2026-11-01t12:00:00z', '2026-11-01T12:00:00.000000Z'],
    ['2026-11-01T00:30:00+01:00', '2026-10-31T23:30:00.000000Z'],
    ['2028-02-29T12:00:00Z', '2028-02-29T12:00:00.000000Z'],
    ['2026-12-31T23:59:59Z', '2026-12-31T23:59:59.000000Z'],
  ])('%s is written as %s', (text, moment) => {
    expect(toMoment(text)).toBe(moment);
  });

  it.each([
    '2026-02-29T12:00:00Z',
    '2026-04-31T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-00-01T12:00:00Z',
    '2026-11-00T12:00:00Z',
    '2026-11-01T24:00:00Z',
    '2026-11-01T12:60:00Z',
    '2026-11-01T12:00:60Z',
    '0000-11-01T12:00:00Z',
    '9999-12-31T23:59:59-01:00',
    '2026-11-01T12:00:00',
    '2026-11-01T12:00:00.Z',
    '2026-11-01 12:00:00Z',
    '2026-11-01',
    'yesterday',
    '',
  ])('%s does not exist', (text) => {
    expect(toMoment(text)).toBeNull();
  });

  it('exists if JavaScript reads the same parts from it', () => {
    const two = fc.integer({ min: 0, max: 99 }).map((number) => String(number).padStart(2, '0'));
    const year = fc.integer({ min: 0, max: 9999 }).map((number) => String(number).padStart(4, '0'));
    const usual = fc.tuple(
      fc.constantFrom('2026', '2028', '2100'),
      fc.constantFrom('01', '02', '04', '12'),
      fc.constantFrom('01', '28', '29', '30', '31'),
      fc.constantFrom('00', '23'),
      fc.constantFrom('00', '59'),
      fc.constantFrom('00', '59'),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.tuple(year, two, two, two, two, two), usual),
        ([years, months, days, hours, minutes, seconds]) => {
          const text = `${years}-${months}-${days}T${hours}:${minutes}:${seconds}`;
          const date = new Date(`${text}Z`);
          const exists =
            years !== '0000' && !Number.isNaN(date.valueOf()) && date.toISOString() === `${text}.000Z`;
          expect(toMoment(`${text}Z`)).toBe(exists ? `${text}.000000Z` : null);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
