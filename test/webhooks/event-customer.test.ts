import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { DeliveryRecord } from '../../src/webhooks/store.js';
import { headersOf } from '../support/callers.js';
import { at, textAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { openEventGateway, type EventGateway } from './event-gateway.js';
import type { ShopEvent, Subscriber, ReportedEvent } from './subscriber.js';

/**
 * Tests that conditions and result of an event are about the same customer, and not about another who shares a phone.
 */

const SYSTEMS = ['order-system', 'webshop', 'contact-centre', 'clickstream'] as const;
const MINUTE = 60_000;

/**
 * The webshop and the order system know the phone of the first person. Only the order system knows that of the second.
 */
const HOUSEMATE = 'customer-5@example.nl';
const HOUSEMATE_ELSEWHERE = 'orders-only@example.nl';
const BUYER = 'customer-3@example.nl';
/** The addresses of customers that only one system knows, because no CRM is plugged in. */
const ONLY_IN_CONTACT_CENTRE = 'same-phone-1@example.nl';
const ONLY_IN_WEBSHOP = 'two-shops-old@example.nl';
const ROLE_MAILBOX = 'info@bakkerij.example.nl';
const DEVICE = '8f14e45f-ceea-467f-a3bd-00000000d0d2';
const UNKNOWN_ID = 999_999;
const GUEST = 'guest@example.nl';

let control: FaultControl;
let events: EventGateway;
let aheadMs = 0;

beforeAll(async () => {
  const realNow = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
  control = await faultControl([], [...SYSTEMS]);
  events = await openEventGateway({
    settings: control.settings,
    systems: SYSTEMS,
    triggers: {
      placed:
        'subscription Placed @deliver(to: "tool", purpose: SERVICE) { orderPlaced { recordId customer { primaryEmail } } }',
    },
  });
}, 60_000);
afterEach(() => events.hangUpAll());
afterAll(async () => {
  await events.close();
  await control.close();
  vi.restoreAllMocks();
});

const placed = (event: ShopEvent) => events.sendFromShop('orders/create', event);

/** Sends an event like a job that reads the clickstream. */
async function placedOnDevice(identifiers: Record<string, string[]>, order: string): Promise<void> {
  const id = randomUUID();
  const body = JSON.stringify({
    type: 'order.placed',
    timestamp: new Date().toISOString(),
    subject: order,
    data: { identifiers },
  });
  const now = new Date(Date.now());
  const secret = control.settings['CLICKSTREAM_WEBHOOK_SECRETS'] ?? '';
  const { status } = await events.gateway.fetch('/webhooks/clickstream', {
    method: 'POST',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, now, body),
    },
    body,
  });
  expect(status).toBe(204);
}

/** Returns an identifier of a customer in the systems. */
async function held(email: string, namespace: string): Promise<string> {
  const { data } = await events.gateway.query(
    `{ customer(by: { email: "${email}" }) { identifiers { namespace value } } }`,
    {},
    await headersOf('operator'),
  );
  const all = at(data, 'customer', 'identifiers') as { namespace: string; value: string }[];
  const found = all.find((item) => item.namespace === namespace)?.value;
  if (found === undefined) throw new Error(`No ${namespace} is held.`);
  return found;
}

async function phoneOf(email: string): Promise<string> {
  const { data } = await events.gateway.query(
    `{ customer(by: { email: "${email}" }) { primaryPhone } }`,
    {},
    await headersOf('operator'),
  );
  return textAt(data, 'customer', 'primaryPhone');
}

const FIRST_ORDER = 5_000;
let orders = 0;
const nextOrder = () => String(FIRST_ORDER + orders++);

/** Returns the event about an order from a subscription to all customers. */
async function eventOf(order: string, subscriber: Subscriber): Promise<ReportedEvent> {
  for (;;) {
    const event = await subscriber.next();
    if (event === undefined) throw new Error('The stream has ended.');
    if (event.data?.['event']?.['recordId'] === order) return event;
  }
}

const ALL =
  'subscription { event(types: [ORDER_PLACED]) { recordId customer { primaryEmail emails { value } } } }';

/**
 * Returns the state of the trigger's delivery about an order. Each order has one delivery, in the order of their
 * numbers.
 */
