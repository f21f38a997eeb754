import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { FOUR_SYSTEMS } from '../support/stand-ins.js';
import { subscribe, sendWebshopEvent, type SendRequest } from '../webhooks/subscriber.js';
import { startRedis } from './redis-server.js';

const EMAIL = 'customer-5@example.nl';

const standIns = await startStandIns({
  customers: 8,
  ...(process.env.ORDER_SYSTEM_TEST_URL === undefined
    ? {}
    : { orderSystem: { connectionString: process.env.ORDER_SYSTEM_TEST_URL } }),
});
const settings = Object.assign(
  {},
  ...standIns.standIns
    .filter(({ name }) => FOUR_SYSTEMS.includes(name))
    .map((standIn) => standIn.settings(standIn.url)),
) as Record<string, string>;
// With these sources, only one of the instances would receive each event.
delete settings['ORDER_SYSTEM_OUTBOX_URL'];
const redis = await startRedis();
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-events-'));
// A SUBSCRIBE before the connection is ready would be lost when the client then checks whether Redis is ready.
const outside = new Redis(redis.url, { lazyConnect: true });
const messages: string[] = [];
const opened: TestGateway[] = [];

function open(name: string, secret = 'a secret of all instances'): TestGateway {
  const gateway = createTestGateway({
    ...settings,
    DEADLINE_MS: '10000',
    REDIS_URL: redis.url,
    CACHE_SECRET: 'a secret of the tests, too',
    WEBHOOK_FILE: join(folder, `${name}.db`),
    WEBHOOK_SECRET: secret,
  });
  opened.push(gateway);
  return gateway;
}

beforeAll(async () => {
  outside.on('message', (_, message: string) => messages.push(message));
  await outside.connect();
  await outside.subscribe('stekkerdoos:1:events');
});
afterAll(async () => {
  await Promise.all(opened.map((gateway) => gateway.close()));
  outside.disconnect();
  await redis.close();
  await standIns.close();
  rmSync(folder, { recursive: true });
});

const senderOf =
  (gateway: TestGateway): SendRequest =>
  (path, init) =>
    gateway.fetch(path, init);

const sendEvent = (gateway: TestGateway, order: string) =>
  sendWebshopEvent(senderOf(gateway), settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '', 'orders/create', {
    email: EMAIL,
    order,
  });

const FOLLOW = {
  query: `subscription { customerChanged(by: { email: "${EMAIL}" }) { recordId customer { primaryEmail } } }`,
};

/** Waits until this test and all instances receive events through Redis. */
async function areConnected(count: number): Promise<void> {
  const querying = new Redis(redis.url);
  await vi.waitFor(
    async () => {
      expect(await querying.call('PUBSUB', 'NUMSUB', 'stekkerdoos:1:events')).toEqual([
        'stekkerdoos:1:events',
        count + 1,
      ]);
    },
    { timeout: 10_000, interval: 20 },
  );
  querying.disconnect();
}

describe('an event that a system sends to one instance', () => {
  it('reaches the subscribers of every instance once, and Redis never sees its text', async () => {
    const [first, second] = [open('one'), open('other')];
    await Promise.all([first.opened, second.opened]);
    await areConnected(2);
    const here = await subscribe(senderOf(first), FOLLOW);
    const there = await subscribe(senderOf(second), FOLLOW);
    for (const order of ['1', '2']) {
      await sendEvent(first, order);
      for (const subscriber of [here, there])
        expect((await subscriber.next())?.data).toEqual({
          customerChanged: { recordId: order, customer: { primaryEmail: EMAIL } },
        });
    }
    await sendEvent(second, '3');
    for (const subscriber of [here, there])
      expect((await subscriber.next())?.data).toMatchObject({ customerChanged: { recordId: '3' } });
    await vi.waitFor(() => {
      expect(messages).toHaveLength(3);
    }, 5_000);
    for (const message of messages) {
      expect(message).not.toMatch(/customer-5|example\.nl|order\.placed/);
      expect(Buffer.from(message.split(' ')[1] ?? '', 'base64').toString('latin1')).not.toContain(EMAIL);
    }
    await Promise.all([here.hangUp(), there.hangUp()]);
  });

  it('does not end subscriptions if an instance with another secret sent it, and the next event arrives', async () => {
    const other = opened[1] ?? open('again');
    const stranger = open('stranger', 'another secret of the tests');
    await stranger.opened;
    await areConnected(3);
    const there = await subscribe(senderOf(other), FOLLOW);
    await sendEvent(stranger, '4');
    await vi.waitFor(() => {
      expect(messages).toHaveLength(4);
    }, 5_000);
    await sendEvent(other, '5');
    expect((await there.next())?.data).toMatchObject({ customerChanged: { recordId: '5' } });
    await there.hangUp();
  });
});
