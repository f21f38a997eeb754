import type { Clock } from '../../src/clock.js';

/** A clock that stands still until it is turned. */
export interface FakeClock extends Clock {
  turn(milliseconds: number): void;
}

export function fakeClock(): FakeClock {
  let now = 1_000;
  return {
    now: () => now,
    turn: (milliseconds) => {
      now += milliseconds;
    },
  };
}