async function deliveryOf(order: string): Promise<DeliveryRecord | undefined> {
  return (await events.store.list({ limit: 1_000 })).reverse()[Number(order) - FIRST_ORDER];
}

const becomes = (order: string, expected: Record<string, unknown>) =>
  vi.waitFor(
    async () => {
      expect(await deliveryOf(order)).toMatchObject(expected);
    },
    { timeout: 20_000, interval: 50 },
  );

const receivedOf = (order: string): unknown[] =>
  events.tool.received
    .map(({ body }) => at(JSON.parse(body), 'data', 'orderPlaced'))
    .filter((event) => at(event, 'recordId') === order);

describe('an order of a guest with a new e-mail address', () => {
  test.each([
    ['the phone of a housemate', HOUSEMATE, async () => ({ phone: await phoneOf(HOUSEMATE) })],
    [
      'the phone of a housemate who is only in the order system',
      HOUSEMATE_ELSEWHERE,
      async () => ({ phone: await phoneOf(HOUSEMATE_ELSEWHERE) }),
    ],
  ])('and %s is about no customer, and is not sent to the housemate', async (_, housemate, readPhone) => {
    const { phone } = await readPhone();
    const number = await held(housemate, 'customerNumber');
    const [all, ofHousemate, byPhone] = await Promise.all([
      events.subscribeAs('operator', ALL),
      events.subscribeAs(
        'operator',
        `subscription { customerChanged(by: { customerNumber: "${number}" }) { recordId customer { primaryEmail } } }`,
      ),
      events.subscribeAs(
        'operator',
        `subscription { customerChanged(by: { phone: "${phone}" }) { recordId } }`,
      ),
    ]);
    const order = nextOrder();
    await placed({ customerId: UNKNOWN_ID, email: GUEST, phone, order });
    expect(await eventOf(order, all)).toEqual({ data: { event: { recordId: order, customer: null } } });
    await becomes(order, { state: 'skipped', reason: 'NO_CUSTOMER' });
    expect(receivedOf(order)).toEqual([]);
    const laterOrder = nextOrder();
    await placed({ email: housemate, order: laterOrder });
    expect((await ofHousemate.next())?.data?.['customerChanged']).toMatchObject({ recordId: laterOrder });
    await byPhone.hangUp();
    expect(await byPhone.next()).toBeUndefined();
  });
});

describe('an event', () => {
  test('with the address of a role mailbox is about no customer', async () => {
    const all = await events.subscribeAs('operator', ALL);
    const order = nextOrder();
    await placed({ customerId: UNKNOWN_ID, email: ROLE_MAILBOX, order });
    expect((await eventOf(order, all)).data?.['event']?.['customer']).toBeNull();
    await becomes(order, { state: 'skipped', reason: 'NO_CUSTOMER' });
  });

  test('with a visitor id is about the customer with its e-mail address, not about another user of the device', async () => {
    const all = await events.subscribeAs('operator', ALL);
    const [onDevice, byEmail] = [nextOrder(), nextOrder()];
    await placedOnDevice({ visitorId: [DEVICE] }, onDevice);
    expect((await eventOf(onDevice, all)).data?.['event']?.['customer']).toBeNull();
    await becomes(onDevice, { state: 'skipped', reason: 'NO_CUSTOMER' });
    await placedOnDevice({ visitorId: [DEVICE], email: [HOUSEMATE] }, byEmail);
    expect((await eventOf(byEmail, all)).data?.['event']?.['customer']).toMatchObject({
      primaryEmail: HOUSEMATE,
    });
  });

  test.each([
    ['the contact centre', ONLY_IN_CONTACT_CENTRE],
    ['the webshop', ONLY_IN_WEBSHOP],
    ['the order system', HOUSEMATE_ELSEWHERE],
  ])(
    'with an unknown id is about the customer with its e-mail address, if only %s knows that customer',
    async (_, email) => {
      const all = await events.subscribeAs('operator', ALL);
      const order = nextOrder();
      await placed({ customerId: UNKNOWN_ID, email, phone: await phoneOf(HOUSEMATE), order });
      const { data } = await eventOf(order, all);
      expect(at(data, 'event', 'customer', 'emails', 0, 'value')).toBe(email);
      await becomes(order, { state: 'delivered' });
      expect(receivedOf(order)).toHaveLength(1);
    },
  );

  test('is withheld by the consent of its customer, not by that of a housemate', async () => {
    await events.subscribeAs(
      'campaign',
      'subscription Withheld { orderPlaced { recordId customer { name } } }',
    );
    const phone = await phoneOf(HOUSEMATE);
    await placed({ customerId: UNKNOWN_ID, email: ONLY_IN_CONTACT_CENTRE, phone, order: nextOrder() });
    expect(await events.withheldReasons('Withheld')).toEqual(['CONSENT_REQUIRED']);
  });
});

