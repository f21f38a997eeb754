import type { Clock } from '../../src/clock.js';

/** A clock that changes only when a test advances it. */
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
