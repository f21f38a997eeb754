import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';

/** An answer that is kept. */
export interface Entry {
  value: unknown;
  /** When the system was asked: what it saw may have changed while the answer was on its way. */
  fetchedAt: number;
  /** How long it is fresh. */
  maxAgeMs: number;
  /** How long it is of any use, stale or not. */
  retentionMs: number;
  /** Digests of all that it is about: see `invalidation.ts`. */
  tags: readonly string[];
  /** Asks the system anew, though nobody waits for it. */
  renew: () => void;
  /** What `renew` holds on to: the key, which may be as long as a client makes it. Default 0. */
  renewBytes?: number;
}

/** An answer that was read so often since it was kept is likely to be asked for again soon. */
const HOT_READS = 3;
/** Forgetting a whole source must not have it asked for everything at once. */
const MAX_HOT = 50;

/** Where an answer that is kept stands; for whoever has made something of it, and does not keep the answer itself. */
export interface EntryState {
  /** How often it was read. */
  reads: number;
  /** It was forgotten, replaced or pushed out. */
  isDropped: boolean;
}

export interface CachedEntry extends Entry {
  readonly entryState: EntryState;
}

/** What an entry takes beside its value: its key, its places in the cache's own lists, and one tag. */
const ENTRY_BYTES = 375;
const TAG_BYTES = 190;
/** An answer that nobody asks for is thrown away so long after its time at the latest. */
const SWEEP_MS = 60_000;

export interface CacheOptions {
  /** All sources together. */
  maxBytes: number;
  clock?: Clock;
}

/** Answers in the memory of this process, bounded by bytes for each source and for all together. */
export interface Cache {
  get(source: string, key: string): CachedEntry | undefined;
  /** Of two answers the one that was asked for later stays. */
  set(source: string, key: string, entry: Entry): void;
  /** Drops what is about any of these. Gives of those that were read often what asks for them anew. */
  forget(tags: readonly string[]): (() => void)[];
  /** Bounds what one source may take. Default: half of all. */
  bound(source: string, maxBytes: number): void;
  clear(): void;
  /** What is held now, by source. */
  usage(): ReadonlyMap<string, { entries: number; bytes: number }>;
  close(): void;
}

export function createCache({ maxBytes, clock = performance }: CacheOptions): Cache {
  const bySource = new Map<string, LRUCache<string, CachedEntry>>();
  const bounds = new Map<string, number>();
  /** Where to find what is about something. */
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
        // Asking the clock costs little beside an answer, and a test that turns it wants to be believed at once.
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
      // The source that holds most gives way, so that a busy one does not push out all the others.
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
      const kept = bySource.get(source)?.get(key);
      if (kept !== undefined) kept.entryState.reads += 1;
      return kept;
    },
    set: (source, key, entry) => {
      const ttl = entry.retentionMs - (clock.now() - entry.fetchedAt);
      if (ttl <= 0) return;
      const entries = open(source);
      // A slow answer, or another instance's, may come after one that was asked for later.
      if ((entries.peek(key)?.fetchedAt ?? -Infinity) > entry.fetchedAt) return;
      entries.set(key, { ...entry, entryState: { reads: 0, isDropped: false } }, { ttl });
      // What is larger than the whole is not taken.
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
          const kept = entries?.peek(key);
          if (kept !== undefined && kept.entryState.reads >= HOT_READS && hot.length < MAX_HOT)
            hot.push(kept.renew);
          entries?.delete(key);
        }
      }
      return hot;
    },
    bound: (source, most) => {
      bounds.set(source, most);
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
 * What a value holds in memory, near enough to bound the cache: V8's own overhead is counted by the rule of thumb. One
 * that is nested too deep to be measured, as by a system that means harm, is larger than any cache.
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
