import type { StoreCounts, WebhookStore } from './store.js';

/** A store that does not answer within this time is unavailable. */
const QUERY_TIMEOUT_MS = 2_000;
/** The health endpoint is public and counting needs a query, so the figures are cached. */
const CACHE_FIGURES_MS = 5_000;

/** The counts of the store and the disabled endpoints. */
export interface StoreFigures extends Omit<StoreCounts, 'oldestEventAt'> {
  /** Age of the oldest waiting event in seconds; 0 if none waits. */
  oldestEventS: number;
  disabled: readonly string[];
}

/** Returns a function that reads the figures of a store. It resolves to undefined if the store is unavailable, and never rejects. */
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
    if (last === undefined || now - last.at >= CACHE_FIGURES_MS)
      last = { at: now, figures: within(QUERY_TIMEOUT_MS, read()) };
    return last.figures;
  };
}

/** Resolves to the result of the work, or to undefined if it fails or takes longer. */
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
