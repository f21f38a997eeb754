export interface FrozenClock {
  clock: { now(): number };
  /** Makes everything that is cached too old. */
  advance: () => void;
}

/** What is cached stays warm for as long as a measurement takes, however slow the machine, and grows cold on request. */
export function frozenClock(): FrozenClock {
  let now = 1_000;
  return {
    clock: { now: () => now },
    advance: () => {
      now += 24 * 3_600_000;
    },
  };
}
