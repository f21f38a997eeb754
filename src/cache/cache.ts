import { LRUCache } from 'lru-cache';

/** The only clock of the engine, in milliseconds; tests turn it. */
export interface Clock {
  now(): number;
}

/** What an entry takes beside its value: its key, and its places in the cache's own lists. */
const ENTRY_BYTES = 250;

interface Entry {
  value: unknown;
  /** False for an answer that only those who were waiting for it may share. */
  keep: boolean;
}

/** What one look-up tells the cache. */
export interface CacheRequest<T> {
  /** From `cacheKey()`. */
  key: string;
  maxAgeMs: number;
  /** Asks the system. Called at most once for a key at a time, also over requests. */
  load: () => Promise<T>;
}

/** Keeps answers for as long as their source's policy allows, and lets equal questions share one call. */
export interface Cache {
  /** The answer that is fresh enough, else what the system says now. Failures are never kept. */
  fetch<T>(request: CacheRequest<T>): Promise<T>;
  clear(): void;
}

/** A cache in the memory of this process; the least recently used answers go when it holds `maxBytes`. */
export function createCache({ maxBytes, clock = performance }: { maxBytes: number; clock?: Clock }): Cache {
  const entries = new LRUCache<string, Entry, CacheRequest<unknown>>({
    maxSize: maxBytes,
    // What is not to be kept is said to be too large to keep (a ttl of 0 would mean for ever).
    sizeCalculation: ({ value, keep }) => (keep ? ENTRY_BYTES + approximateBytes(value) : maxBytes + 1),
    perf: clock,
    // Asking the clock costs little beside an answer, and a test that turns it wants to be believed at once.
    ttlResolution: 0,
    // An answer that is pushed out while it is being loaded still goes to those who wait for it.
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: { load, maxAgeMs }, options }) => {
      const askedAt = clock.now();
      const value = await load();
      // An answer is as old as the question: what the system saw may have changed while it was on its way.
      options.ttl = maxAgeMs - (clock.now() - askedAt);
      return { value, keep: options.ttl > 0 };
    },
  });
  return {
    fetch: async <T>(request: CacheRequest<T>): Promise<T> => {
      const entry = await entries.forceFetch(request.key, { context: request });
      // The key names source, loader and argument, so an entry under it was made by the same `load`.
      return entry.value as T;
    },
    clear: () => {
      entries.clear();
    },
  };
}

/** What a value holds in memory, near enough to bound the cache: V8's own overhead is counted by the rule of thumb. */
export function approximateBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 24 + 2 * value.length;
    case 'object': {
      if (value === null) return 8;
      let bytes = 40;
      for (const [key, member] of Object.entries(value))
        bytes += 8 + (Array.isArray(value) ? 0 : key.length) + approximateBytes(member);
      return bytes;
    }
    default:
      return 16;
  }
}
