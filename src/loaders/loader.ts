import type { FreshnessOptions } from '../cache/freshness.js';
import type { Subject } from '../cache/invalidation.js';
import type { Client } from '../connectors/connector.js';
import type { BatchGroup } from './batches.js';
import { toError } from './in-flight-batch.js';

/** Loads one kind of record from a source: keys in, records out, one call for each batch. */
export interface Loader<C extends Client, Key, Value> {
  /** Unique in its source. */
  readonly name: string;
  /** The most keys that the system accepts in one call. Default: the bound of its source, if there is one. */
  readonly maxBatch?: number;
  /** The most calls that one batch takes, such as the pages of its answer. Plans use it. Default: 1. */
  readonly callsPerBatch?: number;
  /**
   * Needed when one call cannot load all keys together: `load` gets the keys of one group at a time. It must not
   * throw. Default: all keys are one group.
   */
  batchOf?(key: Key): BatchGroup;
  /** Values that differ from the freshness of its source. */
  readonly freshness?: FreshnessOptions;
  /** The key as text: keys with equal texts are the same key. Needed when a key is neither a string nor a number. */
  keyText?(key: Key): string;
  /** One value or error for each key, in the order of the keys: see `alignOne` and `alignMany`. */
  load(keys: readonly Key[], client: C): Promise<readonly (Value | Error)[]>;
  /**
   * Used in place of `load` when a batch needs several calls: one promise for each key, in the order of the keys.
   * So a slow call delays only its own keys. See `callEach`.
   */
  loadEach?(keys: readonly Key[], client: C): readonly Promise<Value>[];
  /**
   * Subjects that the answer is about, so that it can be forgotten: identifiers of customers, or objects by type
   * and key. An empty list means that it is about no person. Default, and undefined: unknown, so it is forgotten
   * together with any customer.
   */
  about?(key: Key, value: Value): readonly Subject[] | undefined;
  /**
   * Returns false for a value that must not be cached, such as one that contains an error. The requests that wait
   * for it still get it. Default: all values are cached.
   */
  isComplete?(value: Value): boolean;
}

/** What settings and the engine's defaults override for one loader. Values left out stay as declared. */
export type LoaderSettings = Pick<Loader<Client, never, unknown>, 'freshness' | 'maxBatch'>;

/** A loader that has `loadEach` and no `load`. */
type EachLoader<C extends Client, Key, Value> = Omit<Loader<C, Key, Value>, 'load' | 'loadEach'> &
  Required<Pick<Loader<C, Key, Value>, 'loadEach'>>;

/**
 * Declares a loader with `load` or `loadEach`. List it in its source's `loaders`, and call it with
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
 * Makes one call for each key, at most `atOnce` at the same time. Each promise settles when its call does.
 * Default: as many calls as the limits of the source allow.
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
