import { createHash } from 'node:crypto';
import { vi } from 'vitest';
import {
  createSharedCache,
  type SharedCache,
  type SharedCacheOptions,
  type SharedEntry,
} from '../../src/cache/shared-cache.js';
import { createLogger } from '../../src/telemetry/logger.js';

/** The shared cache of one gateway, and the messages that it received. */
export interface Instance {
  cache: SharedCache;
  forgotten: string[];
  gaps: () => number;
}

/** Starts an instance. By default, waits until it is connected. */
export async function startInstance(
  options: Partial<SharedCacheOptions> & { url: string },
  { wait = true } = {},
): Promise<Instance> {
  const forgotten: string[] = [];
  let gaps = 0;
  const cache = createSharedCache({
    logger: createLogger('silent'),
    onForget: (tags) => forgotten.push(...tags),
    onGap: () => {
      gaps += 1;
    },
    // The timeout is long, because the machine may be busy.
    waitMs: 200,
    ...options,
  });
  if (wait) await isUp(cache);
  return { cache, forgotten, gaps: () => gaps };
}

export function isUp(cache: SharedCache): Promise<void> {
  return vi.waitFor(
    () => {
      if (cache.state === 'down') throw new Error('The shared cache did not become available.');
    },
    { timeout: 10_000, interval: 5 },
  );
}

export function isUnavailable(cache: SharedCache): Promise<void> {
  return vi.waitFor(
    () => {
      if (cache.state === 'up') throw new Error('The shared cache did not become unavailable.');
    },
    { timeout: 10_000, interval: 5 },
  );
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

export function entryOf(value: unknown, ...tags: string[]): SharedEntry {
  return { value, fetchedAt: 1_700_000_000_000, maxAgeMs: 60_000, tags };
}

export async function valueOf(cache: SharedCache, key: string): Promise<unknown> {
  const { entries } = await cache.read([key]);
  return entries[0]?.value;
}

/** Reads and writes an entry like a loader, without a system. */
export async function store(
  cache: SharedCache,
  key: string,
  entry: SharedEntry,
  retentionMs = 60_000,
): Promise<void> {
  let { since } = await cache.read([key]);
  while (since === undefined) {
    await isUp(cache);
    ({ since } = await cache.read([key]));
  }
  cache.write({ key, entry, retentionMs, since });
}

/** Stores an entry, and waits until it can be read. */
export async function storeEntry(
  cache: SharedCache,
  key: string,
  entry: SharedEntry,
  retentionMs = 60_000,
): Promise<void> {
  await store(cache, key, entry, retentionMs);
  await vi.waitFor(
    async () => {
      if ((await cache.read([key])).entries[0] === undefined) throw new Error('The entry was not stored.');
    },
    { timeout: 5_000, interval: 2 },
  );
}
