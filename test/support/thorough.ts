import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    isThorough: boolean;
  }
}

/** Whether a test takes all its cases. `npm test` takes a part of them; the suite in test/long takes them all. */
export const isThorough = inject('isThorough');

/** A part of the cases, evenly spread: every nth, from the given start. All of them in the long suite. */
export function everyNth<T>(cases: readonly T[], n: number, start = 0): readonly T[] {
  return isThorough ? cases : cases.filter((_, i) => i % n === start % n);
}

/** The number of runs of a property: a quarter of them, or all in the long suite. */
export function runs(all: number): number {
  return isThorough ? all : Math.ceil(all / 4);
}
