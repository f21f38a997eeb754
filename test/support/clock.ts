import type { Clock } from '../../src/clock.js';

/** A clock that stands still until it is advanced. */
export interface FakeClock extends Clock {
  advance(milliseconds: number): void;
}

export function fakeClock(): FakeClock {
  let now = 1_000;
  return {
    now: () => now,
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}
