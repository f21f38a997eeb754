import { createHash } from 'node:crypto';
import { vi } from 'vitest';
import {
  createSharedCache,
  type SharedCache,
  type SharedCacheOptions,
  type SharedEntry,
} from '../../src/cache/shared-cache.js';
import { createLogger } from '../../src/telemetry/logger.js';

/** One gateway's side of the shared cache, and the messages it received. */
export interface Instance {
  cache: SharedCache;
  forgotten: string[];
  gaps: () => number;
}

/** An instance that is connected, unless it is not to be waited for. */
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
    // A machine that runs all tests at once may be slow without anything being wrong.
    waitMs: 200,
    ...options,
  });
  if (wait) await isUp(cache);
  return { cache, forgotten, gaps: () => gaps };
}

export function isUp(cache: SharedCache): Promise<void> {
  return vi.waitFor(
    () => {
      if (cache.state === 'down') throw new Error('The shared cache did not come up.');
    },
    { timeout: 10_000, interval: 5 },
  );
}

export function isUnavailable(cache: SharedCache): Promise<void> {
  return vi.waitFor(
    () => {
      if (cache.state === 'up') throw new Error('The shared cache did not go down.');
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

/** Reads and writes as a loader does, without a system. */
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

/** The same, and waits until it lies there. */
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
