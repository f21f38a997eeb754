import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import { startStandIns, type StandIns } from '../../sources/stand-ins/index.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { readDeclared } from '../privacy/declared.js';
import { wholeFields } from '../privacy/whole-view.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, DEMO_OPERATIONS, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { startRedis, type RedisServer } from './redis-server.js';

/** Tests that the content and the messages of Redis contain no personal data. */

const EVERYWHERE = 'everywhere@example.nl';
const FORGOTTEN = 'customer-3@example.nl';
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-nobody-'));

let standIns: StandIns;
let settings: Record<string, string>;
let redis: RedisServer;
let outside: Redis;
let monitor: Redis;
let heard: string[];
let gateway: TestGateway | undefined;

beforeAll(async () => {
  standIns = await startStandIns({
    customers: 10,
    ...(process.env.ORDER_SYSTEM_TEST_URL === undefined
      ? {}
      : { orderSystem: { connectionString: process.env.ORDER_SYSTEM_TEST_URL } }),
  });
  settings = Object.assign(
    {},
    ...standIns.standIns.map((standIn) => standIn.settings(standIn.url)),
  ) as Record<string, string>;
  redis = await startRedis();
  // The client info is disabled, because the client could read its reply as the reply to MONITOR.
  outside = new Redis(redis.url, { lazyConnect: true, disableClientInfo: true });
  await outside.connect();
  monitor = await outside.monitor();
  monitor.on('monitor', (_: unknown, items: string[]) => heard.push(items.join(' ')));
});
afterEach(async () => {
  await gateway?.close();
  await outside.flushall();
});
afterAll(async () => {
  monitor.disconnect();
  outside.disconnect();
  await redis.close();
  await standIns.close();
  rmSync(folder, { recursive: true });
});

/** Queries a whole customer, the pages of a visitor and a campaign, and suppresses a customer. */
async function queryEverything(cacheSecret: Record<string, string>): Promise<string[]> {
  heard = [];
  const answers = createTestGateway(
    {
      ...settings,
      ...CALLER_SETTINGS,
      ...cacheSecret,
      REDIS_URL: redis.url,
      DEADLINE_MS: '30000',
      CLICKSTREAM_TIMEOUT_MS: '20000',
      IDENTITY_PATIENCE_MS: '20000',
      MAX_TOKENS: '20000',
      AUDIT_FILE: join(folder, `audit-${Object.keys(cacheSecret).length}.jsonl`),
    },
    {
      operations: DEMO_OPERATIONS,
      sources: sources.map((source) => ({ ...source, freshness: { maxAge: '1 hour' } })),
    },
  );
  gateway = answers;
  const operator = await headersOf('operator');
  const by = { email: EVERYWHERE };
  await vi.waitFor(
    async () => {
      const { data } = await answers.query(
        'query ($by: CustomerKey!) { customer(by: $by) { name } }',
        { by },
        operator,
      );
      expect(data?.customer).toHaveProperty('name');
      expect(await outside.keys('*:entry:*')).not.toEqual([]);
    },
    { timeout: 20_000, interval: 200 },
  );
  const found = await answers.query(
    'query ($by: CustomerKey!) { customer(by: $by) { company { kvkNumber } orders(first: 1) { nodes { number } } } }',
    { by },
    operator,
  );
  const logged: unknown[] = [found.data];
  for (const { operation } of wholeFields(readDeclared(), {
    kvkNumber: String(at(found.data, 'customer', 'company', 'kvkNumber')),
    orderNumber: String(at(found.data, 'customer', 'orders', 'nodes', 0, 'number')),
  })) {
    const { data } = await answers.query(operation, operation.includes('$by') ? { by } : {}, operator);
    logged.push(data);
  }
  // test/redis/events.redis.ts tests events for subscribers, which also use Redis.
  const queries = readPersistedOperations(DEMO_OPERATIONS).filter(({ document }) =>
    document.startsWith('query'),
  );
  for (const { name, documentId } of queries.filter((query) => query.name.startsWith('My'))) {
    const response = await answers.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await headersOf('visitor')) },
      body: JSON.stringify({ documentId }),
    });
    expect(response.status, name).toBe(200);
    logged.push(await response.json());
  }
  const forgotten = await answers.query(
    '{ customer(by: { email: "customer-3@example.nl" }) { name primaryEmail primaryPhone emails { value } } }',
    {},
    operator,
  );
  logged.push(forgotten.data);
  await vi.waitFor(async () => {
    await answers.forget({ identifier: { namespace: 'email', value: FORGOTTEN }, suppress: true });
  });
  await vi.waitFor(async () => {
    const count = await outside.dbsize();
    expect(count).toBeGreaterThan(30);
    expect(await outside.keys('*:suppressed')).toHaveLength(1);
  });
  return personal(logged);
}

