import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { sendJson, startServer } from '../connectors/server.js';
import { ONE_CUSTOMER, ordinaryCustomers } from '../gateway/queries.js';
import { FOUR_SYSTEMS } from '../support/stand-ins.js';
import { startGatewayProcess, type GatewayProcess } from './gateway-processes.js';
import { startRedis } from './redis-server.js';

const standIns = await startStandIns({
  customers: 60,
  ...(process.env.ORDER_SYSTEM_TEST_URL === undefined
    ? {}
    : { orderSystem: { connectionString: process.env.ORDER_SYSTEM_TEST_URL } }),
});
const { people } = standIns.world;
const control = await createFaultControl(standIns.standIns.filter(({ name }) => FOUR_SYSTEMS.includes(name)));
const redis = await startRedis();
let onBoard = 'first';
const board = await startServer((_, response) => {
  sendJson(response, { text: onBoard });
});
const settings = {
  ...control.settings,
  NOTICE_BOARD_URL: board.url,
  NOTICE_BOARD_TOKEN: 'secret',
};
const shared = { REDIS_URL: redis.url, CACHE_SECRET: 'a secret of the tests, too' };

let outside: Redis;
let gatewayProcess: GatewayProcess;
let other: GatewayProcess;
/** A gateway without Redis, on the same machine and with the same systems. */
let alone: GatewayProcess;

beforeAll(async () => {
  outside = new Redis(redis.url, { retryStrategy: () => 50 });
  outside.on('error', () => undefined);
  [gatewayProcess, other, alone] = await Promise.all([
    startGatewayProcess({ ...settings, ...shared }),
    startGatewayProcess({ ...settings, ...shared }),
    startGatewayProcess(settings),
  ]);
  await allUp();
  // The first query compiles code.
  for (const gateway of [gatewayProcess, other, alone])
    for (const by of ordinaryCustomers(20)) await gateway.query(ONE_CUSTOMER, { by });
});
afterAll(async () => {
  await Promise.all([gatewayProcess, other, alone].map((gateway) => gateway.stop()));
  outside.disconnect();
  await redis.close();
  await control.close();
  await standIns.close();
  await board.close();
});

async function allUp(): Promise<void> {
  for (const gateway of [gatewayProcess, other])
    await vi.waitFor(
      async () => {
        expect(await gateway.metric('stekkerdoos_shared_cache_up')).toBe(1);
      },
      { timeout: 15_000, interval: 20 },
    );
}

/** A customer that every system knows. */
const known = people.filter(({ email }) => email.startsWith('customer-')).find(isKnown);
if (known === undefined) throw new Error('The seed data has no customer that all systems know.');

function isKnown({ orderSystem, webshop, contactCentre, crm }: Person): boolean {
  return (
    (orderSystem?.orders.length ?? 0) > 0 &&
    webshop?.draftOrders.some(({ status }) => status === 'OPEN') === true &&
    (contactCentre?.tickets.length ?? 0) > 0 &&
    crm?.companyId !== undefined
  );
}

/** Empties the caches of all gateways and of Redis. */
beforeEach(forgetAll);
async function forgetAll(): Promise<void> {
  for (const source of [...Object.keys(control.counters()), 'notice-board'])
    expect(await gatewayProcess.forget({ source })).toBe(200);
  await vi.waitFor(async () => {
    expect(await entries()).toEqual([]);
  });
  await control.heal();
  board.seen.length = 0;
}

const entries = () => outside.keys('stekkerdoos:1:entry:*');

const callsSince = (): Record<string, number> =>
  Object.fromEntries(Object.entries(control.counters()).map(([name, { calls }]) => [name, calls]));
const NOT_CALLED = { 'order-system': 0, webshop: 0, 'contact-centre': 0, 'crm-hubspot': 0 };

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/** Sends a query, and waits until all answers are stored in Redis. */
async function queryAndCache(gateway: GatewayProcess, query: string, variables: object) {
  const before = (await entries()).length;
  const answer = await gateway.query(query, variables, { 'x-sources': '1' });
  expect(answer).toMatchObject({ status: 200, errors: [] });
  await vi.waitFor(
    async () => {
      expect((await entries()).length - before).toBe(sum(Object.values(answer.records)));
    },
    { timeout: 5_000, interval: 5 },
  );
  return answer;
}

/** The maximum time until a gateway detects Redis: it tries at least every two seconds, and the machine may be busy. */
const WHEN_IT_IS_BACK = { timeout: 15_000, interval: 200 };

