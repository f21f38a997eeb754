import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { digest, entryOf, isUp, storeEntry, startInstance, valueOf, type Instance } from './instances.js';
import { startProxy, startRedis, type RedisServer } from './redis-server.js';

let redis: RedisServer;
let outside: Redis;
const open: { close(): Promise<void> }[] = [];

async function instance(url = redis.url): Promise<Instance> {
  const started = await startInstance({ url });
  open.push(started.cache);
  return started;
}

beforeAll(async () => {
  redis = await startRedis();
  outside = new Redis(redis.url);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((item) => item.close()));
  await outside.flushall();
});
afterAll(async () => {
  outside.disconnect();
  await redis.close();
});

const tag = digest('anna');
const key = digest('orders of anna');

describe('forgetting cached answers', () => {
  it('reaches every instance within 100 ms, and leaves nothing of the answer in Redis', async () => {
    const [first, second] = [await instance(), await instance()];
    await storeEntry(first.cache, key, entryOf('secret of anna', tag, digest('order-system')));
    await storeEntry(first.cache, digest('bert'), entryOf('bert', digest('order-system')));
    const startedAt = performance.now();
    await first.cache.forget([tag, digest('anna by phone')]);
    await vi.waitFor(
      () => {
        expect(second.forgotten).toEqual([tag, digest('anna by phone')]);
      },
      { interval: 1 },
    );
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(first.forgotten).toEqual(second.forgotten);
    expect(await valueOf(second.cache, key)).toBeUndefined();
    expect(await outside.exists(`stekkerdoos:1:entry:${key}`, `stekkerdoos:1:tag:${tag}`)).toBe(0);
    expect(await valueOf(second.cache, digest('bert'))).toBe('bert');
  });

  it('drops an answer that an instance stores later but requested earlier', async () => {
    const [first, second] = [await instance(), await instance()];
    const before = await first.cache.read([key]);
    await second.cache.forget([tag]);
    const after = await first.cache.read([key]);
    first.cache.write({
      key,
      entry: entryOf('old', digest('x'), tag),
      retentionMs: 60_000,
      since: before.since ?? 0,
    });
    first.cache.write({
      key: digest('bert'),
      entry: entryOf('bert', digest('x')),
      retentionMs: 60_000,
      since: before.since ?? 0,
    });
    await vi.waitFor(async () => {
      expect(await valueOf(second.cache, digest('bert'))).toBe('bert');
    });
    expect(await valueOf(second.cache, key)).toBeUndefined();
    first.cache.write({
      key,
      entry: entryOf('new', digest('x'), tag),
      retentionMs: 60_000,
      since: after.since ?? 0,
    });
    await vi.waitFor(async () => {
      expect(await valueOf(second.cache, key)).toBe('new');
    });
  });

  it('removes 20,000 answers of a source within 100 ms for readers', async () => {
    const { cache } = await instance();
    const source = digest('order-system');
    const pipeline = outside.pipeline();
    const until = Date.now() + 600_000;
    const { since } = await cache.read([]).then(() => cache.read([key]));
    for (let i = 0; i < 20_000; i += 1) {
      pipeline.set(
        `stekkerdoos:1:entry:${digest(`${i}`)}`,
        `${since ?? 0},${source}\n\0[1,1,${i}]`,
        'PX',
        600_000,
      );
      pipeline.zadd(`stekkerdoos:1:tag:${source}`, until, digest(`${i}`));
    }
    pipeline.pexpire(`stekkerdoos:1:tag:${source}`, 600_000);
    await pipeline.exec();
    expect(await valueOf(cache, digest('7'))).toBe(7);
    const startedAt = performance.now();
    await cache.forget([source]);
    const tookMs = performance.now() - startedAt;
    expect(await valueOf(cache, digest('7'))).toBeUndefined();
    expect(await valueOf(cache, digest('19999'))).toBeUndefined();
    await storeEntry(cache, digest('7'), entryOf('new', source));
    await vi.waitFor(async () => {
      expect(await outside.keys('stekkerdoos:1:swept:*')).toEqual([]);
    }, 10_000);
    expect(await outside.keys('stekkerdoos:1:entry:*')).toEqual([`stekkerdoos:1:entry:${digest('7')}`]);
    expect(await valueOf(cache, digest('7'))).toBe('new');
    expect(tookMs).toBeLessThan(100);
  });

  it('accepts thousands of tags in one call', async () => {
    const [first, second] = [await instance(), await instance()];
    const tags = Array.from({ length: 3_000 }, (_, i) => digest(`tag ${i}`));
    await storeEntry(first.cache, key, entryOf('x', tags[2_999] ?? ''));
    await first.cache.forget(tags);
    expect(await valueOf(second.cache, key)).toBeUndefined();
    await vi.waitFor(() => {
      expect(second.forgotten).toEqual(tags);
    });
  });

  it('is repeated after Redis was unreachable, and no instance reads an old answer before that', async () => {
    const proxy = await startProxy(redis.port);
    open.push(proxy);
    const [here, there] = [await instance(proxy.url), await instance()];
    await storeEntry(here.cache, key, entryOf('old', tag));
    const { since } = await here.cache.read([key]);
    proxy.cut();
    await expect(here.cache.forget([tag])).rejects.toThrow(
      'The shared cache has not forgotten the answers yet',
    );
    expect(await valueOf(there.cache, key)).toBe('old');
    const read: unknown[] = [];
    const reading = setInterval(() => void valueOf(here.cache, key).then((value) => read.push(value)), 5);
    proxy.mend();
    await isUp(here.cache);
    clearInterval(reading);
    expect(new Set(read)).toEqual(new Set([undefined]));
    expect(there.forgotten).toEqual([tag]);
    expect(await valueOf(there.cache, key)).toBeUndefined();
    // An answer from before the invalidation arrives now.
    here.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since: since ?? 0 });
    await storeEntry(here.cache, digest('other'), entryOf('other'));
    expect(await valueOf(here.cache, key)).toBeUndefined();
    expect(here.gaps()).toBe(2);
    expect(there.gaps()).toBe(1);
  });

  it('drops all answers if more tags wait for Redis than an instance can store', async () => {
    const proxy = await startProxy(redis.port);
    open.push(proxy);
    const [here, there] = [await instance(proxy.url), await instance()];
    await storeEntry(here.cache, key, entryOf('old', tag));
    const { since = 0 } = await there.cache.read([key]);
    proxy.cut();
    const tags = Array.from({ length: 10_001 }, (_, i) => digest(`tag ${i}`));
    await expect(here.cache.forget(tags)).rejects.toThrow('has not forgotten the answers yet');
    proxy.mend();
    await isUp(here.cache);
    expect(await valueOf(there.cache, key)).toBeUndefined();
    await vi.waitFor(() => {
      expect(there.gaps()).toBe(2);
    });
    there.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since });
    await storeEntry(there.cache, digest('other'), entryOf('other'));
    expect(await valueOf(there.cache, key)).toBeUndefined();
    await storeEntry(there.cache, key, entryOf('new', tag));
    expect(await valueOf(here.cache, key)).toBe('new');
  });

  it('is not undone if Redis crashes and restores an older snapshot', async () => {
    const saving = await startRedis(['--dbfilename', 'saved.rdb']);
    open.push(saving);
    const [first, second] = [await instance(saving.url), await instance(saving.url)];
    await storeEntry(first.cache, key, entryOf('old', tag));
    const { since } = await second.cache.read([key]);
    const admin = new Redis(saving.url, { retryStrategy: () => 50 });
    admin.on('error', () => undefined);
    await admin.save();
    await first.cache.forget([tag]);
    await saving.kill();
    await saving.start();
    await vi.waitFor(async () => {
      expect(await admin.exists(`stekkerdoos:1:entry:${key}`)).toBe(1);
    });
    admin.disconnect();
    await Promise.all([isUp(first.cache), isUp(second.cache)]);
    expect(await valueOf(first.cache, key)).toBeUndefined();
    expect(await valueOf(second.cache, key)).toBeUndefined();
    second.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since: since ?? 0 });
    await storeEntry(second.cache, digest('other'), entryOf('other'));
    expect(await valueOf(first.cache, key)).toBeUndefined();
    expect([first.gaps(), second.gaps()]).toEqual([2, 2]);
  });

  it('is not undone if an operator empties Redis', async () => {
    const [first, second] = [await instance(), await instance()];
    const { since } = await second.cache.read([key]);
    await first.cache.forget([tag]);
    await outside.flushall();
    second.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since: since ?? 0 });
    await second.cache.read([key]);
    await isUp(second.cache);
    await vi.waitFor(() => {
      expect(second.gaps()).toBe(2);
    });
    second.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since: since ?? 0 });
    await isUp(second.cache);
    await storeEntry(second.cache, digest('other'), entryOf('other'));
    expect(await valueOf(second.cache, key)).toBeUndefined();
  });

  it('drops all local answers if the message about it cannot be read', async () => {
    const { gaps, forgotten } = await instance();
    await outside.publish('stekkerdoos:1:forget', '{"from":"a later version"}');
    await outside.publish('stekkerdoos:1:forget', 'x');
    await vi.waitFor(() => {
      expect(gaps()).toBe(3);
    });
    expect(forgotten).toEqual([]);
  });

  it('works after an operator removes the scripts from Redis', async () => {
    const { cache } = await instance();
    await storeEntry(cache, key, entryOf('x', tag));
    await outside.script('FLUSH');
    expect(await valueOf(cache, key)).toBe('x');
    await outside.script('FLUSH');
    await storeEntry(cache, digest('other'), entryOf('y', tag));
    await outside.script('FLUSH');
    await cache.forget([tag]);
    expect(await valueOf(cache, key)).toBeUndefined();
  });

  it('never returns a forgotten answer, in any order of queries, answers and invalidations on two instances', async () => {
    const instances = [await instance(), await instance()] as const;
    const who = fc.nat(1);
    const what = fc.nat(2);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('load' as const), who, what }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(5) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('look' as const),
          who,
          what: fc.array(what, { minLength: 1, maxLength: 4 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('forget' as const),
          who,
          what,
          all: fc.boolean(),
          wait: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat(2) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        run += 1;
        const name = (subject: number | 'all') => digest(`${run} ${subject}`);
        /**
         * The current value of the system, and the oldest value that all instances, and each of them, may still show.
         */
        const current = [0, 0, 0];
        const leastForAll = [0, 0, 0];
        const answers: { who: 0 | 1; what: number; version: number; since: number }[] = [];
        const underWay: Promise<void>[] = [];
        const at = (index: number) => instances[index === 0 ? 0 : 1].cache;

        const look = async (index: number, subjects: readonly number[]): Promise<number | undefined> => {
          const least = [...leastForAll];
          const { entries, since } = await at(index).read(subjects.map((subject) => name(subject)));
          entries.forEach((entry, i) => {
            const subject = subjects[i] ?? 0;
            if (entry === undefined) return;
            const { of, version } = entry.value as { of: number; version: number };
            expect(of).toBe(subject);
            expect(version).toBeGreaterThanOrEqual(least[subject] ?? 0);
          });
          return since;
        };

        for (const step of steps) {
          if (step.do === 'load') {
            underWay.push(
              look(step.who, [step.what]).then((since) => {
                if (since === undefined) throw new Error('Redis was unavailable.');
                answers.push({
                  who: step.who === 0 ? 0 : 1,
                  what: step.what,
                  version: current[step.what] ?? 0,
                  since,
                });
              }),
            );
          } else if (step.do === 'answer') {
            const [question] = answers.splice(step.which % Math.max(1, answers.length), 1);
            if (question === undefined) continue;
            const { who: index, what: subject, version, since } = question;
            const entry = entryOf({ of: subject, version }, name(subject), name('all'));
            at(index).write({ key: name(subject), entry, retentionMs: 60_000, since });
          } else if (step.do === 'look') underWay.push(look(step.who, step.what).then(() => undefined));
          else if (step.do === 'pause') await new Promise((resolve) => setTimeout(resolve, step.ms));
          else {
            // The system now returns another value, so the test forgets the previous one.
            const subjects = step.all ? [0, 1, 2] : [step.what];
            for (const subject of subjects) current[subject] = (current[subject] ?? 0) + 1;
            const versions = [...current];
            const done = at(step.who)
              .forget([name(step.all ? 'all' : step.what)])
              .then(() => {
                for (const subject of subjects)
                  leastForAll[subject] = Math.max(leastForAll[subject] ?? 0, versions[subject] ?? 0);
              });
            if (step.wait) await done;
            else underWay.push(done);
          }
        }
        await Promise.all(underWay);
        await Promise.all([look(0, [0, 1, 2]), look(1, [0, 1, 2])]);
      }),
      { numRuns: 300 },
    );
    expect(instances.map(({ cache }) => cache.state)).toEqual(['up', 'up']);
  });

  it('removes forgotten answers from reads that are in progress', async () => {
    const proxy = await startProxy(redis.port);
    open.push(proxy);
    const [here, there] = [await instance(proxy.url), await instance()];
    for (const forgetful of [here, there]) {
      await storeEntry(here.cache, key, entryOf('old', tag));
      here.forgotten.length = 0;
      proxy.delay(100);
      const reading = here.cache.read([key, key]);
      await vi.waitFor(
        () => {
          expect(proxy.held()).toBe(1);
        },
        { interval: 1 },
      );
      // The message arrives before the answer, because it uses another connection.
      proxy.delay(0);
      const forgetting = forgetful.cache.forget([tag]);
      expect((await reading).entries).toEqual([undefined, undefined]);
      await forgetting;
      await vi.waitFor(() => {
        expect(here.forgotten).toEqual([tag]);
      });
    }
  });

  it('reaches an instance whose previous Redis had a later clock than the new one', async () => {
    const lost = await startRedis();
    open.push(lost);
    const proxy = await startProxy(lost.port);
    open.push(proxy);
    const [first, second] = [await instance(lost.url), await instance(proxy.url)];
    const admin = new Redis(lost.url);
    await admin.hset('stekkerdoos:1:state', 'seq', String((Date.now() + 3_600_000) * 1_000));
    admin.disconnect();
    const { since = 0 } = await second.cache.read([key]);
    expect(since).toBeGreaterThan((Date.now() + 3_000_000) * 1_000);
    await first.cache.forget([tag]);
    proxy.cut();
    await lost.kill();
    await lost.start();
    await isUp(first.cache);
    proxy.mend();
    await isUp(second.cache);
    second.cache.write({ key, entry: entryOf('old', tag), retentionMs: 60_000, since });
    await storeEntry(second.cache, digest('other'), entryOf('other'));
    expect(await valueOf(first.cache, key)).toBeUndefined();
    await storeEntry(first.cache, key, entryOf('new', tag));
  });
});
