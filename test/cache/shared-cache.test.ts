import type { Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSharedCache, type SharedCache } from '../../src/cache/shared-cache.js';
import { imitation, listenAs, SEQ } from './shared-cache/imitation.js';

const WAIT_MS = 20;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  vi.doUnmock('ioredis');
  for (const item of open.splice(0).reverse()) await item.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const server = await listenAs(onConnection);
  open.push(server);
  return server.url;
}

function connect(
  url: string,
  waitMs = WAIT_MS,
): {
  cache: SharedCache;
  log: () => string;
  gaps: () => number;
  forgotten: string[][];
} {
  const lines: string[] = [];
  const forgotten: string[][] = [];
  let gaps = 0;
  const cache = createSharedCache({
    url,
    logger: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }),
    onForget: (tags) => forgotten.push([...tags]),
    onGap: () => {
      gaps += 1;
    },
    waitMs,
  });
  open.push(cache);
  return { cache, log: () => lines.join(''), gaps: () => gaps, forgotten };
}

/** Three reads, one after the other, and a write, as in a request. Resolves to the number of reads that had to wait. */
async function request(cache: SharedCache): Promise<number> {
  let waits = 0;
  for (let i = 0; i < 3; i += 1) {
    const reading = cache.read(['one', 'two']);
    const isAtOnce = reading.then(() => true);
    if (!(await Promise.race([isAtOnce, new Promise<false>((resolve) => setImmediate(resolve, false))])))
      waits += 1;
    expect((await reading).entries).toEqual([undefined, undefined]);
  }
  cache.write({
    key: 'one',
    entry: { value: 1, fetchedAt: 0, maxAgeMs: 1, tags: [] },
    retentionMs: 1_000,
    since: 1,
  });
  return waits;
}

