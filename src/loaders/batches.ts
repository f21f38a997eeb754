import type { InFlightRequest } from './in-flight-request.js';

/** Keys that one call can load together. */
export interface BatchGroup {
  /** Keys are loaded together only when their groups have the same id. */
  id: string;
  /** The most keys in one call. Equal ids have equal bounds. */
  maxKeys: number;
}

/**
 * Splits the gathered keys into batches. Each batch is loaded independently, so none waits for another. Without
 * `batchOf` all keys are one group. Must not throw: an error here reaches no request.
 */
export function splitIntoBatches(
  gathered: readonly InFlightRequest[],
  { batchOf, maxBatch }: { batchOf: ((key: unknown) => BatchGroup) | undefined; maxBatch: number },
): readonly (readonly InFlightRequest[])[] {
  if (batchOf === undefined) return chunks(gathered, maxBatch);
  const groups = new Map<string, { inFlightRequests: InFlightRequest[]; maxKeys: number }>();
  for (const inFlight of gathered) {
    const { id, maxKeys } = batchOf(inFlight.key);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { inFlightRequests: [inFlight], maxKeys });
    else group.inFlightRequests.push(inFlight);
  }
  return [...groups.values()].flatMap(({ inFlightRequests, maxKeys }) =>
    chunks(inFlightRequests, Math.min(maxKeys, maxBatch)),
  );
}

function chunks<T>(all: readonly T[], size: number): (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < all.length; i += size) parts.push(all.slice(i, i + size));
  return parts;
}
