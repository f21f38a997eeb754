import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { createWebhookStore, type DeliveryRecord, type WebhookStore } from '../../src/webhooks/store.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { startReceiver, type Receiver } from './receiver.js';
import { subscribe, sendWebshopEvent, type ShopEvent } from './subscriber.js';

/**
 * Tests the triggers of the demo, from an event of a system to the message to the campaign tool. The clock of the gateway
 * is advanced.
 */

/** The address of a customer who has agreed to marketing. */
const EMAIL = 'customer-5@example.nl';
const SYSTEMS = ['order-system', 'webshop'] as const;
const SECRET = 'a secret of the tests of triggers';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Eleven o'clock in Amsterdam on a day without a clock change. */
const ELEVEN = Date.parse('2027-01-13T10:00:00Z');

let system: StandIn;
let control: FaultControl;
let folder: string;
let tool: Receiver;
let gateway: TestGateway;
let store: WebhookStore;
let aheadMs = 0;
const realNow = Date.now;

const advanceTo = (ms: number): void => {
  aheadMs = ms - realNow();
};
const advance = (ms: number): void => {
  aheadMs += ms;
};

beforeAll(async () => {
  const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
  system = await startOrderSystem(
    createWorld({ customers: 8 }),
    connectionString === undefined ? {} : { connectionString },
  );
  control = await faultControl([system], [...SYSTEMS]);
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
}, 60_000);

afterAll(async () => {
  vi.restoreAllMocks();
  await control.close();
  await system.close();
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-follow-up-'));
  tool = await startReceiver();
  advanceTo(ELEVEN);
  await open();
});

afterEach(async () => {
  await gateway.close();
  await store.close();
  await tool.close();
  await control.heal();
  rmSync(folder, { recursive: true });
});

async function open(): Promise<void> {
  const file = join(folder, 'webhooks.db');
  gateway = createTestGateway(
    {
      ...control.settings,
      DEADLINE_MS: '10000',
      AUDIT_FILE: join(folder, 'audit.jsonl'),
      WEBHOOK_FILE: file,
      WEBHOOK_SECRET: SECRET,
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'campaign-tool',
          url: tool.url,
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
          ratePerSecond: 100,
        },
      ]),
    },
    {
      // Records that are not dropped would be shown for an hour.
      sources: sources
        .filter(({ name }) => SYSTEMS.some((item) => item === name))
        .map((source) => ({
          ...source,
          freshness: { maxAge: '1 hour' },
          limits: { retries: 0, timeout: LONG_TIMEOUT },
        })),
    },
  );
  await gateway.opened;
  // The command line reads the same file.
  store = await createWebhookStore({ file, secret: SECRET });
}

const send = (topic: string, event: ShopEvent = {}) =>
  sendWebshopEvent(
    (path, init) => gateway.fetch(path, init),
    control.settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '',
    topic,
    { email: EMAIL, at: new Date(Date.now()).toISOString(), ...event },
  );
const cartChanged = () => send('checkouts/update');

/** The deliveries of a trigger, oldest first. */
async function planned(trigger: string): Promise<DeliveryRecord[]> {
  const all = await store.list({ limit: 100 });
  return all.filter((record) => record.trigger === trigger).reverse();
}

/** Waits until the deliveries of the trigger have these states. */
async function come(trigger: string, ...states: DeliveryRecord['state'][]): Promise<DeliveryRecord[]> {
  return vi.waitFor(
    async () => {
      const all = await planned(trigger);
      expect(all.map(({ state }) => state)).toEqual(states);
      return all;
    },
    { timeout: 10_000, interval: 50 },
  );
}

/** Resolves when all received events are processed. */
async function quiet(): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await store.counts()).toMatchObject({ eventsWaiting: 0 });
    },
    { timeout: 10_000, interval: 50 },
  );
}

const received = (type: string) =>
  tool.received
    .map(({ body }) => JSON.parse(body) as { type: string; data: unknown })
    .filter((item) => item.type === type);