describe('the shared cache with a faulty Redis', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['refuses connections', () => undefined],
    ['accepts connections and never answers', () => undefined],
    ['closes every connection', (socket) => socket.destroy()],
    [
      'answers garbage',
      (socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    [
      'answers nothing but errors',
      (socket) => socket.on('data', () => socket.write('-ERR no\r\n'.repeat(5))),
    ],
    ['answers OK to everything', (socket) => socket.on('data', () => socket.write('+OK\r\n'.repeat(5)))],
  ])('is skipped if Redis %s', async (what, behaviour) => {
    const url =
      what === 'refuses connections' ? 'redis://:not-to-be-logged@127.0.0.1:1' : await listen(behaviour);
    const { cache, log, gaps } = connect(url);
    for (let i = 0; i < 20; i += 1) {
      expect(await request(cache)).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all([
      expect(cache.forget(['tag'])).rejects.toThrow('has not forgotten the answers yet'),
      expect(cache.count('quota', 1_000)).rejects.toThrow('cannot count'),
    ]);
    expect(cache.state).toBe('down');
    expect(gaps()).toBe(0);
    expect(log()).not.toContain('not-to-be-logged');
    expect(log().split('cannot be reached').length).toBeLessThan(3);
  });

  it('logs which package to install if the driver is missing', async () => {
    vi.doMock('ioredis', () => {
      throw new Error('Cannot find package');
    });
    const { cache, log } = connect('redis://127.0.0.1:1');
    await vi.waitFor(() => {
      expect(log()).toContain('npm install ioredis');
    });
    expect(await request(cache)).toBe(0);
    expect(cache.state).toBe('down');
  });

  it('waits once for a slow Redis, then skips it, and uses it again later', async () => {
    const redis = imitation();
    const { cache, log } = connect(await listen(redis.serve));
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    expect(await cache.read(['one', 'two'])).toEqual({ entries: [undefined, undefined], since: SEQ });
    redis.delayMs = 2_000;
    const period = redis.scripts;
    const waits = [];
    for (let i = 0; i < 20; i += 1) waits.push(await request(cache));
    expect(waits).toEqual([1, ...Array<number>(19).fill(0)]);
    expect(redis.scripts - period).toBe(1);
    expect(cache.state).toBe('down');
    redis.delayMs = 0;
    await vi.waitFor(
      () => {
        expect(cache.state).toBe('up');
      },
      { timeout: 10_000 },
    );
    expect((await cache.read(['one', 'two'])).since).toBe(SEQ);
    expect(log()).toContain('in time again');
  });

  it('applies one timeout to all reads in progress', async () => {
    const redis = imitation();
    const { cache } = connect(await listen(redis.serve));
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    redis.delayMs = 60_000;
    const reads = await Promise.all(Array.from({ length: 1_000 }, (_, i) => cache.read([`key ${i}`])));
    expect(reads.every(({ since }) => since === undefined)).toBe(true);
  });

  it('is available only when both connections have reached the same Redis, during a failover', async () => {
    const redis = imitation();
    redis.nextRuns.push('0123456789abcdef', 'fedcba9876543210');
    const { cache, log } = connect(await listen(redis.serve));
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    expect(log()).toContain('Redis does not report one run_id.');
    expect(redis.nextRuns).toEqual([]);
  });

  it('does not treat Redis as slow if the process of the gateway is slow', async () => {
    const redis = imitation();
    const { cache } = connect(await listen(redis.serve));
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    const reading = cache.read(['one']);
    await new Promise((resolve) => setTimeout(resolve, 8));
    for (const until = performance.now() + 3 * WAIT_MS; performance.now() < until;);
    await reading;
    expect(cache.state).toBe('up');
  });

  it('reports invalidations by other instances, and missed messages after a lost connection', async () => {
    const redis = imitation();
    const { cache, gaps, forgotten } = connect(await listen(redis.serve));
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    expect(gaps()).toBe(1);
    redis.publish('["a","b"]');
    await vi.waitFor(() => {
      expect(forgotten).toEqual([['a', 'b']]);
    });
    redis.publish('[1]');
    await vi.waitFor(() => {
      expect(gaps()).toBe(2);
    });
    redis.hangUp();
    await vi.waitFor(() => {
      expect(cache.state).toBe('down');
    });
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    expect(gaps()).toBe(3);
    expect(forgotten).toHaveLength(1);
  });

  it('returns no entry that another instance forgets while it is read, or whose connection is lost', async () => {
    const redis = imitation();
    redis.stored = '1,tag\n\0[0,1000,"value"]';
    const { cache, forgotten } = connect(await listen(redis.serve), 1_000);
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    const values = async () => (await cache.read(['a'])).entries.map((entry) => entry?.value);
    expect(await values()).toEqual(['value']);
    redis.delayMs = 50;
    for (const [message, expected] of [
      ['["other"]', 'value'],
      ['["tag"]', undefined],
      ['*', undefined],
    ] as const) {
      const reading = values();
      await new Promise((resolve) => setTimeout(resolve, 10));
      redis.publish(message);
      expect([message, await reading]).toEqual([message, [expected]]);
    }
    expect(forgotten).toEqual([['other'], ['tag']]);
  });

  it('sends what was forgotten while it was disconnected, and is read only after that', async () => {
    const redis = imitation();
    const { cache } = connect(await listen(redis.serve), 1_000);
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    redis.hangUp();
    await vi.waitFor(() => {
      expect(cache.state).toBe('down');
    });
    const before = redis.scripts;
    await cache.forget(['a', 'b']);
    expect(cache.state).toBe('up');
    // One script opened the connection, and one forgot.
    expect(redis.scripts - before).toBe(2);
  });

  it('does not count if Redis returns no number', async () => {
    const redis = imitation();
    const { cache } = connect(await listen(redis.serve), 1_000);
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    await expect(cache.count('quota', 1_000)).rejects.toThrow('returned no number');
  });

  it('can be closed at any time, and logs nothing afterwards', async () => {
    const redis = imitation();
    const { cache, gaps } = connect(await listen(redis.serve));
    const { cache: early } = connect(await listen(redis.serve));
    await early.close();
    await vi.waitFor(() => {
      expect(cache.state).toBe('up');
    });
    const reading = cache.read(['one', 'two']);
    await cache.close();
    await cache.close();
    expect((await reading).entries).toEqual([undefined, undefined]);
    expect(await request(cache)).toBe(0);
    await expect(cache.forget(['tag'])).rejects.toThrow();
    expect([cache.state, early.state, gaps()]).toEqual(['down', 'down', 1]);
  });
});
