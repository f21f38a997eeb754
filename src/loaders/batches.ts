import type { InFlightBatch } from './in-flight-batch.js';

/** Keys that one call can load together. */
export interface BatchGroup {
  /** Keys are loaded together only when their groups have the same id. */
  id: string;
  /** The most keys in one call. Equal ids have equal bounds. */
  maxKeys: number;
}

interface GatheringOptions {
  /** The group of a key. Undefined: all keys are one group. */
  batchOf: ((key: unknown) => BatchGroup) | undefined;
  maxBatch: number;
}

/** Gathers keys into batches until they are dispatched. Each batch is loaded independently, so none waits for another. */
export class Gathering {
  readonly batches: InFlightBatch[] = [];
  /** The batches that still take keys, by the id of their group. */
  readonly #open = new Map<string, InFlightBatch>();

  /** The batch that takes the key. It may be a new one. */
  batchFor(
    key: unknown,
    { batchOf, maxBatch }: GatheringOptions,
    create: () => InFlightBatch,
  ): InFlightBatch {
    const { id, maxKeys } = batchOf?.(key) ?? { id: '', maxKeys: maxBatch };
    let batch = this.#open.get(id);
    if (batch === undefined || batch.keys.length >= Math.min(maxKeys, maxBatch)) {
      this.batches.push((batch = create()));
      this.#open.set(id, batch);
    }
    return batch;
  }
}
