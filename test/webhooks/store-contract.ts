import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { SourceEvent } from '../../src/webhooks/event.js';
import type {
  LeasedDelivery,
  PlannedDelivery,
  WebhookStore,
  WebhookStoreOptions,
} from '../../src/webhooks/store.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const START = Date.parse('2026-03-02T09:00:00Z');

export function anEvent(id: string, more: Partial<SourceEvent> = {}): SourceEvent {
  return {
    id,
    source: 'webshop',
    type: 'order.placed',
    time: '2026-03-02T09:00:00.000Z',
    subject: `order-${id}`,
    identifiers: { email: [`${id}@example.nl`] },
    data: { total: 12.5 },
    ...more,
  };
}

export interface OpenedStore {
  store: WebhookStore;
  /** Opens the store again, as another instance of the gateway or after a restart. */
  again(options?: Partial<WebhookStoreOptions>): Promise<WebhookStore>;
  /** Returns all data on disk as text. */
  raw(): Promise<string>;
  close(): Promise<void>;
}

/** Tests the contract that applies to every store. */
export function storeContract(
  open: (options: Omit<WebhookStoreOptions, 'file' | 'postgresUrl'>) => Promise<OpenedStore>,
): void {
  let now = START;
  let opened: OpenedStore;
  let store: WebhookStore;

  beforeEach(async () => {
    now = START;
    opened = await open({ secret: 'a secret of the test', now: () => now });
    store = opened.store;
  });
  afterEach(() => opened.close());

  const plan = (more: Partial<PlannedDelivery> = {}): PlannedDelivery => ({
    trigger: 'thanks',
    endpoint: 'mailer',
    orderKey: 'customer-1',
    dueAt: now,
    ...more,
  });

  /** Stores one event, and plans these deliveries for it. */
  async function scheduled(
    id: string,
    deliveries: PlannedDelivery[],
    cancel: string[] = [],
  ): Promise<string[]> {
    await store.add([anEvent(id)]);
    const [leased] = await store.leaseEvents(10, MINUTE);
    if (leased?.event.id !== id) throw new Error(`${id} is not the next event.`);
    return store.processed(leased, { deliveries, cancel });
  }

  async function due(endpoint = 'mailer', from = store): Promise<LeasedDelivery[]> {
    return from.leaseDeliveries(endpoint, 100, MINUTE);
  }

  const delivered = (delivery: LeasedDelivery | undefined) =>
    store.settle(delivery ?? raise(), { state: 'delivered', attempts: 1, reason: 'status 204' });

  describe('events', () => {
    it('are stored once, even if they are sent repeatedly in several requests', async () => {
      const twice = await Promise.all([
        store.add([anEvent('1'), anEvent('2'), anEvent('1')]),
        store.add([anEvent('2'), anEvent('3'), anEvent('1', { source: 'crm' })]),
      ]);
      expect(twice).toEqual([
        { added: 2, known: 1 },
        { added: 2, known: 1 },
      ]);
      expect(await store.add([anEvent('3'), anEvent('4')])).toEqual({ added: 1, known: 1 });
      expect((await store.counts()).eventsWaiting).toBe(5);
    });

    it('are all stored if hundreds arrive at the same time', async () => {
      const sent = Array.from({ length: 700 }, (_, index) => store.add([anEvent(`n${index}`)]));
      expect((await Promise.all(sent)).every(({ added }) => added === 1)).toBe(true);
      expect((await store.counts()).eventsWaiting).toBe(700);
    });

    it('are all stored if one request has more events than one write may contain', async () => {
      const sent = Array.from({ length: 1_000 }, (_, index) => anEvent(`n${index}`));
      expect(await store.add(sent)).toEqual({ added: 1_000, known: 0 });
      expect((await store.counts()).eventsWaiting).toBe(1_000);
    });

    it('are leased with all their data, also after a restart', async () => {
      const event = anEvent('1', {
        type: 'cart.changed',
        data: { open: true, note: null, items: 3, shop: 'nl' },
      });
      await store.add([event]);
      const restarted = await opened.again();
      const [leased] = await restarted.leaseEvents(10, MINUTE);
      expect(leased).toMatchObject({ event, attempts: 0 });
      await restarted.close();
    });

    it('are processed by one instance at a time, and by another if that instance stops renewing its lease', async () => {
      await store.add([anEvent('1')]);
      const other = await opened.again();
      const [first] = await store.leaseEvents(10, MINUTE);
      expect(await other.leaseEvents(10, MINUTE)).toEqual([]);
      now += MINUTE;
      const [second] = await other.leaseEvents(10, MINUTE);
      expect(second?.event.id).toBe('1');
      expect(await store.processed(first ?? raise(), { deliveries: [plan()] })).toEqual([]);
      expect(await other.processed(second ?? raise(), { deliveries: [plan()] })).toHaveLength(1);
      expect(await store.list({ limit: 10 })).toHaveLength(1);
      await other.close();
    });

    it.each([
      ['postpones', START + MINUTE],
      ['gives up', undefined],
    ])('belong to the instance with the lease if another instance %s them', async (_, retryAt) => {
      await store.add([anEvent('1')]);
      const other = await opened.again();
      const [expiredLease] = await store.leaseEvents(10, MINUTE);
      now += MINUTE;
      const [held] = await other.leaseEvents(10, MINUTE);
      await store.eventFailed(expiredLease ?? raise(), 'a source is unavailable', retryAt);
      expect(await store.counts()).toMatchObject({ eventsWaiting: 1, eventsDead: 0 });
      // The lease is unchanged, so only its holder may process the event.
      expect(await store.leaseEvents(10, MINUTE)).toEqual([]);
      expect(await other.processed(held ?? raise(), { deliveries: [plan()] })).toHaveLength(1);
      await other.close();
    });

    it('record only the attempts of the instance with the lease', async () => {
      await store.add([anEvent('1')]);
      const other = await opened.again();
      const [expiredLease] = await store.leaseEvents(10, MINUTE);
      now += MINUTE;
      await other.leaseEvents(10, MINUTE);
      await store.eventFailed(expiredLease ?? raise(), 'a source is unavailable', START + 20 * MINUTE);
      now += MINUTE;
      expect(await other.leaseEvents(10, MINUTE)).toMatchObject([{ attempts: 0, event: { id: '1' } }]);
      await other.close();
    });

    it('of one customer are processed in the order of arrival, in parallel with events of others', async () => {
      const anna = { identifiers: { email: ['anna@example.nl'] } };
      await store.add([anEvent('1', anna), anEvent('2', { ...anna, source: 'crm' }), anEvent('3')]);
      const first = await store.leaseEvents(10, MINUTE);
      expect(first.map(({ event }) => event.id)).toEqual(['1', '3']);
      await store.eventFailed(first[0] ?? raise(), 'a source is unavailable', now + 5_000);
      expect(await store.leaseEvents(10, MINUTE)).toEqual([]);
      now += 5_000;
      const [again] = await store.leaseEvents(10, MINUTE);
      expect(again).toMatchObject({ attempts: 1, event: { id: '1' } });
      await store.eventFailed(again ?? raise(), 'a source is unavailable');
      expect((await store.leaseEvents(10, MINUTE)).map(({ event }) => event.id)).toEqual(['2']);
      expect(await store.counts()).toMatchObject({ eventsDead: 1, eventsWaiting: 2 });
    });

    it('of one customer are in order, for any order of their identifiers', async () => {
      const [email, phone] = [['anna@example.nl'], ['+31612345678']];
      await store.add([
        anEvent('1', { identifiers: { email, phone } }),
        anEvent('2', { identifiers: { phone, email } }),
      ]);
      expect((await store.leaseEvents(10, MINUTE)).map(({ event }) => event.id)).toEqual(['1']);
    });

    it('that finally failed are not counted as waiting', async () => {
      await store.add([anEvent('1')]);
      const [leased] = await store.leaseEvents(10, MINUTE);
      await store.eventFailed(leased ?? raise(), 'a source is unavailable');
      expect(await store.counts()).toMatchObject({ eventsWaiting: 0, oldestEventAt: null, eventsDead: 1 });
    });

    it('are stored without readable data of the customer, and cannot be read with another secret', async () => {
      await scheduled('1', [
        plan({ orderKey: 'anna', cancelKey: 'cart of anna', once: { key: 'anna once', until: now + HOUR } }),
      ]);
      const raw = await opened.raw();
      expect(raw).toContain('mailer');
      for (const word of ['1@example.nl', 'order-1', 'anna', '12.5']) expect(raw).not.toContain(word);
      await store.add([anEvent('2')]);
      const other = await opened.again({ secret: 'another secret of the test' });
      expect(await other.leaseEvents(10, MINUTE)).toEqual([]);
      expect(await due('mailer', other)).toEqual([]);
      expect(await store.list({ limit: 10 })).toMatchObject([
        { state: 'dead', reason: 'its event cannot be read' },
      ]);
      await other.close();
    });
  });

  describe('deliveries', () => {
    it('have the same id only for the same event, trigger and endpoint', async () => {
      const ids = await scheduled('1', [
        plan(),
        plan({ trigger: 'survey' }),
        plan({ endpoint: 'crm' }),
        plan(),
      ]);
      expect(new Set(ids).size).toBe(3);
      for (const id of ids) expect(id).toMatch(/^msg_[\w-]{27}$/);
      const elsewhere = await open({ secret: 'a secret of the test', now: () => now });
      await elsewhere.store.add([anEvent('1')]);
      const [leased] = await elsewhere.store.leaseEvents(1, MINUTE);
      expect(await elsewhere.store.processed(leased ?? raise(), { deliveries: [plan()] })).toEqual(
        ids.slice(0, 1),
      );
      await elsewhere.close();
    });

    it('are leased with their event when they are due', async () => {
      await scheduled('1', [plan({ dueAt: now + HOUR })]);
      expect(await due()).toEqual([]);
      now += HOUR;
      expect(await due()).toMatchObject([
        { trigger: 'thanks', event: anEvent('1'), attempts: 0, dueAt: now },
      ]);
    });

    it('wait for an earlier delivery to the same endpoint about the same customer, but not for others', async () => {
      await scheduled('1', [plan(), plan({ endpoint: 'crm' })]);
      await scheduled('2', [
        plan(),
        plan({ trigger: 'other', orderKey: 'customer-2' }),
        plan({ endpoint: 'crm' }),
      ]);
      await scheduled('3', [plan()]);
      const first = await due();
      expect(first.map(({ event, trigger }) => `${event.id} ${trigger}`)).toEqual(['1 thanks', '2 other']);
      await store.settle(first[0] ?? raise(), {
        state: 'waiting',
        attempts: 1,
        reason: 'status 500',
        at: now + 5_000,
      });
      expect(await due()).toEqual([]);
      now += 5_000;
      const [again] = await due();
      expect(again).toMatchObject({ event: { id: '1' }, attempts: 1 });
      await delivered(again);
      const [second] = await due();
      expect(second?.event.id).toBe('2');
      await store.settle(second ?? raise(), { state: 'dead', attempts: 10, reason: 'status 500' });
      expect((await due()).map(({ event }) => event.id)).toEqual(['3']);
      expect((await due('crm')).map(({ event }) => event.id)).toEqual(['1']);
    });

    it('that are due later do not delay deliveries that are due now', async () => {
      await scheduled('1', [plan({ dueAt: now + HOUR })]);
      await scheduled('2', [plan()]);
      const [now2] = await store.leaseDeliveries('mailer', 100, 2 * HOUR);
      expect(now2?.event.id).toBe('2');
      now += HOUR;
      expect(await due()).toEqual([]);
      await delivered(now2);
      expect((await due()).map(({ event }) => event.id)).toEqual(['1']);
    });

    it('are leased to one instance at a time, and to another if that instance stops renewing its lease', async () => {
      await scheduled('1', [plan()]);
      const other = await opened.again();
      const [first] = await due();
      expect(await due('mailer', other)).toEqual([]);
      now += MINUTE;
      const [second] = await due('mailer', other);
      await store.settle(first ?? raise(), { state: 'dead', attempts: 1, reason: 'too late' });
      expect(await store.find(second?.id ?? '')).toMatchObject({ state: 'waiting' });
      await delivered(second);
      expect(await store.find(second?.id ?? '')).toMatchObject({
        state: 'delivered',
        attempts: 1,
        reason: 'status 204',
      });
      await other.close();
    });

    it('of one customer wait while another instance repeats the earlier delivery, even if the first instance reports late', async () => {
      await scheduled('1', [plan()]);
      await scheduled('2', [plan()]);
      const other = await opened.again();
      const [first] = await due();
      now += MINUTE;
      const [again] = await due('mailer', other);
      await delivered(first);
      expect(again?.id).toBe(first?.id);
      expect(await due()).toEqual([]);
      await other.settle(again ?? raise(), { state: 'delivered', attempts: 1, reason: 'status 204' });
      expect((await due()).map(({ event }) => event.id)).toEqual(['2']);
      await other.close();
    });

    it('count as delivered if that is reported late, as long as no other instance sends them', async () => {
      await scheduled('1', [plan()]);
      await scheduled('2', [plan()]);
      const [first] = await due();
      now += MINUTE;
      const [again] = await due();
      await store.settle(again ?? raise(), {
        state: 'waiting',
        attempts: 1,
        reason: 'status 500',
        at: now + HOUR,
      });
      await delivered(first);
      expect(await store.find(first?.id ?? '')).toMatchObject({ state: 'delivered' });
      expect((await due()).map(({ event }) => event.id)).toEqual(['2']);
    });

    it('are distributed among instances, each once', async () => {
      await store.add(Array.from({ length: 60 }, (_, index) => anEvent(`n${index}`)));
      for (const leased of await store.leaseEvents(100, MINUTE))
        await store.processed(leased, { deliveries: [plan({ orderKey: leased.event.id })] });
      const other = await opened.again();
      const leases = await Promise.all(
        [store, other, store, other].map((store) => store.leaseDeliveries('mailer', 20, MINUTE)),
      );
      const ids = [...leases.flat(), ...(await due()), ...(await due('mailer', other))].map(({ id }) => id);
      expect(ids).toHaveLength(60);
      expect(new Set(ids).size).toBe(60);
      await other.close();
    });

    it('are cancelled by a later event while they wait, and the next delivery is sent if they are not in progress', async () => {
      await scheduled('1', [
        plan({ dueAt: now + HOUR, cancelKey: 'cart-1' }),
        plan({ trigger: 'x', dueAt: now + 2 * HOUR }),
      ]);
      const ids = await scheduled(
        '2',
        [plan({ trigger: 'y', dueAt: now + HOUR, cancelKey: 'cart-1' })],
        ['cart-1'],
      );
      now += 2 * HOUR;
      const [first] = await due();
      expect(first?.id).toBe(ids[0]);
      await scheduled('3', [], ['cart-1']);
      expect(await due()).toEqual([]);
      expect((await store.list({ state: 'cancelled', limit: 10 })).map(({ trigger }) => trigger)).toEqual([
        'y',
        'thanks',
      ]);
      // The delivery was in progress when it was cancelled, and it arrived.
      await delivered(first);
      expect(await store.find(first?.id ?? '')).toMatchObject({ state: 'delivered' });
      expect((await due()).map(({ trigger }) => trigger)).toEqual(['x']);
    });

    it.each([
      ['failed', { state: 'waiting', attempts: 1, reason: 'status 500', at: START }],
      ['given up', { state: 'dead', attempts: 10, reason: 'status 500' }],
      ['skipped', { state: 'skipped', attempts: 0, reason: 'no consent' }],
    ] as const)(
      'that were cancelled while in progress and then %s remain cancelled, and the next delivery is sent',
      async (_, how) => {
        await scheduled('1', [plan({ cancelKey: 'cart-1' })]);
        const [first] = await due();
        await scheduled('2', [plan()], ['cart-1']);
        expect(await due()).toEqual([]);
        await store.settle(first ?? raise(), how);
        expect(await store.find(first?.id ?? '')).toMatchObject({ state: 'cancelled', nextAt: null });
        expect((await due()).map(({ event }) => event.id)).toEqual(['2']);
      },
    );

    it('that were cancelled delay the next delivery at most until the lease of their instance expires', async () => {
      await scheduled('1', [plan({ cancelKey: 'cart-1' })]);
      await due();
      await scheduled('2', [plan()], ['cart-1']);
      now += MINUTE - 1;
      expect(await due()).toEqual([]);
      now += 1;
      expect((await due()).map(({ event }) => event.id)).toEqual(['2']);
    });
  });

  describe('a message with a key', () => {
    const once = (more: Partial<PlannedDelivery> = {}) =>
      plan({ once: { key: 'thanks anna', until: START + 24 * HOUR }, ...more });

    it('is planned once until the key expires, even by concurrent instances', async () => {
      expect(await scheduled('1', [once(), once({ trigger: 'other' })])).toHaveLength(1);
      expect(await scheduled('2', [once(), plan({ trigger: 'free' })])).toHaveLength(1);
      now += 24 * HOUR;
      expect(await scheduled('3', [once({ once: { key: 'thanks anna', until: now + HOUR } })])).toHaveLength(
        1,
      );
    });

    it('is planned again if the earlier message with the key was skipped or cancelled', async () => {
      await scheduled('1', [once()]);
      const [first] = await due();
      await store.settle(first ?? raise(), { state: 'skipped', attempts: 0, reason: 'no consent' });
      expect(await scheduled('2', [once({ cancelKey: 'c' })])).toHaveLength(1);
      expect(await scheduled('3', [once()], ['c'])).toHaveLength(1);
      expect(await scheduled('4', [once()])).toHaveLength(0);
    });
  });

  describe('endpoints', () => {
    it('that are disabled receive no messages, and the messages can be replayed after the endpoints are enabled', async () => {
      await scheduled('1', [plan(), plan({ endpoint: 'crm' })]);
      await store.disable('mailer', 'status 410');
      await scheduled('2', [plan()]);
      expect(await due()).toEqual([]);
      expect(await due('crm')).toHaveLength(1);
      expect(await store.disabled()).toEqual([{ endpoint: 'mailer', at: START, reason: 'status 410' }]);
      expect(await store.list({ endpoint: 'mailer', limit: 10 })).toMatchObject([
        { state: 'dead', reason: 'endpoint is disabled' },
        { state: 'dead', reason: 'endpoint is disabled' },
      ]);
      expect(await store.replay({ dead: true })).toBe(0);
      expect(await store.enable('mailer')).toBe(true);
      expect(await store.enable('mailer')).toBe(false);
      expect(await store.replay({ dead: true, endpoint: 'mailer' })).toBe(2);
      expect((await due()).map(({ event }) => event.id)).toEqual(['1']);
    });

    it('that are disabled end a delivery when it is planned, even if it is due much later', async () => {
      await store.disable('mailer', 'status 410');
      now += MINUTE;
      const [id = ''] = await scheduled('1', [plan({ dueAt: now + HOUR })]);
      expect(await store.find(id)).toMatchObject({ state: 'dead', dueAt: now + HOUR, finishedAt: now });
    });
  });

  describe('replay', () => {
    it('sends dead deliveries again under the same id, from the first attempt', async () => {
      const [id = ''] = await scheduled('1', [plan()]);
      const [first] = await due();
      await store.settle(first ?? raise(), { state: 'dead', attempts: 10, reason: 'status 500' });
      expect(await store.counts()).toMatchObject({
        deliveries: [{ endpoint: 'mailer', state: 'dead', count: 1 }],
      });
      now += 20 * 24 * HOUR;
      await store.sweep();
      expect(await store.replay({ id })).toBe(1);
      expect(await store.replay({ id })).toBe(0);
      expect(await due()).toMatchObject([{ id, attempts: 0, event: anEvent('1') }]);
    });

    it('sends dead deliveries of only one endpoint', async () => {
      await scheduled('1', [plan(), plan({ endpoint: 'crm' })]);
      for (const endpoint of ['mailer', 'crm']) {
        const [delivery] = await due(endpoint);
        await store.settle(delivery ?? raise(), { state: 'dead', attempts: 10, reason: 'status 500' });
      }
      expect(await store.replay({ dead: true, endpoint: 'mailer' })).toBe(1);
      expect(await store.list({ state: 'dead', limit: 10 })).toMatchObject([{ endpoint: 'crm' }]);
    });

    it('is impossible after the content of the event is deleted', async () => {
      const [id = ''] = await scheduled('1', [plan()]);
      await delivered((await due())[0]);
      now += 24 * HOUR;
      await store.sweep();
      expect(await store.replay({ id })).toBe(1);
      await delivered((await due())[0]);
      now += 24 * HOUR + 1;
      await store.sweep();
      expect(await store.replay({ id })).toBe(0);
      expect(await store.find(id)).toMatchObject({ state: 'delivered' });
    });
  });

  it('marks deliveries as dead that were not sent for a month, so that no data is stored forever', async () => {
    await scheduled('1', [plan({ endpoint: 'taken out' })]);
    now += 20 * 24 * HOUR;
    await scheduled('2', [plan({ endpoint: 'taken out' })]);
    now += 10 * 24 * HOUR + 1;
    await store.sweep();
    const [second, first] = await store.list({ limit: 10 });
    expect(first).toMatchObject({ state: 'dead', reason: 'the endpoint is not in the settings' });
    expect(second).toMatchObject({ state: 'waiting', nextAt: START + 20 * 24 * HOUR });
    now += 30 * 24 * HOUR + 1;
    await store.sweep();
    expect(await store.list({ state: 'waiting', limit: 10 })).toEqual([]);
  });

  it('recognises a repeated event for 80 hours, and then deletes all its data', async () => {
    await scheduled('1', [plan()]);
    await delivered((await due())[0]);
    now += 80 * HOUR;
    await store.sweep();
    expect(await store.add([anEvent('1')])).toEqual({ added: 0, known: 1 });
    now += 1;
    await store.sweep();
    expect(await store.list({ limit: 10 })).toEqual([]);
    expect(await store.add([anEvent('1')])).toEqual({ added: 1, known: 0 });
  });
}

function raise(): never {
  throw new Error('The store returned no entry.');
}
