import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { buildSchema, isEnumType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../../src/webhooks/event.js';
import { durationMs, typeNamed } from '../../src/webhooks/interest.js';

const DAY = 24 * 3_600_000;

describe('a duration', () => {
  test('is as long as its days, hours, minutes and seconds together', () => {
    const part = (max: number) => fc.option(fc.nat(max), { nil: undefined });
    const input = fc
      .tuple(part(9), part(99), part(999), part(9_999))
      .filter((parts) => parts.some((one) => one !== undefined));
    fc.assert(
      fc.property(input, ([days, hours, minutes, seconds]) => {
        const written = (count: number | undefined, unit: string) =>
          count === undefined ? '' : `${count}${unit}`;
        const time = written(hours, 'H') + written(minutes, 'M') + written(seconds, 'S');
        const ms =
          (days ?? 0) * DAY + (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1_000;
        expect(durationMs(`P${written(days, 'D')}${time === '' ? '' : `T${time}`}`)).toBe(ms);
      }),
    );
  });

  test('is thirty days at most', () => {
    expect(durationMs('P30D')).toBe(30 * DAY);
    expect(() => durationMs('P30DT1S')).toThrow('30 days at most');
  });

  test.each([
    '',
    'P',
    'PT',
    'P1DT',
    'P1M',
    'P1Y',
    'P1W',
    'PT1.5H',
    'PT-1H',
    '-PT1H',
    'PT1M1H',
    '1H',
    'pt1h',
    'PT1H ',
  ])('is refused when it is written as "%s"', (text) => {
    expect(() => durationMs(text)).toThrow('ISO 8601');
  });
});

describe('what can happen', () => {
  test('has the same list in the schema as systems tell', () => {
    const sdl = readFileSync(new URL('../../schema/events.graphql', import.meta.url), 'utf8');
    const listed = buildSchema(/enum EventType \{[^}]*\}/.exec(sdl)?.[0] ?? '').getType('EventType');
    const names = isEnumType(listed) ? listed.getValues().map(({ name }) => name) : [];
    expect(EVENT_TYPES.map(typeNamed).sort()).toEqual([...names].sort());
  });
});
