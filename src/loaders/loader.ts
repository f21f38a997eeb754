import type { FreshnessOptions } from '../cache/freshness.js';
import type { Subject } from '../cache/invalidation.js';
import type { Client } from '../connectors/connector.js';
import type { BatchGroup } from './batches.js';
import { toError } from './in-flight-request.js';

/** How one kind of record is asked of a source: keys in, records out, one call for a batch. */
export interface Loader<C extends Client, Key, Value> {
  /** Unique in its source. */
  readonly name: string;
  /** The most keys that the system takes in one call. Default: no bound but its source's. */
  readonly maxBatch?: number;
  /**
   * Needed when one call cannot have all keys together: `load` gets the keys of one group at a time. It must not throw.
   * Default: all keys are one group.
   */
  batchOf?(key: Key): BatchGroup;
  /** Where this loader differs from its source's freshness. */
  readonly freshness?: FreshnessOptions;
  /** What makes two keys the same; needed when a key is not a text or number. */
  keyText?(key: Key): string;
  /** One value or error for each key, in the order of the keys: see `alignOne` and `alignMany`. */
  load(keys: readonly Key[], client: C): Promise<readonly (Value | Error)[]>;
  /**
   * Used in place of `load` where it takes several calls to load a batch: one promise for each key, in the order of the
   * keys. So a slow call delays its own keys only. See `callEach`.
   */
  loadEach?(keys: readonly Key[], client: C): readonly Promise<Value>[];
  /**
   * Whom or what an answer is about, so that it can be forgotten: identifiers of customers, objects by type and key,
   * or an empty list for what is about no person. Default, and undefined: unknown, so it is forgotten whenever anybody is.
   */
  about?(key: Key, value: Value): readonly Subject[] | undefined;
  /** False for a value that only those who wait for it may have, as one with an error in it. Default: all are kept. */
  isComplete?(value: Value): boolean;
}

/** What settings, and the defaults of the engine, say of one loader. What they leave out is as declared. */
export type LoaderSettings = Pick<Loader<Client, never, unknown>, 'freshness' | 'maxBatch'>;

/** A loader that has a promise for each key, and no other way to load them. */
type EachLoader<C extends Client, Key, Value> = Omit<Loader<C, Key, Value>, 'load' | 'loadEach'> &
  Required<Pick<Loader<C, Key, Value>, 'loadEach'>>;

/**
 * Declares a loader, by its `load` or its `loadEach`. It is listed in its source's `loaders`, and called by
 * `context.load(loader, key)`.
 */
export function defineLoader<C extends Client, Key, Value>(
  loader: Loader<C, Key, Value> | EachLoader<C, Key, Value>,
): Loader<C, Key, Value> {
  if ('load' in loader) return loader;
  return {
    ...loader,
    load: (keys, client) => Promise.all(loader.loadEach(keys, client).map((value) => value.catch(toError))),
  };
}

/**
 * Makes a call for each key, at most `atOnce` at the same time. Each promise settles when its own call does. Default: as many
 * calls as the limits of the source allow.
 */
export function callEach<Key, Value>(
  keys: readonly Key[],
  call: (key: Key) => Promise<Value>,
  { atOnce = Infinity }: { atOnce?: number } = {},
): Promise<Value>[] {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  return keys.map(async (key) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await call(key);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  });
}
