import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisFindings } from '../../src/doctor/redis.js';
import { startRedis, type RedisServer } from './redis-server.js';

const PASSWORD = 'a-password-of-the-tests';
let redis: RedisServer;
let outside: Redis;
let url: string;

beforeAll(async () => {
  redis = await startRedis(['--requirepass', PASSWORD]);
  url = redis.url.replace('redis://', `redis://:${PASSWORD}@`);
  outside = new Redis(url);
});
beforeEach(async () => {
  await outside.flushall();
  await outside.config('SET', 'maxmemory', '50mb');
  await outside.config('SET', 'maxmemory-policy', 'volatile-lru');
});
afterAll(async () => {
  outside.disconnect();
  await redis.close();
});

const examine = async (
  options: Partial<Parameters<typeof redisFindings>[0]> = {},
): Promise<Awaited<ReturnType<typeof redisFindings>>> => {
  const findings = await redisFindings({ url, holdsSuppressionList: true, quotas: [], ...options });
  expect(JSON.stringify(findings)).not.toContain(PASSWORD);
  return findings;
};

describe('the check of Redis', () => {
  it('has no finding if only answers may be evicted, and writes nothing', async () => {
    expect(await examine({ quotas: [{ source: 'register', quota: { calls: 10, per: 'day' } }] })).toEqual([]);
    expect(await outside.dbsize()).toBe(0);
  });

  it.each([
    ['allkeys-lru', true, 'error'],
    ['allkeys-random', false, 'warning'],
  ])(
    'finds the policy %s, with the list of erased customers in Redis: %s',
    async (policy, holds, severity) => {
      await outside.config('SET', 'maxmemory-policy', policy);
      const [finding, ...others] = await examine({ holdsSuppressionList: holds });
      expect(others).toEqual([]);
      expect(finding).toMatchObject({ check: 'eviction', severity, where: 'REDIS_URL' });
      expect(finding?.seen).toContain(`maxmemory-policy ${policy}`);
      expect(finding?.remedy).toContain('volatile-lru');
    },
  );

  it('accepts any policy if the memory has no limit', async () => {
    await outside.config('SET', 'maxmemory', '0');
    await outside.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await examine()).toEqual([]);
  });

  it.each([
    [89, []],
    [90, ['warning']],
    [100, ['error']],
  ])('reports %s of 100 calls of this day as %j', async (used, severities) => {
    await outside.set(`stekkerdoos:1:count:register ${new Date().toISOString().slice(0, 10)}`, used);
    const found = await examine({ quotas: [{ source: 'register', quota: { calls: 100, per: 'day' } }] });
    expect(found.map(({ severity }) => severity)).toEqual(severities);
    for (const { check, where } of found)
      expect({ check, where }).toEqual({ check: 'quotas', where: 'register' });
  });

  it('finds a wrong password', async () => {
    const [finding] = await examine({ url: redis.url.replace('redis://', 'redis://:wrong@') });
    expect(finding).toMatchObject({ check: 'credentials', severity: 'error' });
    expect(finding?.remedy).toContain('password in REDIS_URL');
  });

  it('finds a Redis that does not answer', async () => {
    const [finding] = await examine({ url: 'redis://127.0.0.1:1' });
    expect(finding).toMatchObject({ check: 'reachability', severity: 'error' });
    expect(finding?.seen).toContain('ECONNREFUSED');
  });
});
