import { afterEach, describe, expect, it } from 'vitest';
import type { SharedCache } from '../../src/cache/shared-cache.js';
import { digest, entryOf, isUnavailable, isUp, storeEntry, startInstance, valueOf } from './instances.js';
import { startProxy, startRedis } from './redis-server.js';

const open: { close(): Promise<void> }[] = [];
function closing<T extends { close(): Promise<void> }>(item: T): T {
  open.push(item);
  return item;
}
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

const key = digest('key');
const WAIT_MS = 20;
/** The tolerance, in milliseconds, because the machine may run other tests. */
const GRACE_MS = 100;

/** Reads in sequence for a while. Returns the longest and the median duration. */
async function readFor(
  cache: SharedCache,
  ms: number,
): Promise<{ longestMs: number; medianMs: number; values: Set<unknown> }> {
  const times: number[] = [];
  const values = new Set<unknown>();
  for (const until = performance.now() + ms; performance.now() < until;) {
    const startedAt = performance.now();
    values.add(await valueOf(cache, key));
    times.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  times.sort((a, b) => a - b);
  return { longestMs: times.at(-1) ?? 0, medianMs: times[times.length >> 1] ?? 0, values };
}

describe('an outage or slowness of Redis', () => {
  it('causes one short wait if Redis needs 500 ms for an answer, and ends when Redis is fast again', async () => {
    const redis = closing(await startRedis());
    const proxy = closing(await startProxy(redis.port));
    const { cache, gaps } = await startInstance({ url: proxy.url, waitMs: WAIT_MS });
    closing(cache);
    await storeEntry(cache, key, entryOf('stored'));
    proxy.delay(500);
    const slow = await readFor(cache, 3_000);
    expect(slow.longestMs).toBeLessThan(WAIT_MS + GRACE_MS);
    expect(slow.medianMs).toBeLessThan(1);
    expect(slow.values).toEqual(new Set([undefined]));
    expect(cache.state).toBe('down');
    // The invalidation is slow, but it is resolved.
    await cache.forget([digest('tag')]);
    await expect(cache.count('quota', 60_000)).rejects.toThrow('cannot count');
    proxy.delay(0);
    await isUp(cache);
    expect(await valueOf(cache, key)).toBe('stored');
    expect(gaps()).toBe(1);
  });

  it('causes one short wait if Redis stops answering, and ends when Redis answers again', async () => {
    const redis = closing(await startRedis());
    const { cache } = await startInstance({ url: redis.url, waitMs: WAIT_MS });
    closing(cache);
    await storeEntry(cache, key, entryOf('stored', digest('tag')));
    redis.freeze();
    const frozen = await readFor(cache, 1_500);
    expect(frozen.longestMs).toBeLessThan(WAIT_MS + GRACE_MS);
    expect(frozen.medianMs).toBeLessThan(1);
    const startedAt = performance.now();
    await expect(cache.forget([digest('tag')])).rejects.toThrow('has not forgotten the answers yet');
    expect(performance.now() - startedAt).toBeLessThan(1_000 + 200);
    redis.thaw();
    await isUp(cache);
    expect(await valueOf(cache, key)).toBeUndefined();
  });

  it('closes the connection to a Redis that has been silent for 8 s, and connects again later', async () => {
    const redis = closing(await startRedis());
    const { cache, gaps } = await startInstance({ url: redis.url, waitMs: WAIT_MS });
    closing(cache);
    redis.freeze();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    expect(cache.state).toBe('down');
    redis.thaw();
    await isUp(cache);
    expect(gaps()).toBeGreaterThan(1);
  });

  it('is detected at once if Redis is killed, and ends when Redis is started again', async () => {
    const redis = closing(await startRedis());
    const instances = await Promise.all([1, 2].map(() => startInstance({ url: redis.url, waitMs: WAIT_MS })));
    const caches = instances.map(({ cache }) => closing(cache));
    const [first, second] = caches as [SharedCache, SharedCache];
    await storeEntry(first, key, entryOf('stored'));
    const reading = Promise.all(caches.map((cache) => readFor(cache, 2_000)));
    await redis.kill();
    for (const { longestMs, medianMs } of await reading) {
      expect(longestMs).toBeLessThan(WAIT_MS + GRACE_MS);
      expect(medianMs).toBeLessThan(1);
    }
    await Promise.all(caches.map(isUnavailable));
    await expect(first.count('quota', 60_000)).rejects.toThrow('cannot count');
    await expect(second.forget([digest('tag')])).rejects.toThrow('has not forgotten the answers yet');
    first.write({ key, entry: entryOf('lost'), retentionMs: 60_000, since: 1 });
    await redis.start();
    await Promise.all(caches.map(isUp));
    expect(await valueOf(first, key)).toBeUndefined();
    await storeEntry(first, key, entryOf('stored again'));
    expect(await valueOf(second, key)).toBe('stored again');
    expect(instances.map(({ gaps }) => gaps())).toEqual([2, 2]);
  });

  it('does not prevent a start of the gateway', async () => {
    const redis = closing(await startRedis());
    await redis.kill();
    const { cache } = await startInstance({ url: redis.url }, { wait: false });
    closing(cache);
    expect(await cache.read([key])).toEqual({ entries: [undefined], since: undefined });
    await redis.start();
    await isUp(cache);
    await storeEntry(cache, key, entryOf('stored'));
  });

  it('includes a password that Redis refuses', async () => {
    const redis = closing(await startRedis(['--requirepass', 'right']));
    const at = (password: string) => redis.url.replace('//', `//:${password}@`);
    const { cache: refused } = await startInstance({ url: at('wrong') }, { wait: false });
    const { cache } = await startInstance({ url: at('right') });
    closing(refused);
    closing(cache);
    await storeEntry(cache, key, entryOf('stored'));
    expect(refused.state).toBe('down');
    expect(await valueOf(refused, key)).toBeUndefined();
  });

  it('includes a Redis that became a replica, until it is a primary again', async () => {
    const [first, second] = [closing(await startRedis()), closing(await startRedis())];
    const { Redis } = await import('ioredis');
    const { cache } = await startInstance({ url: first.url });
    closing(cache);
    await storeEntry(cache, key, entryOf('stored'));
    const admin = new Redis(first.url);
    await admin.replicaof('127.0.0.1', second.port);
    await isUnavailableAfterWriting(cache);
    expect(await valueOf(cache, key)).toBeUndefined();
    await admin.replicaof('NO', 'ONE');
    admin.disconnect();
    await isUp(cache);
    await storeEntry(cache, key, entryOf('stored again'));
  });
});

/** Whether the cache is unavailable after a write, because a replica refuses writes. */
async function isUnavailableAfterWriting(cache: SharedCache): Promise<void> {
  const { since } = await cache.read([key]);
  cache.write({ key, entry: entryOf('x'), retentionMs: 1_000, since: since ?? 0 });
  await isUnavailable(cache);
}