describe('two gateways with one Redis', () => {
  it('call a system once for a query that both receive', async () => {
    const by = { email: 'customer-31@example.nl' };
    const { data } = await queryAndCache(gatewayProcess, ONE_CUSTOMER, { by });
    expect(Object.values(callsSince()).every((calls) => calls > 0)).toBe(true);
    await control.heal();
    const again = await other.query(ONE_CUSTOMER, { by }, { 'x-sources': '1' });
    expect(again).toMatchObject({ status: 200, errors: [] });
    expect(again.data).toEqual(data);
    expect(callsSince()).toEqual(NOT_CALLED);
  });

  it('return no answer that the other has forgotten, after 100 ms', async () => {
    const query = 'query($by: CustomerKey!) { customer(by: $by) { notice } }';
    const by = { email: 'everywhere@example.nl' };
    const { customerNumber } = people.find(({ email }) => email === by.email)?.orderSystem ?? {};
    const noticeAt = async (gateway: GatewayProcess) => {
      const { errors, data } = await gateway.query(query, { by });
      expect(errors).toEqual([]);
      return data?.customer?.notice;
    };
    const delays: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const [here, there] = round % 2 === 0 ? [gatewayProcess, other] : [other, gatewayProcess];
      onBoard = `old ${round}`;
      expect(await here.forget({ identifier: { customerNumber } })).toBe(200);
      await vi.waitFor(async () => {
        expect([await noticeAt(here), await noticeAt(there)]).toEqual([onBoard, onBoard]);
      });
      const old = onBoard;
      onBoard = `new ${round}`;
      expect([await noticeAt(here), await noticeAt(there)]).toEqual([old, old]);

      expect(await here.forget({ identifier: by })).toBe(200);
      const forgottenAt = performance.now();
      let fetchedAt = forgottenAt;
      while ((await noticeAt(there)) === old) fetchedAt = performance.now();
      delays.push(fetchedAt - forgottenAt);
      expect([await noticeAt(here), await noticeAt(there)]).toEqual([onBoard, onBoard]);
    }
    expect(Math.max(...delays)).toBeLessThan(100);
  });

  it('dispatch each batch at most twice for a thousand simultaneous queries', async () => {
    const by = { email: known.email };
    const before = [await gatewayProcess.batches(), await other.batches()];
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) =>
        (i % 2 === 0 ? gatewayProcess : other).query(ONE_CUSTOMER, { by }),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, errors: [], data: { customer: { cart: {} } } });
    // `/metrics` is cached for a second, and a thousand requests may need less.
    await vi.waitFor(
      async () => {
        const after = [await gatewayProcess.batches(), await other.batches()];
        const loaders = new Set(after.flatMap((batches) => [...batches.keys()]));
        const answers = [...loaders].map((loader) =>
          sum(after.map((batches, i) => (batches.get(loader) ?? 0) - (before[i]?.get(loader) ?? 0))),
        );
        expect(answers.filter((times) => times > 0)).toHaveLength(11);
        expect(Math.max(...answers)).toBeLessThanOrEqual(2);
        // The systems received one call for each batch.
        expect(sum(Object.values(callsSince()))).toBe(sum(answers));
      },
      { timeout: 3_000, interval: 100 },
    );
  });

  it('neither store nor send data in Redis that identifies a person', async () => {
    const { email, phone, lastName, orderSystem, webshop, contactCentre, crm } = known;
    const by = { email };
    const items: string[] = [];
    const listener = new Redis(redis.url, { lazyConnect: true });
    await listener.connect();
    listener.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) => {
      items.push(`${channel.toString('latin1')} ${message.toString('latin1')}`);
    });
    await listener.psubscribe('*');

    const { data } = await queryAndCache(gatewayProcess, ONE_CUSTOMER, { by });
    const stored = await everythingInRedis();
    expect(await other.forget({ identifier: by })).toBe(200);
    await vi.waitFor(() => {
      expect(items.length).toBeGreaterThan(0);
    });
    const afterwards = await everythingInRedis();
    listener.disconnect();

    const ids = [orderSystem?.customerNumber, webshop?.customerId, contactCentre?.userId, crm?.contactId];
    const personal = [email, phone, lastName, ...ids, ...textsIn(data)].map(String);
    expect(personal.length).toBeGreaterThan(20);
    const texts = [...stored, ...afterwards, ...items];
    expect(personal.filter((word) => texts.some((text) => text.includes(word)))).toEqual([]);
  });
});

