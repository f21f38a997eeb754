/** Moves dates and times, in the formats that systems send, by a number of days. */

const DAY_MS = 86_400_000;
const YEAR_FIRST = /^(\d{4})([-/.]?)(\d\d)\2(\d\d)(?=$|[T ])/i;
const YEAR_LAST = /^(\d\d?)([-/.])(\d\d?)\2(\d{4})(?=$|[T ,])/;
/** OData 2: `/Date(1767225600000+0060)/`. */
const SINCE_1970 = /^\/Date\((-?\d+)([+-]\d{4})?\)\/$/;

/**
 * Whether a text is a date or begins with one. Eight digits alone do not count, because they may be another
 * number.
 */
export function isDate(text: string): boolean {
  return moveDate(text, 0) === text && !/^\d+$/.test(text);
}

/** The text with its date moved by a number of days. Undefined if it is not a date. */
export function moveDate(text: string, days: number): string | undefined {
  const [, milliseconds, zone = ''] = SINCE_1970.exec(text) ?? [];
  if (milliseconds !== undefined) return `/Date(${Number(milliseconds) + days * DAY_MS}${zone})/`;
  const first = YEAR_FIRST.exec(text);
  if (first !== null) {
    const [all, year = '', separator = '', month = '', day = ''] = first;
    const moved = movedDay(Number(year), Number(month), Number(day), days);
    return moved === undefined ? undefined : `${moved.join(separator)}${text.slice(all.length)}`;
  }
  const last = YEAR_LAST.exec(text);
  if (last === null) return undefined;
  const [all, left = '', separator = '', right = '', year = ''] = last;
  // A number above 12 is the day; otherwise the first one is.
  const isMonthFirst = Number(right) > 12;
  const [day, month] = isMonthFirst ? [right, left] : [left, right];
  const moved = movedDay(Number(year), Number(month), Number(day), days);
  if (moved === undefined) return undefined;
  const [movedYear, movedMonth, movedDayOfMonth] = moved;
  const parts = isMonthFirst ? [movedMonth, movedDayOfMonth] : [movedDayOfMonth, movedMonth];
  const padded = left.length === 1 || right.length === 1 ? parts.map((part) => String(Number(part))) : parts;
  return `${padded.join(separator)}${separator}${movedYear}${text.slice(all.length)}`;
}

/** The year, month and day with leading zeros. Undefined if there is no such day. */
function movedDay(
  year: number,
  month: number,
  day: number,
  days: number,
): [string, string, string] | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  if (year < 1000 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const [movedYear = '', movedMonth = '', movedDay = ''] = new Date(date.valueOf() + days * DAY_MS)
    .toISOString()
    .slice(0, 10)
    .split('-');
  return [movedYear, movedMonth, movedDay];
}

/** A number of seconds or milliseconds since 1970, moved by a number of days. */
export function moveMoment(moment: number, unit: 'seconds' | 'milliseconds', days: number): number {
  return moment + (days * DAY_MS) / (unit === 'seconds' ? 1_000 : 1);
}