const emit = (type: string) => control.emit('order-system', { type, email: EMAIL });

describe('consent', () => {
  test('that is withdrawn while a reminder waits stops the reminder, which is audited', async () => {
    await cartChanged();
    await come('cart-abandoned', 'waiting');
    await emit('consent.withdrawn');
    try {
      advance(HOUR);
      const [skipped] = await come('cart-abandoned', 'skipped');
      expect(skipped?.reason).toBe('CONSENT_REQUIRED');
      expect(tool.received).toEqual([]);
      const audit = readFileSync(join(folder, 'audit.jsonl'), 'utf8');
      expect(JSON.parse(audit.trim().split('\n').at(-1) ?? '')).toMatchObject({
        caller: 'trigger:cart-abandoned',
        purpose: 'MARKETING',
        because: 'CONSENT_REQUIRED',
      });
      expect(audit).not.toContain(EMAIL);
    } finally {
      await emit('consent.given');
    }
  });

  test('that is unavailable delays a message until it is available', async () => {
    await control.set('order-system', { fault: 'down' });
    await send('orders/paid');
    await vi.waitFor(async () => {
      const reasons = (await planned('first-order-paid')).map(({ state, reason, attempts }) => [
        state,
        reason,
        attempts,
      ]);
      expect(reasons).toEqual([['waiting', 'postponed', 0]]);
    }, 10_000);
    // Messages of one customer are sent in order.
    await come('order-paid', 'waiting');
    expect(tool.received).toEqual([]);
    await control.heal();
    await vi.waitFor(
      async () => {
        // The circuit breaker uses real time.
        advance(MINUTE + 1);
        expect((await planned('order-paid')).map(({ state }) => state)).toEqual(['delivered']);
      },
      { timeout: 20_000, interval: 1_500 },
    );
    expect(received('order.paid')).toHaveLength(1);
  }, 40_000);
});

describe('a reminder of a cart', () => {
  test('is sent once, an hour after the last change of the cart', async () => {
    await cartChanged();
    await come('cart-abandoned', 'waiting');
    advance(50 * MINUTE);
    await cartChanged();
    const [, second] = await come('cart-abandoned', 'cancelled', 'waiting');
    expect(Math.round(((second?.dueAt ?? 0) - ELEVEN) / MINUTE)).toBe(110);
    advance(HOUR);
    await come('cart-abandoned', 'cancelled', 'delivered');
    expect(received('cart.changed')).toHaveLength(1);
    expect(at(received('cart.changed'), 0, 'data', 'cartAbandoned', 'customer')).toMatchObject({
      primaryEmail: EMAIL,
    });
  });

  test('is not sent to a customer who orders within the hour, even if another system reports the order', async () => {
    await cartChanged();
    await come('cart-abandoned', 'waiting');
    advance(30 * MINUTE);
    // The order system reports the customer by its customer number, not by the address from the webshop.
    await emit('order.placed');
    await come('cart-abandoned', 'cancelled');
    advance(2 * HOUR);
    await quiet();
    expect(tool.received).toEqual([]);
  });

  test('is sent once a day', async () => {
    await cartChanged();
    await come('cart-abandoned', 'waiting');
    advance(HOUR);
    await come('cart-abandoned', 'delivered');
    advance(4 * HOUR);
    await cartChanged();
    await quiet();
    advance(HOUR);
    await quiet();
    await come('cart-abandoned', 'delivered');
    advance(20 * HOUR);
    await cartChanged();
    await come('cart-abandoned', 'delivered', 'waiting');
    advance(HOUR);
    await come('cart-abandoned', 'delivered', 'delivered');
    expect(received('cart.changed')).toHaveLength(2);
  });

  test('that is due in the evening waits until the morning', async () => {
    advanceTo(Date.parse('2027-01-13T19:30:00Z'));
    await cartChanged();
    const [waiting] = await come('cart-abandoned', 'waiting');
    expect(new Date(waiting?.dueAt ?? 0).toISOString()).toBe('2027-01-14T07:00:00.000Z');
    advanceTo(Date.parse('2027-01-14T06:59:00Z'));
    await quiet();
    expect(tool.received).toEqual([]);
    advanceTo(Date.parse('2027-01-14T07:00:01Z'));
    await come('cart-abandoned', 'delivered');
  });

  test('is sent by the next gateway after a restart', async () => {
    await cartChanged();
    await come('cart-abandoned', 'waiting');
    await gateway.close();
    await store.close();
    advance(HOUR);
    await open();
    await come('cart-abandoned', 'delivered');
    expect(received('cart.changed')).toHaveLength(1);
  });
});

