/** How many calls a contract allows. */
export interface QuotaLimit {
  calls: number;
  /** Of the calendar, in UTC. */
  per: 'day' | 'month';
}

/** Where calls are counted, so that all instances of the gateway share one count. */
export interface QuotaStore {
  /**
   * Counts one call in the window (`'2026-11-24'` or `'2026-11'`), which need not be kept for longer than `ttlMs`;
   * resolves to the calls counted so far in it, this one included.
   */
  count(source: string, window: string, ttlMs: number): Promise<number>;
}

/** How long a call waits for the store, which may be down, before it goes by what this process counted. */
const STORE_MS = 20;

export interface Quota {
  /** Milliseconds until calls may be made again; 0 while there are some left. */
  readonly spentForMs: number;
  /** Counts a call that is about to be made; false when it is one too many. */
  count(): Promise<boolean>;
}

/** Counts by the computer's calendar: a day of the contract is a date, which a clock for ages does not know. */
export function createQuota(source: string, { calls, per }: QuotaLimit, store?: QuotaStore): Quota {
  let window = '';
  let endsAt = 0;
  /** The most that we know of: our own count, or the store's. */
  let counted = 0;
  let isSpent = false;

  const startWindow = () => {
    const now = Date.now();
    if (now < endsAt) return now;
    const date = new Date(now);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
    window = date.toISOString().slice(0, per === 'day' ? 10 : 7);
    endsAt = per === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1);
    counted = 0;
    isSpent = false;
    return now;
  };

  return {
    get spentForMs() {
      const now = startWindow();
      return isSpent ? endsAt - now : 0;
    },
    count: async () => {
      const now = startWindow();
      const mine = window;
      const own = (counted += 1);
      let told: number | undefined;
      if (store !== undefined) {
        // A late answer still tells what others have counted.
        const answer = count(store, source, mine, endsAt - now).then((total) => {
          told = total;
          if (total !== undefined && mine === window) counted = Math.max(counted, total);
        });
        await atMost(STORE_MS, answer);
      }
      const isLeft = (told ?? own) <= calls;
      if (!isLeft && mine === window) isSpent = true;
      return isLeft;
    },
  };
}

/** A store that fails does not stop the call. */
async function count(
  store: QuotaStore,
  ...call: Parameters<QuotaStore['count']>
): Promise<number | undefined> {
  try {
    return await store.count(...call);
  } catch {
    return undefined;
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