describe('an event whose system is unavailable', () => {
  test.each([
    ['phone', async () => ({ email: GUEST, phone: await phoneOf(HOUSEMATE) })],
    ['e-mail address', () => Promise.resolve({ email: HOUSEMATE_ELSEWHERE })],
  ])(
    'is not about a housemate with %s, and is sent about its customer when the system is available again',
    async (_, readRest) => {
      const rest = await readRest();
      const id = await held(BUYER, 'shopifyCustomerId');
      const housemate = rest.email === GUEST ? HOUSEMATE : rest.email;
      const number = await held(housemate, 'customerNumber');
      const [all, ofHousemate] = await Promise.all([
        events.subscribeAs('operator', ALL),
        events.subscribeAs(
          'operator',
          `subscription { customerChanged(by: { customerNumber: "${number}" }) { recordId } }`,
        ),
      ]);
      const order = nextOrder();
      await control.set('webshop', { fault: 'down' });
      try {
        await placed({ customerId: id, ...rest, order });
        const event = await eventOf(order, all);
        expect(event.data?.['event']).toEqual({ recordId: order, customer: null });
        expect(event.errors?.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_UNAVAILABLE']);
        await becomes(order, { state: 'waiting', reason: 'postponed' });
      } finally {
        await control.heal();
      }
      await vi.waitFor(
        async () => {
          // The circuit breaker uses real time.
          aheadMs += MINUTE + 1;
          expect(await deliveryOf(order)).toMatchObject({ state: 'delivered', reason: 'status 204' });
        },
        { timeout: 30_000, interval: 1_500 },
      );
      expect(receivedOf(order)).toEqual([{ recordId: order, customer: { primaryEmail: BUYER } }]);
      const laterOrder = nextOrder();
      await placed({ email: housemate, order: laterOrder });
      expect((await ofHousemate.next())?.data?.['customerChanged']).toEqual({ recordId: laterOrder });
    },
    60_000,
  );
});

test('an event is about the customer of its strongest known identifier, without shared identifiers', async () => {
  const all = await events.subscribeAs('operator', ALL);
  const people = [HOUSEMATE, BUYER];
  const known = await Promise.all(
    people.map(async (email) => ({
      id: await held(email, 'shopifyCustomerId'),
      email,
      phone: await phoneOf(email),
    })),
  );
  const who = fc.constantFrom(0, 1, undefined);
  await fc.assert(
    fc.asyncProperty(who, who, who, async (byId, byEmail, byPhone) => {
      const order = nextOrder();
      const phone = byPhone === undefined ? undefined : known[byPhone]?.phone;
      await placed({
        customerId: byId === undefined ? UNKNOWN_ID : known[byId]?.id,
        email: byEmail === undefined ? GUEST : people[byEmail],
        ...(phone === undefined ? {} : { phone }),
        order,
      });
      const chosen = byId ?? byEmail;
      const expected = chosen === undefined ? null : people[chosen];
      const { data, errors } = await eventOf(order, all);
      expect(errors).toBeUndefined();
      expect(at(data, 'event', 'customer', 'primaryEmail') ?? null).toBe(expected);
      await becomes(order, { state: expected === null ? 'skipped' : 'delivered' });
      const customer = { primaryEmail: expected };
      expect(receivedOf(order)).toEqual(expected === null ? [] : [{ recordId: order, customer }]);
    }),
    { numRuns: 12 },
  );
}, 60_000);