/** Names and values, byte for byte. */
async function everythingInRedis(): Promise<string[]> {
  const names = await outside.keys('*');
  const values = await Promise.all(
    names.map(async (name) => {
      switch (await outside.type(name)) {
        case 'string':
          return [(await outside.getBuffer(name))?.toString('latin1') ?? ''];
        case 'hash':
          return Object.entries(await outside.hgetall(name)).flat();
        case 'zset':
          return outside.zrange(name, 0, '-1');
        case 'none':
          return [];
        default:
          throw new Error(`The test cannot read the type of the key ${name}.`);
      }
    }),
  );
  return [...names, ...values.flat()];
}

/** All texts of an answer that are long enough not to occur by chance. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length < 6 ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

interface Seen {
  phase: Phase;
  withRedis: boolean;
  ms: number;
}
/** The state of Redis at the end of the request. */
type Phase = 'there' | 'gone' | 'back';

const QUERY = `query($by: CustomerKey!) {
  customer(by: $by) { id orders { nodes { number } } tickets { nodes { subject } } }
}`;

/** Sends requests about different customers to each gateway in sequence, until it is stopped. */
async function startTraffic() {
  const customers = ordinaryCustomers(50);
  const expected = new Map<string, unknown>();
  for (const by of customers) {
    const { data, errors } = await alone.query(QUERY, { by });
    expect(errors).toEqual([]);
    expected.set(by.email, data);
  }
  const seen: Seen[] = [];
  const lost: unknown[] = [];
  const now: { phase: Phase } = { phase: 'there' };
  let isOver = false;
  const goOn = async (gateway: GatewayProcess, first: number): Promise<void> => {
    for (let i = first; !isOver; i += 1) {
      const by = customers[i % customers.length] ?? { email: '' };
      const startedAt = performance.now();
      // The requests also read from Redis, even if an answer is in memory, and write answers of the systems to it.
      const answer = await gateway
        .query(QUERY, { by }, { 'cache-control': 'no-cache' })
        .catch((error: unknown) => ({ status: 0, errors: [error], data: undefined }));
      const ms = performance.now() - startedAt;
      const isRight = JSON.stringify(answer.data) === JSON.stringify(expected.get(by.email));
      if (answer.status !== 200 || answer.errors.length > 0 || !isRight) lost.push(answer);
      else seen.push({ phase: now.phase, withRedis: gateway !== alone, ms });
    }
  };
  const loops = [gatewayProcess, other, alone, alone].map((gateway, i) => goOn(gateway, i * 12));
  /** The durations in milliseconds, in ascending order. */
  const times = (phase: Phase, withRedis: boolean) =>
    seen
      .filter((request) => request.phase === phase && request.withRedis === withRedis)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
  return {
    lost,
    times,
    /** Waits until there are enough answers to compare. */
    during: async (phase: Phase) => {
      now.phase = phase;
      await vi.waitFor(
        () => {
          for (const withRedis of [true, false])
            expect(times(phase, withRedis).length).toBeGreaterThanOrEqual(100);
        },
        { timeout: 20_000, interval: 50 },
      );
    },
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

describe('a Redis that becomes unavailable', () => {
  it.each<[string, () => unknown, () => unknown]>([
    ['killed', () => redis.kill(), () => redis.start()],
    [
      'connected but silent',
      () => {
        redis.freeze();
      },
      () => {
        redis.thaw();
      },
    ],
  ])(
    'neither fails nor delays requests, and is used again when it is available: %s',
    async (_, goes, comes) => {
      const { lost, times, during, stop } = await startTraffic();
      try {
        await during('there');
        const gone = during('gone');
        await goes();
        await gone;
        expect(await gatewayProcess.metric('stekkerdoos_shared_cache_up')).toBe(0);
        await comes();
        await allUp();
        await during('back');
      } finally {
        await stop();
      }

      expect(lost).toEqual([]);
      const median = (all: readonly number[]) => all[all.length >> 1] ?? NaN;
      const [having, lacking] = [times('gone', true), times('gone', false)];
      expect(median(having) / median(lacking)).toBeLessThan(1.5);
      expect(having.at(-1) ?? NaN).toBeLessThan((lacking.at(-1) ?? NaN) + 500);

      const by = { email: 'customer-33@example.nl' };
      await vi.waitFor(async () => {
        // Values of an earlier attempt would not be written again.
        await forgetAll();
        await queryAndCache(gatewayProcess, ONE_CUSTOMER, { by });
        await control.heal();
        expect(await other.query(ONE_CUSTOMER, { by })).toMatchObject({ status: 200, errors: [] });
        expect(callsSince()).toEqual(NOT_CALLED);
      }, WHEN_IT_IS_BACK);
    },
  );
});
