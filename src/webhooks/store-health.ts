import type { StoreCounts, WebhookStore } from './store.js';

/** A store that does not answer in this time counts as down. */
const ANSWERS_WITHIN_MS = 2_000;
/** Counting takes a query, and anybody may ask for the health; this long one answer is good. */
const HOLDS_MS = 5_000;

/** What the store holds, and which endpoints are disabled. */
export interface StoreFigures extends Omit<StoreCounts, 'oldestEventAt'> {
  /** Seconds since the oldest waiting event came in; 0 when none waits. */
  oldestEventS: number;
  disabled: readonly string[];
}

/** Gives what a store holds, or undefined while it does not answer. Never rejects. */
export function createStoreHealth(
  opening: Promise<{ store: Pick<WebhookStore, 'counts' | 'disabled'> }>,
  clock: { now(): number } = performance,
): () => Promise<StoreFigures | undefined> {
  let last: { at: number; figures: Promise<StoreFigures | undefined> } | undefined;
  const read = async (): Promise<StoreFigures> => {
    const { store } = await opening;
    const [{ oldestEventAt, ...counts }, disabled] = await Promise.all([store.counts(), store.disabled()]);
    const oldestEventS = oldestEventAt === null ? 0 : Math.max(0, (Date.now() - oldestEventAt) / 1_000);
    return { ...counts, oldestEventS, disabled: disabled.map(({ endpoint }) => endpoint) };
  };
  return () => {
    const now = clock.now();
    if (last === undefined || now - last.at >= HOLDS_MS)
      last = { at: now, figures: within(ANSWERS_WITHIN_MS, read()) };
    return last.figures;
  };
}

/** What the work gives; undefined when it fails or takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    work
      .then(resolve, () => {
        resolve(undefined);
      })
      .finally(() => {
        clearTimeout(timer);
      });
  });
}
