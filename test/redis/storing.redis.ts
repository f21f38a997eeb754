import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SharedCache } from '../../src/cache/shared-cache.js';
import { digest, entryOf, store, storeEntry, startInstance, valueOf } from './instances.js';
import { startRedis, type RedisServer } from './redis-server.js';

let redis: RedisServer;
let outside: Redis;
const open: SharedCache[] = [];

async function instance(secret?: string): Promise<SharedCache> {
  const { cache } = await startInstance({ url: redis.url, ...(secret === undefined ? {} : { secret }) });
  open.push(cache);
  return cache;
}

/** All values in Redis, of any type. */
async function everything(): Promise<{ names: string[]; text: string }> {
  const names = await outside.keys('*');
  const dumps = await Promise.all(names.map((name) => outside.dumpBuffer(name)));
  const strings = await Promise.all(names.map((name) => outside.getBuffer(name).catch(() => undefined)));
  return { names, text: [...names, ...dumps, ...strings].map((item) => item?.toString('latin1')).join('\n') };
}

beforeAll(async () => {
  redis = await startRedis();
  outside = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()));
  await outside.flushall();
  await outside.config('SET', 'maxmemory', '0');
  await outside.config('SET', 'maxmemory-policy', 'noeviction');
});
afterAll(async () => {
  outside.disconnect();
  await redis.close();
});

