/** More names than these are held for no question, however long its system takes: then nothing of it is kept. */
const MAX_TAGS = 100_000;

/** Questions that were put between two recentlyForgotten. */
export interface CallPeriod {
  /** How often had been forgotten by then. */
  readonly since: number;
  /** How many of them have not come to an end. */
  open: number;
}

/**
 * What was forgotten while systems were being asked: an answer about it may be of before. Nothing is held of what was
 * forgotten before the oldest question that is still open.
 */
export interface RecentlyForgotten {
  /** A question is put. It must be ended, whatever comes of it. */
  begin(): CallPeriod;
  /** Whether anything of that kind was forgotten since. */
  has(tags: readonly string[], asked: CallPeriod): boolean;
  end(asked: CallPeriod): void;
  /** These are forgotten; undefined: everything is. */
  add(tags: readonly string[] | undefined): void;
}

export function createRecentlyForgotten(): RecentlyForgotten {
  let count = 0;
  /** The last that took everything along. */
  let everything = 0;
  const lastOf = new Map<string, number>();
  const inOrder: { number: number; tags: readonly string[] }[] = [];
  let held = 0;
  let questions: CallPeriod[] = [];

  const clear = (): void => {
    everything = count;
    lastOf.clear();
    inOrder.length = 0;
    held = 0;
    questions = questions.filter(({ open }) => open > 0);
  };

  const dropOld = (): void => {
    while (questions[0]?.open === 0) questions.shift();
    const oldest = questions[0]?.since ?? count;
    for (let first = inOrder[0]; first !== undefined && first.number <= oldest; [first] = inOrder) {
      for (const tag of first.tags) if (lastOf.get(tag) === first.number) lastOf.delete(tag);
      inOrder.shift();
      held -= first.tags.length;
    }
  };

  return {
    begin: () => {
      let last = questions.at(-1);
      if (last?.since !== count) questions.push((last = { since: count, open: 0 }));
      last.open += 1;
      return last;
    },
    has: (tags, { since }) =>
      count > since && (everything > since || tags.some((tag) => (lastOf.get(tag) ?? 0) > since)),
    end: (asked) => {
      asked.open -= 1;
      dropOld();
    },
    add: (tags) => {
      count += 1;
      if (tags === undefined || held + tags.length > MAX_TAGS) clear();
      else if (questions.length > 0) {
        inOrder.push({ number: count, tags });
        held += tags.length;
        for (const tag of tags) lastOf.set(tag, count);
      }
    },
  };
}
