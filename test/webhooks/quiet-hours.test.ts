import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readQuietHours } from '../../src/webhooks/quiet-hours.js';

const HOUR = 3_600_000;
const ZONES = [
  'Europe/Amsterdam',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/St_Johns',
  'Africa/Casablanca',
  'UTC',
];

const at = (text: string): number => Date.parse(text);
const after = (hours: string, time: string): string =>
  new Date(readQuietHours(hours).after(at(time))).toISOString();

const twoDigits = (count: number): string => String(count).padStart(2, '0');
const timeOfDay = (minutes: number): string =>
  `${twoDigits(Math.floor(minutes / 60) % 24)}:${twoDigits(minutes % 60)}`;

/** The minute of the day in the local time of a zone. */
function wallMinute(zone: string, ms: number): number {
  const [hour = 0, minute = 0] = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
    .format(ms)
    .split(':')
    .map(Number);
  return hour * 60 + minute;
}

describe('quiet hours', () => {
  const night = '21:00-08:00 Europe/Amsterdam';
  const cases: [string, string, string, string][] = [
    ['do not delay messages during the day', night, '2026-06-01T10:15:30.000Z', '2026-06-01T10:15:30.000Z'],
    [
      'delay messages of the evening until the morning',
      night,
      '2026-06-01T20:30:10.000Z',
      '2026-06-02T06:00:00.000Z',
    ],
    [
      'delay messages after midnight until the same morning',
      night,
      '2026-06-02T00:30:00.000Z',
      '2026-06-02T06:00:00.000Z',
    ],
    ['begin at their first minute', night, '2026-06-01T19:00:00.000Z', '2026-06-02T06:00:00.000Z'],
    ['end at their last minute', night, '2026-06-02T06:00:00.000Z', '2026-06-02T06:00:00.000Z'],
    [
      'end at the same time of day in a night that is an hour shorter',
      night,
      '2026-03-28T20:30:00.000Z',
      '2026-03-29T06:00:00.000Z',
    ],
    [
      'end at the same time of day in a night that is an hour longer',
      night,
      '2026-10-24T20:30:00.000Z',
      '2026-10-25T07:00:00.000Z',
    ],
    [
      'may begin and end on the same day',
      '12:00-13:30 Asia/Kathmandu',
      '2026-06-01T06:30:00.000Z',
      '2026-06-01T07:45:00.000Z',
    ],
    [
      'on the same day end at their last minute',
      '12:00-13:30 UTC',
      '2026-06-01T13:30:20.000Z',
      '2026-06-01T13:30:20.000Z',
    ],
    [
      'are empty if they end when they begin',
      '08:00-08:00 UTC',
      '2026-06-01T08:00:00.000Z',
      '2026-06-01T08:00:00.000Z',
    ],
  ];
  test.each(cases)('%s', (_, hours, time, expected) => {
    expect(after(hours, time)).toBe(expected);
  });

  test('delay messages exactly until the end of the quiet hours, in any time zone', () => {
    const input = fc.record({
      zone: fc.constantFrom(...ZONES),
      from: fc.nat(24 * 60 - 1),
      // If quiet hours are longer, the clock change may skip the only remaining hour.
      length: fc.integer({ min: 1, max: 22 * 60 }),
      // In each of these years, every zone changes its clock twice.
      now: fc.oneof(
        fc.integer({ min: at('2024-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') }),
        fc
          .tuple(
            fc.constantFrom(
              '2026-03-08',
              '2026-03-29',
              '2026-04-05',
              '2026-09-27',
              '2026-10-04',
              '2026-10-25',
              '2026-11-01',
            ),
            fc.integer({ min: -30 * HOUR, max: 30 * HOUR }),
          )
          .map(([day, offset]) => at(`${day}T00:00:00Z`) + offset),
      ),
    });
    fc.assert(
      fc.property(input, ({ zone, from, length, now }) => {
        const to = (from + length) % (24 * 60);
        const sentAt = readQuietHours(`${timeOfDay(from)}-${timeOfDay(to)} ${zone}`).after(now);
        const minutesIn = (wallMinute(zone, sentAt) - from + 24 * 60) % (24 * 60);
        expect(minutesIn).toBeGreaterThanOrEqual(length);
        expect(sentAt).toBeGreaterThanOrEqual(now);
        expect(sentAt - now).toBeLessThan(25 * HOUR);
        // A delayed time is a whole minute. Another time is unchanged.
        if (sentAt !== now) expect(sentAt % 60_000).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '',
    '21-08 UTC',
    '24:00-08:00 UTC',
    '21:60-08:00 UTC',
    '21:00-08:00',
    '21:00-08:00 Mars/Olympus',
    'x21:00-08:00 UTC',
    '21:00-08:00 UTC!',
  ])('are refused in the form "%s"', (text) => {
    expect(() => readQuietHours(text)).toThrow('two times of day and a time zone');
  });
});