describe('the answers that instances share', () => {
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a text with every kind of character', 'é 漢 😀 \ud800 \u0000 \n ,'],
    ['a record', { id: 1, names: ['a', null], nested: { deep: [{ __proto__: null, x: -1.5 }] } }],
    ['a list of 2,000 records', Array.from({ length: 2_000 }, (_, id) => ({ id, name: `name ${id}` }))],
    ['a text that cannot be compressed', randomBytes(500_000).toString('base64')],
  ])('are read as they were written, in clear text and encrypted: %s', async (_name, value) => {
    for (const secret of [undefined, 'a secret of the test']) {
      const [writer, reader] = [await instance(secret), await instance(secret)];
      const key = digest(`round trip ${String(secret)}`);
      const entry = entryOf(value, digest('a tag'), digest('another'));
      await storeEntry(writer, key, entry);
      const { entries, since } = await reader.read([digest('unknown'), key]);
      expect(entries).toEqual([undefined, entry]);
      expect(since).toBeGreaterThan(0);
    }
  });

  it('omit undefined members', async () => {
    const cache = await instance();
    await storeEntry(cache, digest('k'), entryOf({ a: 1, b: undefined }));
    expect(await valueOf(cache, digest('k'))).toStrictEqual({ a: 1 });
  });

  it('omit a value that JSON cannot represent, and include the others', async () => {
    const cache = await instance();
    const loop: { self?: unknown } = {};
    loop.self = loop;
    await store(cache, digest('big'), entryOf({ n: 1n }));
    await store(cache, digest('loop'), entryOf(loop));
    await storeEntry(cache, digest('k'), entryOf('rest'));
    expect(await valueOf(cache, digest('big'))).toBeUndefined();
    expect(await valueOf(cache, digest('loop'))).toBeUndefined();
    expect(cache.state).toBe('up');
  });

  it('cannot be read in Redis if a secret is set, for any size', async () => {
    const marker = 'everywhere@example.nl';
    const clear = await instance();
    await storeEntry(clear, digest('small'), entryOf({ email: marker }, digest('t')));
    expect((await everything()).text).toContain(marker);
    await clear.forget([digest('t')]);
    expect((await everything()).text).not.toContain(marker);

    const encrypted = await instance('a secret of the test');
    await storeEntry(encrypted, digest('small'), entryOf({ email: marker }, digest('t')));
    const many = Array.from({ length: 20 }, () => `${marker} ${randomBytes(100).toString('base64')}`);
    await storeEntry(encrypted, digest('large'), entryOf({ many }, digest('t')));
    const { names, text } = await everything();
    expect(names.filter((name) => name.startsWith('stekkerdoos:1:entry:'))).toHaveLength(2);
    expect(names.every((name) => name.startsWith('stekkerdoos:1:'))).toBe(true);
    expect(text).not.toContain(marker);
    expect(text).not.toContain('email');
  });

  it('are found only by instances with the same secret', async () => {
    const [mine, clear, other] = [
      await instance('secret one'),
      await instance(),
      await instance('secret two'),
    ];
    await storeEntry(mine, digest('encrypted'), entryOf(1));
    await storeEntry(clear, digest('clear'), entryOf(2));
    expect(await valueOf(clear, digest('encrypted'))).toBeUndefined();
    expect(await valueOf(other, digest('encrypted'))).toBeUndefined();
    expect(await valueOf(mine, digest('clear'))).toBeUndefined();
    expect(await valueOf(mine, digest('encrypted'))).toBe(1);
  });

  it('are refused under the key of another answer, and without their tags', async () => {
    const cache = await instance('a secret of the test');
    await storeEntry(cache, digest('anna'), entryOf({ name: 'Anna' }, digest('tag of anna')));
    const stored = await outside.getBuffer(`stekkerdoos:1:entry:${digest('anna')}`);
    if (stored === null) throw new Error('The entry was not stored under the expected key.');
    await outside.set(`stekkerdoos:1:entry:${digest('bert')}`, stored);
    await outside.zadd(`stekkerdoos:1:tag:${digest('tag of anna')}`, '9999999999999', digest('bert'));
    expect(await valueOf(cache, digest('bert'))).toBeUndefined();
    // An entry without its tags could not be invalidated.
    const untagged = Buffer.concat([
      stored.subarray(0, stored.indexOf(',')),
      stored.subarray(stored.indexOf('\n')),
    ]);
    await outside.set(`stekkerdoos:1:entry:${digest('anna')}`, untagged);
    expect(await valueOf(cache, digest('anna'))).toBeUndefined();
  });

  it('are treated as missing if the stored bytes are invalid', async () => {
    for (const cache of [await instance(), await instance('a secret of the test')]) {
      const { since } = await cache.read([]);
      const junk = [
        '',
        '\n',
        'x',
        '1\n',
        '1\n\0',
        '1\n\0{}',
        '1\n\u0001\xff\xff\xff\xffx',
        '1\n\u0001\0\0\0\x05ab',
        '1\n\u0002abc',
      ];
      for (const [index, text] of junk.entries()) {
        await outside.set(
          `stekkerdoos:1:entry:${digest(`junk ${index}`)}`,
          Buffer.from(text.replace(/^1/, String(since)), 'latin1'),
        );
      }
      await outside.hset(`stekkerdoos:1:entry:${digest('junk 0')}x`, 'a', 'b');
      const { entries } = await cache.read(junk.map((_, index) => digest(`junk ${index}`)));
      expect(entries).toEqual(junk.map(() => undefined));
      expect(cache.state).toBe('up');
    }
  });

  it('need less than a quarter of their JSON text if they repeat words', async () => {
    const cache = await instance('a secret of the test');
    const value = Array.from({ length: 200 }, (_, id) => ({
      number: `ORD-${id}`,
      status: 'SHIPPED',
      total: '12.50',
    }));
    await storeEntry(cache, digest('k'), entryOf(value));
    const bytes = await outside.strlen(`stekkerdoos:1:entry:${digest('k')}`);
    expect(bytes).toBeLessThan(JSON.stringify(value).length / 4);
  });

  it('expire together with their tags', async () => {
    const cache = await instance();
    await storeEntry(cache, digest('long'), entryOf('long', digest('tag')));
    await storeEntry(cache, digest('short'), entryOf('short', digest('tag'), digest('own tag')), 300);
    await vi.waitFor(async () => {
      expect(await valueOf(cache, digest('short'))).toBeUndefined();
    });
    expect(await valueOf(cache, digest('long'))).toBe('long');
    await storeEntry(cache, digest('other'), entryOf('other', digest('tag')));
    expect(await outside.zcard(`stekkerdoos:1:tag:${digest('tag')}`)).toBe(2);
    await vi.waitFor(async () => {
      expect(await outside.exists(`stekkerdoos:1:tag:${digest('own tag')}`)).toBe(0);
    }, 3_000);
    const ttls = await Promise.all((await outside.keys('*')).map((name) => outside.pttl(name)));
    expect(ttls.every((ttl) => ttl > 0)).toBe(true);
  });

  it('are read in one call for all reads of one event-loop iteration', async () => {
    const cache = await instance();
    const calls = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await outside.info('commandstats'))?.[1] ?? 0);
    await cache.read([digest('first')]);
    const before = await calls();
    const reads = await Promise.all(Array.from({ length: 100 }, (_, i) => cache.read([digest(`${i}`)])));
    expect(reads.every(({ entries }) => entries.length === 1)).toBe(true);
    expect((await calls()) - before).toBe(1);
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => cache.read([digest(`${i}`)])));
    expect((await calls()) - before).toBe(6);
  });

  it('are returned to the read that requested them, among many reads at once', async () => {
    const cache = await instance('a secret of the test');
    const keys = Array.from({ length: 300 }, (_, i) => digest(`many ${i}`));
    await Promise.all(keys.map((key, i) => store(cache, key, entryOf(i, digest('all'), key))));
    await vi.waitFor(async () => {
      expect(await outside.zcard(`stekkerdoos:1:tag:${digest('all')}`)).toBe(300);
    });
    const reads = await Promise.all(keys.map((_, i) => cache.read(keys.slice(i, i + 3))));
    expect(reads.map(({ entries }) => entries.map((entry) => entry?.value))).toEqual(
      keys.map((_, i) => [i, i + 1, i + 2].filter((n) => n < 300)),
    );
  });

  it('are forgotten even if Redis refuses writes because its memory is full, and stored again when it has space', async () => {
    const cache = await instance();
    await storeEntry(cache, digest('early'), entryOf('early', digest('tag')));
    const filler = () => entryOf(randomBytes(50_000).toString('base64'), digest('filler'));
    await outside.config('SET', 'maxmemory', '4mb');
    for (let i = 0; i < 100; i += 1) await store(cache, digest(`filler ${i}`), filler());
    await vi.waitFor(async () => {
      await expect(outside.set('one', 'x'.repeat(50_000))).rejects.toThrow('OOM');
    });
    expect(await outside.zcard(`stekkerdoos:1:tag:${digest('filler')}`)).toBeLessThan(100);
    expect(await valueOf(cache, digest('early'))).toBe('early');
    expect(await cache.count('while full', 60_000)).toBe(1);
    expect(cache.state).toBe('up');
    await cache.forget([digest('tag')]);
    expect(await valueOf(cache, digest('early'))).toBeUndefined();
    await cache.forget([digest('filler')]);
    await vi.waitFor(async () => {
      await store(cache, digest('late'), entryOf('late'));
      expect(await valueOf(cache, digest('late'))).toBe('late');
    });
  });

  it('are treated as missing if Redis has evicted one of their tags', async () => {
    const cache = await instance();
    await storeEntry(cache, digest('k'), entryOf('old', digest('tag'), digest('other')));
    await outside.del(`stekkerdoos:1:tag:${digest('tag')}`);
    expect(await valueOf(cache, digest('k'))).toBeUndefined();
    await cache.forget([digest('tag')]);
    await storeEntry(cache, digest('another'), entryOf('new', digest('tag')));
    expect(await valueOf(cache, digest('k'))).toBeUndefined();
    await storeEntry(cache, digest('k'), entryOf('new', digest('tag'), digest('other')));
  });

  it('includes a counter over all instances, which starts at 0 in each window', async () => {
    const [first, second] = [await instance(), await instance()];
    expect(await first.count('kvk 2024-05', 60_000)).toBe(1);
    expect(await second.count('kvk 2024-05', 60_000)).toBe(2);
    expect(await first.count('kvk 2024-06', 60_000)).toBe(1);
    expect(await first.count('cost', 60_000, 250)).toBe(250);
    expect(await second.count('cost', 60_000, -50)).toBe(200);
    expect(await first.count('short', 200)).toBe(1);
    await vi.waitFor(async () => {
      expect(await outside.exists('stekkerdoos:1:count:short')).toBe(0);
    });
    expect(await second.count('short', 200)).toBe(1);
  });
});
