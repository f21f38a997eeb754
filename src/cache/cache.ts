import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';

/** A cached answer. */
export interface Entry {
  value: unknown;
  /** When the system was called. The value may have changed while the answer was on its way. */
  fetchedAt: number;
  /** Milliseconds for which it is fresh. */
  maxAgeMs: number;
  /** Milliseconds for which it can be used, fresh or stale. */
  retentionMs: number;
  /** Digests of the subjects that it is about: see `invalidation.ts`. */
  tags: readonly string[];
  /** Loads the answer again in the background. */
  renew: () => void;
  /** Bytes that `renew` retains: the key, which may be as long as a client makes it. Default 0. */
  renewBytes?: number;
}

/**
 * An answer that was read this many times is likely to be requested again soon, so it is reloaded after it is
 * forgotten.
 */
const HOT_READS = 3;
/** Bound on reloads after one call of `forget`. Forgetting a source must not reload all of its answers at once. */
const MAX_HOT = 50;

/** The state of a cached entry. Users hold this instead of the entry itself. */
export interface EntryState {
  /** Number of reads. */
  reads: number;
  /** Whether the entry was forgotten, replaced or evicted. */
  isDropped: boolean;
}

export interface CachedEntry extends Entry {
  readonly entryState: EntryState;
}

/** Memory of an entry beside its value: its key, its places in the cache's lists, and one tag. */
const ENTRY_BYTES = 375;
const TAG_BYTES = 190;
/** Interval of the sweep that removes expired entries. */
const SWEEP_MS = 60_000;

export interface CacheOptions {
  /** Bound for all sources together. */
  maxBytes: number;
  clock?: Clock;
}

/** Answers in the memory of this process, bounded by bytes for each source and in total. */
export interface Cache {
  get(source: string, key: string): CachedEntry | undefined;
  /** Stores an answer, unless an answer from a later call is stored already. */
  set(source: string, key: string, entry: Entry): void;
  /** Drops all entries with any of these tags. Returns functions that reload the entries that were read often. */
  forget(tags: readonly string[]): (() => void)[];
  /** Sets the maximum size of one source. Default: half of `maxBytes`. */
  bound(source: string, maxBytes: number): void;
  clear(): void;
  /** Number and size of the entries by source. */
  usage(): ReadonlyMap<string, { entries: number; bytes: number }>;
  close(): void;
}

export function createCache({ maxBytes, clock = performance }: CacheOptions): Cache {
  const bySource = new Map<string, LRUCache<string, CachedEntry>>();
  const bounds = new Map<string, number>();
  /** Places of entries, by their tags. */
  const byTag = new Map<string, Set<string>>();
  const sourceOf = (place: string): string => place.slice(0, place.indexOf(' '));

  const open = (source: string): LRUCache<string, CachedEntry> => {
    let entries = bySource.get(source);
    if (entries === undefined) {
      entries = new LRUCache({
        maxSize: bounds.get(source) ?? Math.ceil(maxBytes / 2),
        sizeCalculation: ({ value, tags, renewBytes = 0 }) =>
          ENTRY_BYTES + TAG_BYTES * tags.length + renewBytes + approximateBytes(value),
        perf: clock,
        // Reading the clock costs little compared with an answer, and tests that advance the clock need the exact
        // time.
        ttlResolution: 0,
        dispose: ({ tags, entryState }, key) => {
          entryState.isDropped = true;
          for (const tag of tags) {
            const places = byTag.get(tag);
            places?.delete(`${source} ${key}`);
            if (places?.size === 0) byTag.delete(tag);
          }
        },
      });
      bySource.set(source, entries);
    }
    return entries;
  };

  const makeRoom = (): void => {
    let held = 0;
    for (const { calculatedSize } of bySource.values()) held += calculatedSize;
    while (held > maxBytes) {
      // The largest source is evicted first, so that a busy source does not evict the answers of all others.
      const [largest] = [...bySource.values()].sort((a, b) => b.calculatedSize - a.calculatedSize);
      if (largest === undefined || largest.size === 0) return;
      const before = largest.calculatedSize;
      largest.pop();
      held -= before - largest.calculatedSize;
    }
  };

  const sweep = setInterval(() => {
    for (const entries of bySource.values()) entries.purgeStale();
  }, SWEEP_MS).unref();

  return {
    get: (source, key) => {
      const entry = bySource.get(source)?.get(key);
      if (entry !== undefined) entry.entryState.reads += 1;
      return entry;
    },
    set: (source, key, entry) => {
      const ttl = entry.retentionMs - (clock.now() - entry.fetchedAt);
      if (ttl <= 0) return;
      const entries = open(source);
      // A slow answer, or one from the shared cache, may arrive after the answer of a later call.
      if ((entries.peek(key)?.fetchedAt ?? -Infinity) > entry.fetchedAt) return;
      entries.set(key, { ...entry, entryState: { reads: 0, isDropped: false } }, { ttl });
      // An entry that is larger than the cache is not stored.
      if (!entries.has(key)) return;
      for (const tag of entry.tags) {
        const places = byTag.get(tag);
        if (places === undefined) byTag.set(tag, new Set([`${source} ${key}`]));
        else places.add(`${source} ${key}`);
      }
      makeRoom();
    },
    forget: (tags) => {
      const hot: (() => void)[] = [];
      for (const tag of tags) {
        for (const place of [...(byTag.get(tag) ?? [])]) {
          const source = sourceOf(place);
          const [entries, key] = [bySource.get(source), place.slice(source.length + 1)];
          const entry = entries?.peek(key);
          if (entry !== undefined && entry.entryState.reads >= HOT_READS && hot.length < MAX_HOT)
            hot.push(entry.renew);
          entries?.delete(key);
        }
      }
      return hot;
    },
    bound: (source, maxSourceBytes) => {
      bounds.set(source, maxSourceBytes);
    },
    clear: () => {
      for (const entries of bySource.values()) entries.clear();
    },
    usage: () =>
      new Map(
        [...bySource].map(([source, { size, calculatedSize }]) => [
          source,
          { entries: size, bytes: calculatedSize },
        ]),
      ),
    close: () => {
      clearInterval(sweep);
    },
  };
}

/**
 * Estimates the memory of a value, closely enough to bound the cache. V8's overhead is counted by a rule of thumb. A
 * value that is nested too deeply to measure, as a malicious system might send, counts as larger than any cache.
 */
export function approximateBytes(value: unknown): number {
  try {
    return bytesOf(value);
  } catch (error) {
    if (error instanceof RangeError) return Number.MAX_SAFE_INTEGER;
    throw error;
  }
}

function bytesOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 24 + 2 * value.length;
    case 'object': {
      if (value === null) return 8;
      let bytes = 40;
      for (const [key, member] of Object.entries(value))
        bytes += 8 + (Array.isArray(value) ? 0 : key.length) + bytesOf(member);
      return bytes;
    }
    default:
      return 16;
  }
}
