export interface FrozenClock {
  clock: { now(): number };
  /** Lets every cache entry expire. */
  advance: () => void;
}

/** Cache entries do not expire during a measurement, even on a slow machine. They expire on request. */
export function frozenClock(): FrozenClock {
  let now = 1_000;
  return {
    clock: { now: () => now },
    advance: () => {
      now += 24 * 3_600_000;
    },
  };
}
