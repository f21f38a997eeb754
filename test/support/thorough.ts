import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    isThorough: boolean;
  }
}

/** Whether a test runs all its cases. `npm test` runs a part of them; the suite in test/long runs all. */
export const isThorough = inject('isThorough');

/** Returns every nth case from the given start, or all cases in the long suite. */
export function everyNth<T>(cases: readonly T[], n: number, start = 0): readonly T[] {
  return isThorough ? cases : cases.filter((_, i) => i % n === start % n);
}

/** The number of runs of a property: a quarter of `all`, or all in the long suite. */
export function runCount(all: number): number {
  return isThorough ? all : Math.ceil(all / 4);
}
