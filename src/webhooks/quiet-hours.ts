import { InvalidInputError } from '../errors.js';

/** Times of day at which deliveries are postponed. */
export interface QuietHours {
  /** Returns the given time, or the end of the quiet hours that contain it. In milliseconds since 1970. */
  after(nowMs: number): number;
}

const FORM = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) ([\w+/-]{1,40})$/;
const MINUTES_OF_DAY = 24 * 60;

/** Reads `21:00-08:00 Europe/Amsterdam`. */
export function readQuietHours(text: string): QuietHours {
  const [, fromHour, fromMinute, toHour, toMinute, timeZone] = FORM.exec(text) ?? [];
  let clock: Intl.DateTimeFormat | undefined;
  try {
    if (timeZone !== undefined)
      clock = new Intl.DateTimeFormat('en-GB', {
        timeZone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
  } catch {
    // The time zone is unknown.
  }
  if (clock === undefined)
    throw new InvalidInputError(
      'Quiet hours must be two times of day and a time zone, such as "21:00-08:00 Europe/Amsterdam".',
    );
  const minutes = (hour = '', minute = '') => Number(hour) * 60 + Number(minute);
  const from = minutes(fromHour, fromMinute);
  const to = minutes(toHour, toMinute);
  const minuteOf = (ms: number): number => {
    const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
    return minutes(parts.get('hour'), parts.get('minute'));
  };
  const until = (minute: number, since: number) => (minute - since + MINUTES_OF_DAY) % MINUTES_OF_DAY;
  const isQuiet = (minute: number) =>
    from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  return {
    after: (nowMs) => {
      let at = nowMs;
      // If daylight saving time ends in between, the first guess is an hour early.
      for (let tries = 0; tries < 3 && isQuiet(minuteOf(at)); tries += 1) {
        const guess = at - (at % 60_000) + until(to, minuteOf(at)) * 60_000;
        // If it begins in between, the guess is an hour late.
        const sooner = guess - until(minuteOf(guess), to) * 60_000;
        at = sooner > at && minuteOf(sooner) === to ? sooner : guess;
      }
      return at;
    },
  };
}
