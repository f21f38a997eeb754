import { fieldWeakMap } from '../v8/field-weak-map.js';

/** When the objects that sources gave were asked for, in milliseconds since 1970; for as long as the objects live. */
const moments = fieldWeakMap<object, number>();

/** Notes it for an answer, and for the records in it. */
export function noteFetchedAt(answer: unknown, ageMs: number): void {
  const moment = Date.now() - ageMs;
  for (const one of Array.isArray(answer) ? (answer as unknown[]) : [answer])
    if (typeof one === 'object' && one !== null) moments.set(one, moment);
}

/** ISO 8601. Throws for what no source gave. */
export function fetchedAt(record: object): string {
  const moment = moments.get(record);
  if (moment === undefined) throw new Error('Nobody gave this record.');
  return new Date(moment).toISOString();
}
