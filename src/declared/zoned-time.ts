const LOCAL = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?$/;

/**
 * Converts a local time of a zone, such as `2026-03-29T12:00:00`, to a moment in UTC. A time that occurs twice is the first
 * one; a time that the change to summer time skips moves forward. Undefined if the zone is not known; the result is
 * undefined if the text is not a local time.
 */
export function zonedTime(zone: string): ((text: string) => string | undefined) | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      ...{
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      },
    });
  } catch {
    return undefined;
  }
  const offsetAt = (moment: number): number => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const local = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return local - Math.floor(moment / 1000) * 1000;
  };
  return (text) => {
    const found = LOCAL.exec(text);
    if (found === null) return undefined;
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
      .slice(1, 7)
      .map((digits: string | undefined) => Number(digits ?? 0));
    const local = Date.UTC(
      year,
      month - 1,
      day,
      hour,
      minute,
      second,
      Number((found[7] ?? '0').padEnd(3, '0')),
    );
    if (
      !new Date(local).toISOString().startsWith(text.slice(0, 10)) ||
      hour > 23 ||
      minute > 59 ||
      second > 59
    )
      return undefined;
    // The offset changes at most once within a day.
    const [before, after] = [offsetAt(local - DAY_MS), offsetAt(local + DAY_MS)];
    const [withBefore, withAfter] = [local - before, local - after];
    const isAfterChange = offsetAt(withBefore) !== before && offsetAt(withAfter) === after;
    return new Date(isAfterChange ? withAfter : withBefore).toISOString();
  };
}

const DAY_MS = 86_400_000;
