import { generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Endpoint } from '../../src/webhooks/endpoints.js';
import { anEndpoint, HOUR, planFor, START, startDeliveries, type Deliveries } from './deliveries.js';
import { startReceiver, type Receiver } from './receiver.js';
import { anEvent } from './store-contract.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const item of open.splice(0).reverse()) await item.close();
});

async function receiver(answer?: Receiver['answer']): Promise<Receiver> {
  const started = await startReceiver(answer);
  open.push(started);
  return started;
}

async function deliveries(...args: Parameters<typeof startDeliveries>): Promise<Deliveries> {
  const started = await startDeliveries(...args);
  open.push(started);
  return started;
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  () => ({ status: code, headers });
const ofCustomer = (id: string, customer: string) =>
  anEvent(id, { data: { customer }, identifiers: { customerNumber: [customer] } });

/** Advances the clock until no attempts remain. Returns the time of each attempt, in hours after the first attempt. */
async function attemptsOf({ store, deliverer, advance, now }: Deliveries): Promise<number[]> {
  const hours = [0];
  for (;;) {
    const [record] = await store.list({ limit: 1 });
    if (record?.nextAt == null) return hours;
    // No attempt is sent before it is due.
    advance(record.nextAt - now() - 1);
    await deliverer.idle();
    expect((await store.find(record.id))?.attempts).toBe(record.attempts);
    advance(1);
    hours.push((now() - START) / HOUR);
    await deliverer.idle();
  }
}

describe('a message to an endpoint', () => {
  it('is signed so that a receiver with the standard library can check it, with either secret', async () => {
    const mailer = await receiver();
    const secrets = [randomBytes(32), randomBytes(24)];
    const { send } = await deliveries([anEndpoint('mailer', mailer.url, { secrets })]);
    await send(anEvent('1'));
    const [{ headers, body } = { headers: {}, body: '' }] = mailer.received;
    vi.useFakeTimers({ now: START, toFake: ['Date'] });
    for (const secret of secrets)
      expect(new Webhook(secret.toString('base64')).verify(body, headers)).toEqual({
        type: 'orderPlaced',
        timestamp: '2026-03-02T09:00:00.000Z',
        data: { order: 'order-1' },
      });
    expect(() => new Webhook(randomBytes(32).toString('base64')).verify(body, headers)).toThrow();
    expect(() => new Webhook(secrets[0]?.toString('base64') ?? '').verify(`${body} `, headers)).toThrow();
    expect(headers).toMatchObject({ 'content-type': 'application/json' });
  });

  it('is also signed with the private key of the endpoint, if it has one', async () => {
    const mailer = await receiver();
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { send } = await deliveries([anEndpoint('mailer', mailer.url, { privateKey })]);
    await send(anEvent('1'));
    const [{ headers, body } = { headers: {} as Record<string, string>, body: '' }] = mailer.received;
    const [v1 = '', v1a = '', ...rest] = headers['webhook-signature']?.split(' ') ?? [];
    expect([v1.slice(0, 3), v1a.slice(0, 4), rest]).toEqual(['v1,', 'v1a,', []]);
    const content = Buffer.from(
      `${headers['webhook-id'] ?? ''}.${headers['webhook-timestamp'] ?? ''}.${body}`,
    );
    expect(verify(null, content, publicKey, Buffer.from(v1a.slice(4), 'base64'))).toBe(true);
  });

  it('has the current data at each attempt, and is not sent after consent was withdrawn', async () => {
    const mailer = await receiver(status(500));
    let consent = true;
    let total = 10;
    const sender = await deliveries([anEndpoint('mailer', mailer.url)], {
      render: ({ event }) =>
        Promise.resolve(
          consent ? { body: { type: 't', timestamp: event.time, data: { total } } } : { skip: 'no consent' },
        ),
    });
    await sender.send(anEvent('1'));
    total = 20;
    sender.advance(6_000);
    await sender.deliverer.idle();
    consent = false;
    sender.advance(HOUR);
    await sender.deliverer.idle();
    expect(mailer.received.map(({ body }) => (JSON.parse(body) as { data: unknown }).data)).toEqual([
      { total: 10 },
      { total: 20 },
    ]);
    expect(await sender.store.list({ limit: 10 })).toMatchObject([
      { state: 'skipped', reason: 'no consent', attempts: 2 },
    ]);
  });

  it('is not sent by an instance whose lease may have expired during a pause', async () => {
    const mailer = await receiver();
    const isPaused = [20_000, 40_000, 0];
    const renderedAt: number[] = [];
    const sender: Deliveries = await deliveries([anEndpoint('mailer', mailer.url)], {
      timeoutMs: 15_000,
      leaseMs: 30_000,
      render: ({ event }) => {
        sender.advance(isPaused.shift() ?? 0);
        renderedAt.push(sender.now() - START);
        return Promise.resolve({ body: { type: 't', timestamp: event.time, data: null } });
      },
    });
    await sender.send(anEvent('1'));
    // The instance has the lease, but it would expire before the endpoint has answered.
    expect([mailer.received.length, renderedAt]).toEqual([0, [20_000]]);
    sender.advance(10_000);
    await sender.deliverer.idle();
    expect([mailer.received.length, renderedAt]).toEqual([1, [20_000, 70_000, 70_000]]);
    expect(await sender.store.list({ limit: 1 })).toMatchObject([{ state: 'delivered', attempts: 1 }]);
  });

  it('waits until quiet hours end, and this wait is not an attempt', async () => {
    const mailer = await receiver();
    const sender: Deliveries = await deliveries([anEndpoint('mailer', mailer.url)], {
      render: ({ event }) =>
        Promise.resolve(
          sender.now() < START + 12 * HOUR
            ? { retryAt: START + 12 * HOUR }
            : { body: { type: 't', timestamp: event.time, data: null } },
        ),
    });
    await sender.send(anEvent('1'));
    sender.advance(11 * HOUR);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(0);
    sender.advance(HOUR);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(1);
    expect(await sender.store.list({ limit: 1 })).toMatchObject([{ state: 'delivered', attempts: 1 }]);
  });
});

describe('an unavailable endpoint', () => {
  it('receives ten attempts over 75 hours with the same id, and no more until a replay', async () => {
    const mailer = await receiver(status(503));
    const sender = await deliveries([anEndpoint('mailer', mailer.url)]);
    await sender.send(anEvent('1'));
    const hours = await attemptsOf(sender);
    expect(hours.map((hour) => Number(hour.toFixed(3)))).toEqual([
      0, 0.001, 0.085, 0.585, 2.585, 7.585, 17.585, 31.585, 51.585, 75.585,
    ]);
    const [dead] = await sender.store.list({ limit: 10 });
    expect(dead).toMatchObject({ state: 'dead', attempts: 10, reason: 'status 503' });
    expect(sender.log.join('')).toContain('webhook delivery dead');
    sender.advance(100 * HOUR);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(10);
    mailer.answer = status(200);
    expect(await sender.store.replay({ dead: true })).toBe(1);
    await sender.deliverer.idle();
    expect(await sender.store.find(dead?.id ?? '')).toMatchObject({ state: 'delivered', attempts: 1 });
    expect(mailer.received).toHaveLength(11);
    expect(new Set(mailer.received.map(({ id }) => id))).toEqual(new Set([dead?.id]));
    // Each attempt is signed with its time.
    expect(new Set(mailer.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(11);
  });

  it.each([
    [0, 0.8],
    [0.999_999, 1.2],
  ])('with the random number %s receives the next attempt after %s of the delay', async (dice, part) => {
    const mailer = await receiver(status(500));
    const sender = await deliveries([anEndpoint('mailer', mailer.url)], { random: () => dice });
    await sender.send(anEvent('1'));
    const hours = await attemptsOf(sender);
    expect(hours.at(-1)).toBeCloseTo(75.585 * part, 1);
  });

  it('receives no messages during its Retry-After', async () => {
    const mailer = await receiver(status(429, { 'retry-after': '1800' }));
    const sender = await deliveries([anEndpoint('mailer', mailer.url, { concurrency: 1 })]);
    await sender.send(anEvent('1'), anEvent('2'));
    expect(mailer.received).toHaveLength(1);
    sender.advance(1_799_000);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(1);
    mailer.answer = status(204);
    sender.advance(1_000);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(3);
  });

  it('accepts a date in Retry-After, and waits at most a day', async () => {
    const mailer = await receiver(status(503, { 'retry-after': new Date(START + 2 * HOUR).toUTCString() }));
    const sender = await deliveries([anEndpoint('mailer', mailer.url)]);
    await sender.send(anEvent('1'));
    expect(await sender.store.list({ limit: 1 })).toMatchObject([{ nextAt: START + 2 * HOUR }]);
    mailer.answer = status(503, { 'retry-after': '9999999' });
    sender.advance(2 * HOUR);
    await sender.deliverer.idle();
    expect(await sender.store.list({ limit: 1 })).toMatchObject([{ nextAt: START + 26 * HOUR }]);
  });

  it('receives no messages after status 410, until it is enabled again', async () => {
    const mailer = await receiver(status(410));
    const sender = await deliveries([anEndpoint('mailer', mailer.url)]);
    await sender.send(anEvent('1'));
    await sender.send(anEvent('2'));
    expect(mailer.received).toHaveLength(1);
    expect(await sender.store.disabled()).toMatchObject([{ endpoint: 'mailer', reason: 'status 410' }]);
    expect((await sender.store.list({ state: 'dead', limit: 9 })).map(({ reason }) => reason)).toEqual([
      'endpoint is disabled',
      'status 410',
    ]);
    mailer.answer = status(204);
    await sender.store.enable('mailer');
    await sender.store.replay({ dead: true, endpoint: 'mailer' });
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(3);
  });

  it('is not called at another address after a redirect', async () => {
    const elsewhere = await receiver();
    const mailer = await receiver(status(307, { location: elsewhere.url }));
    const sender = await deliveries([anEndpoint('mailer', mailer.url)]);
    await sender.send(anEvent('1'));
    expect(await sender.store.list({ limit: 1 })).toMatchObject([{ state: 'waiting', reason: 'status 307' }]);
    expect(elsewhere.received).toHaveLength(0);
  });

  it('does not delay other endpoints if it is unreachable, hangs or redirects', async () => {
    const silent = await receiver(() => undefined);
    const redirecting = await receiver(status(302, { location: '/' }));
    const unreachable = await startReceiver();
    await unreachable.close();
    const healthy = await receiver();
    const names: [string, string][] = [
      ['dead', unreachable.url],
      ['silent', silent.url],
      ['redirecting', redirecting.url],
      ['healthy', healthy.url],
    ];
    const sender = await deliveries(names.map(([name, url]) => anEndpoint(name, url)));
    const events = Array.from({ length: 100 }, (_, index) =>
      ofCustomer(`${index}`, `customer ${index % 20}`),
    );
    for (const event of events) await sender.store.add([event]);
    sender.deliverer.wake();
    await vi.waitFor(() => {
      expect(healthy.received).toHaveLength(100);
    }, 15_000);
    // During that time, the silent endpoint used its connections, but not more than its limit.
    expect(silent.received).toHaveLength(5);
    const healthyOnes = await sender.store.list({ endpoint: 'healthy', limit: 100 });
    expect(new Set(healthyOnes.map(({ attempts }) => attempts))).toEqual(new Set([1]));
    for (const [name] of names.slice(0, 3))
      expect(await sender.store.list({ endpoint: name, state: 'delivered', limit: 1 })).toEqual([]);
    await silent.close();
  });

  it('is cancelled after its timeout', async () => {
    const silent = await receiver(() => undefined);
    const sender = await deliveries([anEndpoint('silent', silent.url)], { timeoutMs: 100 });
    await sender.send(anEvent('1'));
    expect(await sender.store.list({ limit: 1 })).toMatchObject([
      { attempts: 1, reason: 'no answer in time' },
    ]);
  });
});

describe('the order of one customer', () => {
  it('is preserved if an endpoint sometimes fails, and other customers do not wait', async () => {
    let count = 0;
    const flaky = await receiver(() => ({ status: (count += 1) % 3 === 0 ? 500 : 204 }));
    const sender = await deliveries([anEndpoint('flaky', flaky.url)]);
    const events = Array.from({ length: 40 }, (_, index) => ofCustomer(`${100 + index}`, `c${index % 4}`));
    await sender.send(...events);
    for (let round = 0; round < 60; round += 1) {
      sender.advance(20 * 60_000);
      await sender.deliverer.idle();
    }
    expect(await sender.store.list({ state: 'waiting', limit: 1 })).toEqual([]);
    for (const customer of ['c0', 'c1', 'c2', 'c3']) {
      const items = events.filter(({ data }) => data['customer'] === customer).map(({ subject }) => subject);
      const orders = flaky.received.map(
        ({ body }) => (JSON.parse(body) as { data: { order: string } }).data.order,
      );
      // Each event may arrive several times in succession, but never after a later event.
      const came = orders.filter(
        (order, index) => items.includes(order) && orders.lastIndexOf(order) === index,
      );
      expect(came).toEqual(items);
    }
  });
});

describe('an event', () => {
  it('that cannot be processed is retried, and the order of its customer is preserved', async () => {
    const mailer = await receiver();
    let isUnavailable = true;
    const endpoint: Endpoint = anEndpoint('mailer', mailer.url);
    const sender: Deliveries = await deliveries([endpoint], {
      process: (event) => {
        if (isUnavailable && event.id === '1')
          return Promise.reject(new Error('jan@example.nl is not found'));
        return Promise.resolve({ deliveries: [planFor(event, 'mailer', sender.now())] });
      },
    });
    await sender.send(ofCustomer('1', 'c'), ofCustomer('2', 'c'), ofCustomer('3', 'other'));
    expect(mailer.received).toHaveLength(1);
    isUnavailable = false;
    sender.advance(10_000);
    await sender.deliverer.idle();
    expect(
      mailer.received.map(({ body }) => (JSON.parse(body) as { data: { order: string } }).data.order),
    ).toEqual(['order-3', 'order-1', 'order-2']);
    expect(sender.log.join('')).toContain('webhook event failed');
    expect(sender.log.join('')).not.toContain('jan@');
  });

  it('plans a reminder that an earlier event cancels', async () => {
    const mailer = await receiver();
    const sender: Deliveries = await deliveries([anEndpoint('mailer', mailer.url)], {
      process: (event) => {
        const cart = String(event.data['customer']);
        if (event.type === 'order.placed') return Promise.resolve({ deliveries: [], cancel: [cart] });
        const plan = { ...planFor(event, 'mailer', sender.now() + HOUR), cancelKey: cart };
        return Promise.resolve({ deliveries: [plan] });
      },
    });
    await sender.send(
      { ...ofCustomer('1', 'buys'), type: 'cart.changed' },
      { ...ofCustomer('2', 'leaves'), type: 'cart.changed' },
    );
    sender.advance(HOUR / 2);
    await sender.send(ofCustomer('3', 'buys'));
    sender.advance(HOUR / 2);
    await sender.deliverer.idle();
    expect(
      mailer.received.map(({ body }) => (JSON.parse(body) as { data: { order: string } }).data.order),
    ).toEqual(['order-2']);
  });
});

describe('the rate of an endpoint', () => {
  it('is not exceeded, and no message is lost', async () => {
    const slow = await receiver();
    const sender = await deliveries([anEndpoint('slow', slow.url, { ratePerSecond: 2, concurrency: 50 })]);
    await sender.send(...Array.from({ length: 10 }, (_, index) => anEvent(`${index}`)));
    const counts = [slow.received.length];
    for (let second = 1; second <= 4; second += 1) {
      sender.advance(1_000);
      await sender.deliverer.idle();
      counts.push(slow.received.length);
    }
    expect(counts).toEqual([2, 4, 6, 8, 10]);
  });
});
