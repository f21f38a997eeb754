import type { DraftField } from './draft.js';

/** Chooses the scalar and the conversion of sampled texts and numbers. */

/** The scalar of a field and its conversion, in the syntax of a declaration. */
export type Decided = Pick<DraftField, 'type' | 'conversion'>;

const MOMENT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;
const DAY = /^\d{4}-\d\d-\d\d$/;
export const NUMBER = /^-?\d+(\.\d+)?$/;

export const every = (samples: readonly unknown[], test: (value: unknown) => boolean) => samples.every(test);
export const isText = (value: unknown): value is string => typeof value === 'string';
const matches = (pattern: RegExp) => (value: unknown) => isText(value) && pattern.test(value);
export const isWhole = (value: unknown) => Number.isSafeInteger(value) || matches(/^-?\d+$/)(value);

/** The number of samples needed to treat texts as dates or times. */
const MIN_SAMPLES = 2;

export function textOf(samples: readonly unknown[]): Decided {
  if (samples.length < MIN_SAMPLES) return { type: 'String' };
  if (every(samples, matches(DAY))) return { type: 'Date' };
  if (every(samples, matches(MOMENT))) return { type: 'DateTime' };
  return { type: 'String' };
}

export function momentOf(samples: readonly unknown[]): Decided | undefined {
  if (every(samples, matches(MOMENT))) return { type: 'DateTime' };
  const isBetween = (least: number, most: number) => (value: unknown) => {
    const number = Number(value);
    return (typeof value === 'number' || matches(/^\d+$/)(value)) && number >= least && number < most;
  };
  if (every(samples, isBetween(1e8, 1e11))) return { type: 'DateTime', conversion: { dateTime: 'seconds' } };
  if (every(samples, isBetween(1e11, 1e14)))
    return { type: 'DateTime', conversion: { dateTime: 'milliseconds' } };
  if (every(samples, matches(DAY))) return { type: 'Date' };
  // A time without a zone is not a moment.
  return every(samples, isText) ? { type: 'String' } : undefined;
}

export function dayOf(samples: readonly unknown[]): Decided | undefined {
  if (every(samples, matches(DAY))) return { type: 'Date' };
  if (every(samples, matches(MOMENT))) return momentOf(samples);
  const parts = /^(?:(\d\d)([-/.])(\d\d)\2(\d{4}))$/;
  if (every(samples, matches(parts))) {
    const found = samples.map((value) => parts.exec(String(value)));
    const separator = found[0]?.[2] ?? '-';
    // A number above 12 shows which part is the day.
    if (found.some((match) => Number(match?.[1]) > 12))
      return { type: 'Date', conversion: { date: ['dd', 'mm', 'yyyy'].join(separator) } };
    if (found.some((match) => Number(match?.[3]) > 12))
      return { type: 'Date', conversion: { date: ['mm', 'dd', 'yyyy'].join(separator) } };
  }
  return every(samples, isText) ? { type: 'String' } : undefined;
}
