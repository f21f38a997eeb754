import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { CALLER_SETTINGS, headersOf, visitorToken } from '../support/callers.js';
import { createTestGateway, DEMO_OPERATIONS, patientSources, type TestGateway } from '../support/gateway.js';
import { at, textAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import {
  subscribe,
  sendWebshopEvent,
  type SendRequest,
  type ShopEvent,
  type Subscriber,
  type ReportedEvent,
} from './subscriber.js';

/** The addresses of a customer who has agreed to marketing, of another one, and of one that a test erases. */
const EMAIL = 'customer-5@example.nl';
const OTHER = 'customer-4@example.nl';
const ERASED = 'customer-3@example.nl';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-subscriptions-'));
const auditFile = join(folder, 'audit.jsonl');
let system: StandIn;
let control: FaultControl;
let gateway: TestGateway;
let port: HttpServer;
const open: Subscriber[] = [];
/** The time by which the clock of the gateway is advanced, in milliseconds. */
let aheadMs = 0;

beforeAll(async () => {
  const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
  system = await startOrderSystem(
    createWorld({ customers: 8 }),
    connectionString === undefined ? {} : { connectionString },
  );
  control = await faultControl([system], [...FOUR_SYSTEMS]);
  const realNow = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
  writeFileSync(join(folder, 'suppressed'), '');
  gateway = createTestGateway(
    {
      ...control.settings,
      ...CALLER_SETTINGS,
      DEADLINE_MS: '10000',
      AUDIT_FILE: auditFile,
      SUPPRESSION_FILE: join(folder, 'suppressed'),
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of subscriptions',
    },
    // Records that are not dropped would be shown for an hour.
    {
      operations: DEMO_OPERATIONS,
      sources: patientSources()
        .filter(({ name }) => FOUR_SYSTEMS.some((value) => value === name))
        .map((source) => ({ ...source, freshness: { maxAge: '1 hour' } })),
      triggers: new URL('no-triggers/', import.meta.url),
    },
  );
  await gateway.opened;
  port = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
}, 60_000);

afterEach(async () => {
  await Promise.all(open.splice(0).map((subscriber) => subscriber.hangUp()));
  await nobodyListens();
});

afterAll(async () => {
  await port.stop();
  await gateway.close();
  await control.close();
  await system.close();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const inside: SendRequest = (path, init) => gateway.fetch(path, init);
const byPort: SendRequest = (path, init) => fetch(`${port.url}${path}`, init);

async function gauge(name: string): Promise<number> {
  const text = await (await gateway.fetch('/metrics')).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

/** Reads a metric after a second, because the text of the metrics is cached for a second. */
async function nobodyListens(): Promise<void> {
  await vi.waitFor(async () => {
    expect(await gauge('stekkerdoos_subscribers')).toBe(0);
  }, 5_000);
}

async function as(
  role: Parameters<typeof headersOf>[0],
  query: string,
  { sendRequest = inside, ...options }: { sendRequest?: SendRequest } & Parameters<typeof headersOf>[1] = {},
): Promise<Subscriber> {
  const subscriber = await subscribe(sendRequest, { query }, await headersOf(role, options));
  open.push(subscriber);
  return subscriber;
}

const send = (topic: string, event: ShopEvent) =>
  sendWebshopEvent(inside, control.settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '', topic, event);
const changed = (event: ShopEvent) => send('orders/create', event);

const codes = (result: ReportedEvent | undefined) =>
  (result?.errors ?? []).map(({ extensions }) => extensions.code);

const ofCustomer = (by: string, selection = 'type recordId') =>
  `subscription { customerChanged(by: { ${by} }) { ${selection} } }`;

async function query(query: string, headers?: Record<string, string>): Promise<unknown> {
  const { data } = await gateway.query(query, {}, headers ?? (await headersOf('operator')));
  return data;
}

describe('a subscriber to one customer', () => {
  test.each([
    ['without a port', inside],
    ['on a port', (path, init) => byPort(path, init)],
  ] as [string, SendRequest][])('receives only the events of that customer, %s', async (_, sendRequest) => {
    const subscriber = await as('operator', ofCustomer(`email: "${EMAIL}"`), { sendRequest });
    expect([subscriber.status, subscriber.contentType]).toEqual([200, 'text/event-stream']);
    await changed({ email: OTHER, order: '11' });
    await changed({ email: EMAIL, order: '12' });
    expect(await subscriber.next()).toEqual({
      data: { customerChanged: { type: 'ORDER_PLACED', recordId: '12' } },
    });
  });

  test('works with any identifier of the customer in the systems', async () => {
    const who = await query(`{ customer(by: { email: "${EMAIL}" }) { id identifiers { namespace value } } }`);
    const held = at(who, 'customer', 'identifiers') as { namespace: string; value: string }[];
    const valueOf = (namespace: string) => held.find((item) => item.namespace === namespace)?.value ?? '';
    const subscribers = await Promise.all([
      as('operator', ofCustomer(`id: "${textAt(who, 'customer', 'id')}"`)),
      as('operator', ofCustomer(`customerNumber: "${valueOf('customerNumber')}"`)),
      as('operator', ofCustomer(`shopifyCustomerId: "${valueOf('shopifyCustomerId')}"`)),
    ]);
    await changed({ email: EMAIL.toUpperCase(), order: '13' });
    for (const subscriber of subscribers)
      expect((await subscriber.next())?.data?.['customerChanged']).toMatchObject({ recordId: '13' });
  });

  test('receives the current data, even if older data was cached', async () => {
    const operator = await headersOf('operator');
    const count = `{ customer(by: { email: "${EMAIL}" }) { orderCount { value } } }`;
    const before = Number(at(await query(count, operator), 'customer', 'orderCount', 'value'));
    const subscriber = await as(
      'operator',
      ofCustomer(`email: "${EMAIL}"`, 'source type customer { orderCount { value } }'),
    );
    await control.emit('order-system', { type: 'order.placed', email: EMAIL, to: port.url });
    const { data } = (await subscriber.next()) ?? {};
    expect(data?.['customerChanged']).toEqual({
      source: 'ORDER_SYSTEM',
      type: 'ORDER_PLACED',
      customer: { orderCount: { value: before + 1 } },
    });
  });

  test('receives no events of an erased customer, unless it is an operator', async () => {
    const byEmail = ofCustomer(`email: "${ERASED}"`);
    const [operator, all] = await Promise.all([
      as('operator', byEmail),
      as('analyst', 'subscription { event(types: [ORDER_PLACED]) { recordId } }'),
    ]);
    await gateway.forget({ identifier: { namespace: 'email', value: ERASED }, suppress: true });
    // The second event also has an id that no system knows yet.
    for (const event of [{ order: '14' }, { order: '17', customerId: 4711 }]) {
      await changed({ email: ERASED, ...event });
      expect((await operator.next())?.data).toEqual({
        customerChanged: { type: 'ORDER_PLACED', recordId: event.order },
      });
    }
    await changed({ email: OTHER, order: '15' });
    expect((await all.next())?.data).toEqual({ event: { recordId: '15' } });
  });
});

describe('a caller who may not see a type of event', () => {
  const exploring = async () => ({
    authorization: `Bearer ${await visitorToken(EMAIL, { roles: ['operator'], scope: 'events:read customers:find' })}`,
  });

  test('receives no event of the type', async () => {
    const subscriber = await subscribe(
      inside,
      { query: ofCustomer(`email: "${EMAIL}"`, 'type') },
      await exploring(),
    );
    open.push(subscriber);
    await changed({ email: EMAIL, order: '16' });
    await control.emit('order-system', { type: 'consent.given', email: EMAIL, to: port.url });
    expect((await subscriber.next())?.data).toEqual({ customerChanged: { type: 'CONSENT_GIVEN' } });
  });

  test('is refused if it requests the type', async () => {
    const query = 'subscription { event(types: [ORDER_PLACED]) { type } }';
    const subscriber = await subscribe(inside, { query }, await exploring());
    expect((await subscriber.rest()).flatMap(codes)).toEqual(['FORBIDDEN']);
    await nobodyListens();
  });
});

describe('a subscriber to all customers', () => {
  test('receives only the requested types and systems', async () => {
    const subscriber = await as(
      'operator',
      'subscription { event(types: [ORDER_PLACED, ORDER_SHIPPED], sources: [WEBSHOP]) { source type recordId } }',
    );
    await send('orders/paid', { email: EMAIL, order: '21' });
    await control.emit('order-system', { type: 'order.placed', email: EMAIL, to: port.url });
    await send('orders/fulfilled', { email: EMAIL, order: '22' });
    expect((await subscriber.next())?.data).toEqual({
      event: { source: 'WEBSHOP', type: 'ORDER_SHIPPED', recordId: '22' },
    });
  });

  test('receives only orders with a minimum total, if requested', async () => {
    const subscriber = await as(
      'operator',
      'subscription { orderPaid(minTotal: { amount: "100.01", currency: "EUR" }) { recordId } }',
    );
    await send('orders/paid', { email: EMAIL, order: '23', total: '100.00' });
    await send('orders/paid', { email: EMAIL, order: '26', total: '200.00', currency: 'SEK' });
    await send('orders/paid', { email: EMAIL, order: '24', total: '100.01' });
    expect((await subscriber.next())?.data).toEqual({ orderPaid: { recordId: '24' } });
  });

  test('receives an event without identifiers, whose customer is null', async () => {
    const subscriber = await as('operator', 'subscription { orderPaid { recordId customer { id } } }');
    await send('orders/paid', { order: '25' });
    expect(await subscriber.next()).toEqual({ data: { orderPaid: { recordId: '25', customer: null } } });
  });
});

describe('a visitor', () => {
  const documentId = (name: string) =>
    readPersistedOperations(DEMO_OPERATIONS).find((operation) => operation.name === name)?.documentId ?? '';

  test('receives only events about this visitor, by a persisted operation', async () => {
    const subscriber = await subscribe(
      byPort,
      { documentId: documentId('MyChanges') },
      await headersOf('visitor', { email: EMAIL }),
    );
    open.push(subscriber);
    await changed({ email: OTHER, order: '31' });
    await changed({ email: EMAIL, order: '32' });
    expect((await subscriber.next())?.data).toMatchObject({ meChanged: { recordId: '32' } });
  });

  test.each(['visitor', 'frontend'] as const)(
    'may subscribe only by persisted operations, like every %s',
    async (role) => {
      const { status } = await as(role, 'subscription { meChanged { type } }');
      expect(status).toBe(403);
    },
  );

  test('may not subscribe to another customer', async () => {
    const subscriber = await subscribe(
      inside,
      { documentId: documentId('CustomerChanged'), variables: { by: { email: OTHER } } },
      await headersOf('visitor', { email: EMAIL }),
    );
    expect((await subscriber.rest()).flatMap(codes)).toEqual(['FORBIDDEN']);
    await nobodyListens();
  });

  test('receives no events after the token has expired', async () => {
    const subscriber = await subscribe(
      inside,
      { documentId: documentId('MyChanges') },
      { authorization: `Bearer ${await visitorToken(EMAIL)}` },
    );
    open.push(subscriber);
    await changed({ email: EMAIL, order: '33' });
    expect((await subscriber.next())?.data).toMatchObject({ meChanged: { recordId: '33' } });
    aheadMs = 2 * 3_600_000;
    try {
      await changed({ email: EMAIL, order: '34' });
      expect((await subscriber.rest()).map(codes)).toEqual([['UNAUTHENTICATED']]);
    } finally {
      aheadMs = 0;
    }
  });
});

describe('an event', () => {
  const profile = 'recordId customer { primaryEmail orders(first: 1) { nodes { number } } }';

  test('has the same masks as a query', async () => {
    const subscriber = await as('analyst', ofCustomer(`email: "${EMAIL}"`, 'customer { primaryEmail }'));
    await changed({ email: EMAIL });
    expect(await subscriber.next()).toEqual({
      data: { customerChanged: { customer: { primaryEmail: 'c***@example.nl' } } },
    });
  });

  test('has null and FORBIDDEN for the same fields as a query', async () => {
    const subscriber = await as(
      'campaign',
      ofCustomer(`email: "${EMAIL}"`, 'recordId customer { primaryEmail tickets { nodes { subject } } }'),
      { purpose: 'SERVICE' },
    );
    await changed({ email: EMAIL, order: '41' });
    const result = await subscriber.next();
    expect(result?.data).toEqual({
      customerChanged: { recordId: '41', customer: { primaryEmail: EMAIL, tickets: null } },
    });
    expect(result?.errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code])).toEqual([
      ['customerChanged.customer.tickets', 'FORBIDDEN'],
    ]);
  });

  test('contains data by the consent at the time of sending', async () => {
    const subscriber = await as('campaign', ofCustomer(`email: "${EMAIL}"`, profile), {
      purpose: 'MARKETING',
    });
    await changed({ email: EMAIL, order: '42' });
    expect((await subscriber.next())?.data).toMatchObject({
      customerChanged: { recordId: '42', customer: { primaryEmail: EMAIL } },
    });
    try {
      await control.emit('order-system', { type: 'consent.withdrawn', email: EMAIL, to: port.url });
      const result = await subscriber.next();
      expect(result?.data?.['customerChanged']).toMatchObject({ customer: { primaryEmail: null } });
      expect(codes(result)).toContain('CONSENT_REQUIRED');
    } finally {
      await control.emit('order-system', { type: 'consent.given', email: EMAIL, to: port.url });
    }
    expect((await subscriber.next())?.data).toMatchObject({
      customerChanged: { customer: { primaryEmail: EMAIL } },
    });
  });

  test('is not sent about customers without consent to its purpose', async () => {
    const subscriber = await as('campaign', 'subscription { event(types: [ORDER_PLACED]) { recordId } }', {
      purpose: 'MARKETING',
    });
    await changed({ email: 'no-consent@example.nl', order: '43' });
    await changed({ email: EMAIL, order: '44' });
    expect(await subscriber.next()).toEqual({ data: { event: { recordId: '44' } } });
  });

  test.each(['recordId', 'customer { primaryEmail }'])(
    'has an audit line, even if it selects only %s',
    async (selection) => {
      const name = `Audited${selection.length}`;
      const subscriber = await as(
        'analyst',
        ofCustomer(`email: "${OTHER}"`, selection).replace('subscription', `subscription ${name}`),
      );
      for (const order of ['43', '44']) {
        await changed({ email: OTHER, order });
        await subscriber.next();
      }
      const lines = readFileSync(auditFile, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { operation: { name: string } })
        .filter(({ operation }) => operation.name === name);
      expect(lines).toHaveLength(2);
      const id = at(await query(`{ customer(by: { email: "${OTHER}" }) { id } }`), 'customer', 'id');
      for (const line of lines) expect(line).toMatchObject({ purpose: 'ANALYTICS', customers: [id] });
      expect(JSON.stringify(lines)).not.toContain(OTHER);
    },
  );

  test('has the same error messages as an answer, without texts of the systems', async () => {
    await control.set('contact-centre', { fault: 'status' });
    try {
      const subscriber = await as(
        'operator',
        ofCustomer(`email: "${EMAIL}"`, 'customer { openTicketCount { value } }'),
      );
      await changed({ email: EMAIL });
      const result = await subscriber.next();
      expect(result?.errors).toEqual([
        expect.objectContaining({
          path: ['customerChanged', 'customer', 'openTicketCount'],
          extensions: expect.objectContaining({
            code: 'SOURCE_UNAVAILABLE',
            source: 'contact-centre',
          }) as unknown,
        }),
      ]);
    } finally {
      await control.heal();
    }
  });
});

describe('a subscription', () => {
  const refusals: [string, string, string, string][] = [
    ['is sent after a delay', 'subscription { cartAbandoned { type } }', 'BAD_USER_INPUT', 'trigger'],
    [
      'costs more points than its caller may spend at once',
      'subscription { event { customer { tickets(first: 100) { nodes { comments(first: 100) { nodes { __typename } } } } } } }',
      'LIMIT_EXCEEDED',
      'points',
    ],
    [
      'has an invalid e-mail address',
      'subscription { customerChanged(by: { email: "nobody" }) { type } }',
      'BAD_USER_INPUT',
      'email',
    ],
  ];
  test.each(refusals)('that %s is refused before any event is sent', async (_, query, code, message) => {
    const subscriber = await as('analyst', query);
    const [result, ...others] = await subscriber.rest();
    expect(codes(result)).toEqual([code]);
    expect(result?.errors?.[0]?.message).toContain(message);
    expect(others).toEqual([]);
    await nobodyListens();
  });

  test.each([
    ['without a port', inside],
    ['on a port', (path, init) => byPort(path, init)],
  ] as [string, SendRequest][])('ends if its client disconnects, %s', async (_, sendRequest) => {
    const subscriber = await as('operator', ofCustomer(`email: "${EMAIL}"`), { sendRequest });
    await vi.waitFor(async () => {
      expect(await gauge('stekkerdoos_subscribers')).toBe(1);
    }, 5_000);
    await subscriber.hangUp();
    await nobodyListens();
  });

  test('is refused if the client accepts none of its formats', async () => {
    const headers = { ...(await headersOf('operator')), accept: 'application/json' };
    for (const sendRequest of [inside, byPort]) {
      const refused = await subscribe(sendRequest, { query: ofCustomer(`email: "${EMAIL}"`) }, headers);
      expect(refused.status).toBe(406);
    }
    await nobodyListens();
  });

  test('is not counted as an in-flight request after it has begun', async () => {
    const subscribers = await Promise.all(
      [1, 2, 3].map(() => as('operator', ofCustomer(`email: "${EMAIL}"`), { sendRequest: byPort })),
    );
    await vi.waitFor(async () => {
      expect(await gauge('stekkerdoos_subscribers')).toBe(3);
      expect(await gauge('stekkerdoos_requests_in_flight')).toBe(0);
    }, 5_000);
    await changed({ email: EMAIL, order: '51' });
    for (const subscriber of subscribers)
      expect((await subscriber.next())?.data).toMatchObject({ customerChanged: { recordId: '51' } });
  });
});

describe('a gateway that stops', () => {
  test('ends all subscriptions, so that the clients reconnect to another instance', async () => {
    const before = await as('operator', ofCustomer(`email: "${EMAIL}"`), { sendRequest: byPort });
    gateway.drain();
    expect(await before.rest()).toEqual([]);
    const after = await as('operator', ofCustomer(`email: "${EMAIL}"`));
    expect(await after.rest()).toEqual([]);
  });
});
