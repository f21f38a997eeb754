import { compilePath, Mismatch, type Read } from './path.js';
import type { Place, Report } from './problems.js';

/** Compiles a path, and reports a text that is not a path. */
export function readerOf(path: string, place: Place, report: Report): Read {
  const read = compilePath(path);
  if (read !== undefined) return read;
  report(
    place,
    `"${path}" is not a path.`,
    'Write the names of members with dots between them, such as owner.mail, or "." for the record itself.',
  );
  return () => undefined;
}

/** Reads a text from the record. Whole numbers become texts, since many systems have numeric ids. */
export function textReader(path: string, place: Place, report: Report): (record: unknown) => string | null {
  const read = readerOf(path, place, report);
  return (record) => toText(read(record), path);
}

/** The value as text, or null. Throws a Mismatch for any other value. */
export function toText(value: unknown, place: string): string | null {
  if (typeof value === 'string') return value;
  if (value == null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new Mismatch(place, 'a text or a whole number');
}
