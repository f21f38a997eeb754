import { InvalidInputError } from '../errors.js';

/** More items than this are not given at once; a longer list is read page by page. */
export const MAX_PAGE_SIZE = 100;

/** The `first` of a field, when it is one that can be asked for. */
export function pageSize(first: number): number {
  if (Number.isInteger(first) && first >= 1 && first <= MAX_PAGE_SIZE) return first;
  throw new InvalidInputError(`"first" must be from 1 to ${MAX_PAGE_SIZE}, not ${first}.`);
}

/** A cursor: opaque to the client, it holds the place in the list by what the list is ordered by. */
export function encodeCursor(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place in a cursor that `encodeCursor` made, with as many parts as the list is ordered by. */
export function decodeCursor(cursor: string, parts: number): string[] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(place) && place.length === parts && place.every((part) => typeof part === 'string'))
      return place;
  } catch {
    // Told below, with the same words as any other cursor that is not ours.
  }
  throw new InvalidInputError('"after" must be the endCursor of an earlier page.');
}
