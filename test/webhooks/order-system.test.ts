import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import { startOrderSystem, type OrderSystemStandIn } from '../../sources/order-system/stand-in/index.js';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { SettingsReader } from '../../src/settings.js';
import type { WebhookOutcome } from '../../src/telemetry/webhook-metrics.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createOutboxReader, pluggedInOutboxes, type OutboxReader } from '../../src/webhooks/outbox.js';
import { eventTypes } from '../support/published-schema.js';

const email = 'everywhere@example.nl';
const world = createWorld({ customers: 5 });
const number = world.people.find((person) => person.email === email)?.orderSystem?.customerNumber ?? '';

let standIn: OrderSystemStandIn;
let control: FaultControl;
let shop: Client;
let readers: OutboxReader[];
let added: Map<string, SourceEvent>;
let outcomes: WebhookOutcome[];
let isFull: boolean;

beforeAll(async () => {
  standIn = await startOrderSystem(world);
  control = await createFaultControl([standIn]);
  shop = new Client({ connectionString: standIn.ownerUrl });
  await shop.connect();
}, 60_000);

afterAll(async () => {
  await shop.end();
  await control.close();
  await standIn.close();
});

beforeEach(async () => {
  readers = [];
  added = new Map();
  outcomes = [];
  isFull = false;
  await control.heal();
  await shop.query('delete from outbox');
});

afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.close()));
});

function read(): OutboxReader {
  const [outbox] = pluggedInOutboxes([orderSystem], new SettingsReader(control.settings));
  if (outbox === undefined) throw new Error('no outbox');
  const reader = createOutboxReader({
    ...outbox,
    types: eventTypes,
    add: (events) => {
      if (isFull) return Promise.reject(new Error('no disk'));
      const fresh = events.filter(({ id }) => !added.has(id));
      for (const event of fresh) added.set(event.id, event);
      return Promise.resolve({ added: fresh.length, known: events.length - fresh.length });
    },
    identify: (_, value) => value,
    onReceived: (_, outcome) => outcomes.push(outcome),
    logger: { warn: () => undefined, error: () => undefined },
    pausesMs: { first: 20, last: 50 },
  });
  readers.push(reader);
  return reader;
}

const happen = (type: string) => control.emit('order-system', { type, email });
const types = () => [...added.values()].map(({ type }) => type);
const waiting = async () => (await shop.query('select id from outbox')).rowCount;

describe('the order system', () => {
  it('reports an event when its transaction is committed', async () => {
    read();
    await happen('order.paid');
    await vi.waitFor(() => {
      expect(types().at(-1)).toBe('order.paid');
    });
    const paid = [...added.values()].at(-1);
    expect(paid).toMatchObject({
      source: 'order-system',
      subject: expect.stringMatching(/^ORD-/) as string,
      identifiers: { customerNumber: [number] },
      data: { status: 'PAID', currency: 'EUR', total: expect.any(Number) as number },
    });
    await vi.waitFor(async () => {
      expect(await waiting()).toBe(0);
    });
  });

  it.each(['order.placed', 'order.shipped', 'contact.changed', 'consent.given', 'consent.withdrawn'])(
    'reports %s',
    async (type) => {
      read();
      await happen('order.paid');
      await happen(type);
      await vi.waitFor(() => {
        expect(types()).toContain(type);
      });
    },
  );

  it('reports no events of a transaction that is rolled back', async () => {
    read();
    await shop.query('begin');
    await shop.query(`update customers set phone = '+31600000000' where cust_no = $1`, [number]);
    await shop.query('rollback');
    await happen('consent.given');
    await vi.waitFor(() => {
      expect(types()).toEqual(['consent.given']);
    });
  });

  it('reports events without a listener later', async () => {
    await happen('order.placed');
    await happen('consent.withdrawn');
    read();
    await vi.waitFor(() => {
      expect(types()).toEqual(['order.placed', 'consent.withdrawn']);
    });
  });

  it('reports events again until they are stored', async () => {
    isFull = true;
    read();
    await happen('order.placed');
    await vi.waitFor(() => {
      expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeGreaterThan(1);
    });
    expect(await waiting()).toBe(1);
    isFull = false;
    await vi.waitFor(async () => {
      expect([types(), await waiting()]).toEqual([['order.placed'], 0]);
    });
  });

  it('continues after its database was unavailable', async () => {
    read();
    await happen('order.placed');
    await vi.waitFor(() => {
      expect(added.size).toBe(1);
    });
    await control.set('order-system', { fault: 'down' });
    await happen('consent.given');
    await vi.waitFor(() => {
      expect(outcomes).toContain('failed');
    });
    await control.heal();
    await vi.waitFor(() => {
      expect(types()).toEqual(['order.placed', 'consent.given']);
    });
  });

  it('delivers each event to one of several listeners', async () => {
    read();
    read();
    for (let count = 0; count < 10; count++) await happen('order.placed');
    await vi.waitFor(async () => {
      expect([added.size, await waiting()]).toEqual([10, 0]);
    });
    expect(outcomes).not.toContain('duplicate');
  });

  it('reports very many concurrent events in order', async () => {
    await shop.query(
      `insert into outbox (type, subject) select 'order.placed', n::text from generate_series(1, 250) n`,
    );
    read();
    await vi.waitFor(() => {
      expect(added.size).toBe(250);
    });
    expect([...added.values()].map(({ subject }) => Number(subject))).toEqual(
      Array.from({ length: 250 }, (_, index) => index + 1),
    );
  });

  it('retains an unreadable row in the outbox, and reports the rows after it', async () => {
    await shop.query(
      `insert into outbox (type, data) values ('order.placed', '{"nested": {}}'), ('sold.out', null)`,
    );
    read();
    await happen('consent.given');
    await vi.waitFor(async () => {
      expect([types(), await waiting()]).toEqual([['consent.given'], 1]);
    });
    expect(outcomes).toContain('malformed');
  });

  it('allows the role of the outbox to read only the outbox', async () => {
    const taker = new Client({ connectionString: control.settings['ORDER_SYSTEM_OUTBOX_URL'] });
    await taker.connect();
    await expect(taker.query('select * from customers')).rejects.toThrow('permission denied');
    await taker.end();
  });

  it('stops at once when it is closed', async () => {
    const reader = read();
    await reader.close();
    await happen('order.placed');
    expect([added.size, await waiting()]).toEqual([0, 1]);
  });
});