describe('an event', () => {
  test('starts an automation once, even if the system sends it again hours later', async () => {
    await send('orders/paid', { id: 'the-same', order: '71' });
    await come('order-paid', 'delivered');
    advance(6 * HOUR);
    await send('orders/paid', { id: 'the-same', order: '71' });
    await quiet();
    await come('order-paid', 'delivered');
    expect(received('order.paid')).toHaveLength(1);
  });

  test('is sent after the earlier event of its customer, even if that needed a second attempt', async () => {
    let isUp = false;
    tool.answer = () => ({ status: isUp ? 204 : 500 });
    await send('orders/paid', { order: '81' });
    await come('order-paid', 'waiting');
    await vi.waitFor(() => {
      expect(tool.received).toHaveLength(1);
    }, 5_000);
    await send('orders/paid', { order: '82' });
    await come('order-paid', 'waiting', 'waiting');
    isUp = true;
    advance(10_000);
    await come('order-paid', 'delivered', 'delivered');
    const numbers = received('order.paid').map(({ data }) => at(data, 'orderPaid', 'recordId'));
    expect(numbers).toEqual(['81', '81', '82']);
  });

  test('with an id that its system does not know is about the customer with its e-mail address', async () => {
    const who = await gateway.query(
      `{ customer(by: { email: "${EMAIL}" }) { identifiers { namespace value } } }`,
    );
    const held = at(who.data, 'customer', 'identifiers') as { namespace: string; value: string }[];
    const number = held.find(({ namespace }) => namespace === 'customerNumber')?.value ?? '';
    const subscriber = await subscribe((path, init) => gateway.fetch(path, init), {
      query: `subscription { customerChanged(by: { customerNumber: "${number}" }) { recordId customer { primaryEmail } } }`,
    });
    await send('orders/fulfilled', { customerId: 999_999, order: '72' });
    expect((await subscriber.next())?.data).toEqual({
      customerChanged: { recordId: '72', customer: { primaryEmail: EMAIL } },
    });
    await subscriber.hangUp();
    await quiet();
    await send('orders/paid', { customerId: 999_999, order: '73' });
    await come('order-paid', 'delivered');
    expect(at(received('order.paid'), 0, 'data', 'orderPaid')).toMatchObject({
      recordId: '73',
      customer: { primaryEmail: EMAIL },
    });
  });

  test('without a customer drops all answers of its system, and is not sent', async () => {
    const cart = `{ customer(by: { email: "${EMAIL}" }) { cart { total { amount } } } }`;
    const callsOf = () => control.counters()['webshop']?.calls ?? 0;
    const countCalls = async () => {
      const before = callsOf();
      await gateway.query(cart);
      return callsOf() - before;
    };
    await countCalls();
    expect(await countCalls()).toBe(0);
    await send('orders/paid', { email: undefined });
    const [skipped] = await come('order-paid', 'skipped');
    expect(skipped?.reason).toBe('NO_CUSTOMER');
    expect(await countCalls()).toBeGreaterThan(0);
    expect(tool.received).toEqual([]);
  });

  test('about a customer with an earlier order is not a first order', async () => {
    await send('orders/paid', { order: '91' });
    const [skipped] = await come('first-order-paid', 'skipped');
    expect(skipped?.reason).toBe('CONDITION_NOT_MET');
  });
});
