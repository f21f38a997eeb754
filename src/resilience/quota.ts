/** The number of calls that a contract allows. */
export interface QuotaLimit {
  calls: number;
  /** A calendar day or month, in UTC. */
  per: 'day' | 'month';
}

/** Counts calls for all instances of the gateway together. */
export interface QuotaStore {
  /**
   * Counts one call in the window (`'2026-11-24'` or `'2026-11'`), which can be deleted after `ttlMs`. Resolves to
   * the number of calls in it, this one included.
   */
  count(source: string, window: string, ttlMs: number): Promise<number>;
}

/** The longest wait for the store. Then the local count of this process is used. */
const STORE_TIMEOUT_MS = 20;

export interface Quota {
  /** Milliseconds until calls are allowed again; 0 while some are left. */
  readonly spentForMs: number;
  /** Calls that are left in the current period, as far as this process knows. */
  readonly left: number;
  /** Counts a call before it is made. Resolves to false if the quota is used up. */
  count(): Promise<boolean>;
}

/**
 * Creates a quota that uses the time of day: contracts count by calendar dates, which a monotonic clock does not
 * have.
 */
export function createQuota(source: string, { calls, per }: QuotaLimit, store?: QuotaStore): Quota {
  let window = '';
  let endsAt = 0;
  /** The highest known count, local or from the store. */
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
    get left() {
      startWindow();
      return Math.max(0, calls - counted);
    },
    count: async () => {
      const now = startWindow();
      const windowOfCall = window;
      const localCount = (counted += 1);
      let storeCount: number | undefined;
      if (store !== undefined) {
        // A late answer still updates the count with the calls of other instances.
        const answer = count(store, source, windowOfCall, endsAt - now).then((total) => {
          storeCount = total;
          if (total !== undefined && windowOfCall === window) counted = Math.max(counted, total);
        });
        await atMost(STORE_TIMEOUT_MS, answer);
      }
      const isLeft = (storeCount ?? localCount) <= calls;
      if (!isLeft && windowOfCall === window) isSpent = true;
      return isLeft;
    },
  };
}

/** Returns undefined if the store fails, so that the call is still made. */
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
