/** Bound on remembered tags. Beyond it, answers of all calls in progress are not cached. */
const MAX_TAGS = 100_000;

/** Calls that began between two invalidations. */
export interface CallPeriod {
  /** Number of invalidations before these calls began. */
  readonly since: number;
  /** Number of these calls that have not ended. */
  open: number;
}

/**
 * Remembers what was forgotten while calls were in progress, because their answers may be outdated. It remembers
 * nothing from before the oldest call in progress.
 */
export interface RecentlyForgotten {
  /** Registers a call. `end` must be called when it succeeds or fails. */
  begin(): CallPeriod;
  /** Whether any of these tags was forgotten since the call began. */
  has(tags: readonly string[], period: CallPeriod): boolean;
  end(period: CallPeriod): void;
  /** Records that these tags were forgotten; undefined means all. */
  add(tags: readonly string[] | undefined): void;
}

export function createRecentlyForgotten(): RecentlyForgotten {
  let count = 0;
  /** Number of the last invalidation of everything. */
  let everything = 0;
  const lastOf = new Map<string, number>();
  const inOrder: { number: number; tags: readonly string[] }[] = [];
  let held = 0;
  let periods: CallPeriod[] = [];

  const clear = (): void => {
    everything = count;
    lastOf.clear();
    inOrder.length = 0;
    held = 0;
    periods = periods.filter(({ open }) => open > 0);
  };

  const dropOld = (): void => {
    while (periods[0]?.open === 0) periods.shift();
    const oldest = periods[0]?.since ?? count;
    for (let first = inOrder[0]; first !== undefined && first.number <= oldest; [first] = inOrder) {
      for (const tag of first.tags) if (lastOf.get(tag) === first.number) lastOf.delete(tag);
      inOrder.shift();
      held -= first.tags.length;
    }
  };

  return {
    begin: () => {
      let last = periods.at(-1);
      if (last?.since !== count) periods.push((last = { since: count, open: 0 }));
      last.open += 1;
      return last;
    },
    has: (tags, { since }) =>
      count > since && (everything > since || tags.some((tag) => (lastOf.get(tag) ?? 0) > since)),
    end: (period) => {
      period.open -= 1;
      dropOld();
    },
    add: (tags) => {
      count += 1;
      if (tags === undefined || held + tags.length > MAX_TAGS) clear();
      else if (periods.length > 0) {
        inOrder.push({ number: count, tags });
        held += tags.length;
        for (const tag of tags) lastOf.set(tag, count);
      }
    },
  };
}