/** Personal texts that are long enough not to occur by chance, and that are not words of the gateway or the systems. */
function personal(logged: unknown): string[] {
  const texts = new Set<string>([EVERYWHERE, FORGOTTEN]);
  const ours = new Set(sources.map(({ name }) => name));
  const gather = (value: unknown): void => {
    if (typeof value === 'string') {
      if (value.length >= 6 && !ours.has(value) && !/^[A-Z_]+$/.test(value)) texts.add(value);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(gather);
  };
  gather(logged);
  return [...texts];
}

/** Returns all values in Redis, by key, and all commands that were sent to it. */
async function contentOfRedis(): Promise<{ keys: string[]; everything: string }> {
  const keys: string[] = [];
  for await (const some of outside.scanStream()) keys.push(...(some as string[]));
  const contents: string[] = [];
  for (const key of keys) {
    const type = await outside.type(key);
    if (type === 'string') contents.push((await outside.getBuffer(key))?.toString('latin1') ?? '');
    else if (type === 'hash') contents.push(JSON.stringify(await outside.hgetall(key)));
    else if (type === 'set') contents.push((await outside.smembers(key)).join('\n'));
    else if (type === 'zset') contents.push((await outside.zrange(key, 0, -1)).join('\n'));
    else throw new Error(`The test cannot read the type ${type}.`);
  }
  return { keys, everything: [...keys, ...contents, ...heard].join('\n') };
}

/** Encodes the texts in UTF-8, because values in Redis are compared as bytes. */
const foundIn = (everything: string, texts: readonly string[]): string[] =>
  texts.filter(
    (text) => everything.includes(text) || everything.includes(Buffer.from(text, 'utf8').toString('latin1')),
  );

describe('the content of Redis', () => {
  it('contains no personal data in keys, values or messages', async () => {
    const texts = await queryEverything({ CACHE_SECRET: 'a secret of the tests, too' });
    expect(texts.length).toBeGreaterThan(200);
    const { keys, everything } = await contentOfRedis();
    expect(keys.some((key) => key.includes(':entry:'))).toBe(true);
    expect(heard.length).toBeGreaterThan(keys.length);
    expect(foundIn(everything, texts)).toEqual([]);
  });

  it('has only keys of digests, names of sources and keys of callers', async () => {
    await queryEverything({ CACHE_SECRET: 'a secret of the tests, too' });
    const { keys } = await contentOfRedis();
    const kinds = [
      /^state$/,
      /^suppressed$/,
      /^(entry|tag|forgotten):[\da-f]{64}$/,
      /^swept:\d+:[\da-f]{64}$/,
      /^count:cost (operator|jwt:id\.test\.example:[\w-]{43}) \d+$/,
      new RegExp(`^count:(${sources.map(({ name }) => name).join('|')}) [\\d-]+$`),
    ];
    for (const key of keys) {
      expect(key).toMatch(/^stekkerdoos:1:/);
      const name = key.slice('stekkerdoos:1:'.length);
      expect(
        kinds.filter((kind) => kind.test(name)),
        name,
      ).toHaveLength(1);
    }
    expect(keys.filter((key) => key.includes(':count:cost jwt:'))).not.toEqual([]);
    expect(keys.filter((key) => key.includes(':count:cost operator '))).not.toEqual([]);
    for (const value of await outside.smembers('stekkerdoos:1:suppressed'))
      expect(value).toMatch(/^(key:)?[\w-]{43}$/);
  });

  it('contains personal data without CACHE_SECRET, so the test can find it', async () => {
    const texts = await queryEverything({});
    const { everything, keys } = await contentOfRedis();
    expect(foundIn(everything, texts).length).toBeGreaterThan(20);
    // The keys are digests even without CACHE_SECRET.
    expect(foundIn(keys.join('\n'), texts)).toEqual([]);
  });
});
