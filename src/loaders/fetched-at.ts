import { fieldWeakMap } from '../v8/field-weak-map.js';

/** When each record was fetched from its source, in milliseconds since 1970. Entries live as long as the records. */
const moments = fieldWeakMap<object, number>();

/** Records the time of an answer, in milliseconds since 1970, for the answer itself and for each record in it. */
export function noteFetchedAt(answer: unknown, moment: number): void {
  for (const record of Array.isArray(answer) ? (answer as unknown[]) : [answer])
    if (typeof record === 'object' && record !== null) moments.set(record, moment);
}

/** The time as ISO 8601. Throws if no loader returned this object. */
export function fetchedAt(record: object): string {
  const moment = moments.get(record);
  if (moment === undefined) throw new Error('The record has no time of fetching: no loader returned it.');
  return new Date(moment).toISOString();
}
