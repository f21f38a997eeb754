import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SuppressionUnavailableError } from '../../src/errors.js';
import { createDigests, createSuppression, type Suppression } from '../../src/privacy/suppression.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { startProxy, startRedis, type Proxy, type RedisServer } from './redis-server.js';

const SECRET = 'a secret of the tests';
const SET = 'stekkerdoos:1:suppressed';
const anna = { namespace: 'email', value: 'anna@example.nl' };
const bert = { namespace: 'phone', value: '+31612345678' };

let redis: RedisServer;
let outside: Redis;
let proxy: Proxy;
const open: Suppression[] = [];

function instance(url = redis.url, secret = SECRET, logger = createLogger('silent')): Suppression {
  const suppression = createSuppression({
    secret,
    file: undefined,
    redisUrl: url,
    logger,
    clock: performance,
  });
  open.push(suppression);
  return suppression;
}

async function loaded(suppression: Suppression): Promise<Suppression> {
  await vi.waitFor(() => suppression.loading(), { timeout: 10_000 });
  return suppression;
}

beforeAll(async () => {
  redis = await startRedis();
  outside = new Redis(redis.url, { retryStrategy: () => 50 });
  outside.on('error', () => undefined);
});
beforeEach(async () => {
  proxy = await startProxy(redis.port);
});
afterEach(async () => {
  for (const suppression of open.splice(0)) suppression.close();
  await proxy.close();
  await outside.flushall();
});
afterAll(async () => {
  outside.disconnect();
  await redis.close();
});

describe('the suppression list in Redis', () => {
  it('is shared by all instances, contains only digests, and never expires', async () => {
    const [first, second] = [await loaded(instance()), await loaded(instance())];
    expect(second.has(anna)).toBe(false);
    const { version } = second;
    await first.add([anna, bert]);
    expect(first.has(anna)).toBe(true);
    await vi.waitFor(() => {
      expect(second.has(anna) && second.has(bert)).toBe(true);
    });
    expect(second.version).not.toBe(version);
    expect(await outside.ttl(SET)).toBe(-1);
    const { of, mark } = createDigests(SECRET);
    expect((await outside.smembers(SET)).sort()).toEqual([mark, of(anna), of(bert)].sort());
    expect((await loaded(instance())).has(bert)).toBe(true);
  });

  it('logs no error while Redis works', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const lines: unknown[] = [];
    const logger = createLogger('silent');
    vi.spyOn(logger, 'error').mockImplementation((...words: unknown[]) => void lines.push(words));
    for (let i = 0; i < 20; i += 1) await loaded(instance(redis.url, SECRET, logger));
    // An unread list would be logged within this time.
    vi.advanceTimersByTime(5_000);
    vi.useRealTimers();
    expect(lines).toEqual([]);
  });

  it('must be read once before any customer is shown', async () => {
    proxy.cut();
    const suppression = instance(proxy.url);
    await expect(suppression.loading()).rejects.toThrow(SuppressionUnavailableError);
    await expect(suppression.add([anna])).rejects.toThrow(SuppressionUnavailableError);
    proxy.mend();
    await loaded(suppression);
    expect(suppression.isEmpty).toBe(true);
  });

  it('remains in effect while Redis is disconnected, and is read again afterwards', async () => {
    const [here, there] = [await loaded(instance(proxy.url)), await loaded(instance())];
    await here.add([anna]);
    proxy.cut();
    await there.add([bert]);
    expect(here.loading()).toBeUndefined();
    expect(here.has(anna)).toBe(true);
    expect(here.has(bert)).toBe(false);
    await expect(here.add([bert])).rejects.toThrow('the customer was not added');
    proxy.mend();
    await vi.waitFor(
      () => {
        expect(here.has(bert)).toBe(true);
      },
      { timeout: 10_000 },
    );
  });

  it('is restored by an instance that has loaded it if Redis loses it', async () => {
    const suppression = await loaded(instance(proxy.url));
    await suppression.add([anna]);
    await outside.flushall();
    proxy.cut();
    proxy.mend();
    await vi.waitFor(
      async () => {
        expect(await outside.scard(SET)).toBe(2);
      },
      { timeout: 10_000 },
    );
    expect(suppression.has(anna)).toBe(true);
    expect((await loaded(instance())).has(anna)).toBe(true);
  });

  it('is refused by an instance with another secret, which would recognise no customer', async () => {
    await (await loaded(instance())).add([anna]);
    const stranger = instance(redis.url, 'another secret of the tests');
    await expect(stranger.loading()).rejects.toThrow(SuppressionUnavailableError);
    await expect(stranger.add([bert])).rejects.toThrow(SuppressionUnavailableError);
  });

  it('no longer contains the entries that an operator removes', async () => {
    const suppression = await loaded(instance(proxy.url));
    await suppression.add([anna]);
    await outside.srem(SET, createDigests(SECRET).of(anna));
    await outside.publish(`${SET}:changed`, 'changed');
    await vi.waitFor(() => {
      expect(suppression.has(anna)).toBe(false);
    });
  });

  it('is read again if it changes during a read', async () => {
    const suppression = await loaded(instance());
    let resume: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (resume = resolve));
    const read = vi.spyOn(Redis.prototype, 'smembers');
    const emit = vi.spyOn(Redis.prototype, 'emit');
    try {
      // This delays the answer of Redis from before the change.
      read.mockReturnValueOnce(held.then(() => []));
      await outside.publish(`${SET}:changed`, 'changed');
      await vi.waitFor(() => {
        expect(read).toHaveBeenCalledTimes(1);
      });
      const { of, mark } = createDigests(SECRET);
      await outside.sadd(SET, mark, of(anna));
      await outside.publish(`${SET}:changed`, 'changed');
      await vi.waitFor(() => {
        expect(emit.mock.calls.filter(([event]) => event === 'message')).toHaveLength(2);
      });
      resume();
      await vi.waitFor(() => {
        expect(suppression.has(anna)).toBe(true);
      });
    } finally {
      resume();
      read.mockRestore();
      emit.mockRestore();
    }
  });
});
