import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

/** Tests the whole path from an event of a system to a delivered profile. Only the system is a stand-in. */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EMAIL = 'customer-5@example.nl';

interface Delivery {
  id: string;
  body: {
    type: string;
    timestamp: string;
    data: Record<string, { recordId: string; customer: Record<string, unknown> }>;
  };
}

let system: StandIn;
let control: FaultControl;
let campaignTool: Server;
let gateway: TestGateway;
let port: HttpServer;
const delivered: Delivery[] = [];
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-events-'));

beforeAll(async () => {
  const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
  system = await startOrderSystem(
    createWorld({ customers: 8 }),
    connectionString === undefined ? {} : { connectionString },
  );
  control = await faultControl([system], [...FOUR_SYSTEMS]);
  campaignTool = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
      delivered.push({
        id: String(request.headers['webhook-id']),
        body: JSON.parse(body) as Delivery['body'],
      });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => campaignTool.listen(0, '127.0.0.1', resolve));
  const address = campaignTool.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}/`;
  gateway = createTestGateway(
    {
      ...control.settings,
      ...CALLER_SETTINGS,
      DEADLINE_MS: '10000',
      AUDIT_FILE: join(folder, 'audit.jsonl'),
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of events',
      WEBHOOK_ENDPOINTS: JSON.stringify([
        { name: 'campaign-tool', url, secrets: [SECRET], allowPrivate: true, ratePerSecond: 100 },
      ]),
    },
    // Records that are not dropped would be shown for an hour.
    {
      sources: patientSources()
        .filter(({ name }) => FOUR_SYSTEMS.some((value) => value === name))
        .map((source) => ({ ...source, freshness: { maxAge: '1 hour' } })),
    },
  );
  await gateway.opened;
  port = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
}, 60_000);

afterAll(async () => {
  await port.stop();
  await gateway.close();
  await control.close();
  await system.close();
  await new Promise((resolve) => campaignTool.close(resolve));
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  delivered.length = 0;
});

const LAST_ORDER = `query ($by: CustomerKey!) {
  customer(by: $by) { orders(first: 1) { nodes { number paymentStatus: status } } }
}`;

async function lastOrder(cacheControl?: string): Promise<unknown> {
  const { data } = await gateway.query(
    LAST_ORDER,
    { by: { email: EMAIL } },
    {
      ...(await headersOf('operator')),
      ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
    },
  );
  return data;
}

/** The number of processed events. A paid order has two events, because it is also placed. */
async function processed(): Promise<number> {
  const metrics = await (await gateway.fetch('/metrics')).text();
  const of = /^stekkerdoos_webhook_events_total\{source="order-system",outcome="ok"\} (\d+)$/m;
  return Number(of.exec(metrics)?.[1] ?? 0);
}

describe('an order that is paid', () => {
  test('is sent to the campaign tool, signed, with the new order that was not cached', async () => {
    const before = await lastOrder();
    expect(await lastOrder('only-if-cached')).toEqual(before);
    const emitted = await control.emit('order-system', { type: 'order.paid', email: EMAIL, to: port.url });
    expect(emitted).toMatchObject({ type: 'order.paid' });
    await vi.waitFor(() => {
      expect(delivered.map(({ body }) => body.type)).toContain('order.paid');
    }, 10_000);
    const [first] = delivered;
    const { recordId, customer } = first?.body.data['orderPaid'] ?? {};
    expect(recordId).toMatch(/^ORD-/);
    expect(JSON.stringify(before)).not.toContain(recordId);
    expect(customer).toMatchObject({ primaryEmail: EMAIL, orders: { nodes: [{ number: recordId }] } });
    expect(JSON.stringify(await lastOrder('only-if-cached'))).toContain(recordId);
    await vi.waitFor(async () => {
      expect(await processed()).toBe(2);
      expect(await (await gateway.fetch('/metrics')).text()).toContain(
        'stekkerdoos_webhook_deliveries_total{endpoint="campaign-tool",outcome="delivered"} 1',
      );
    }, 5_000);
  });

  test('reloads only the frequently used records of its customer', async () => {
    const [often, once] = ['everywhere@example.nl', 'customer-7@example.nl'];
    const tickets = async (email: string, cacheControl = 'max-stale=0') =>
      gateway.query(
        'query ($by: CustomerKey!) { customer(by: $by) { openTicketCount { value } } }',
        { by: { email } },
        { ...(await headersOf('operator')), 'cache-control': cacheControl },
      );
    const { data } = await tickets(often);
    expect(data).toHaveProperty('customer.openTicketCount.value');
    for (let again = 0; again < 3; again += 1) expect((await tickets(often)).data).toEqual(data);
    await tickets(once);
    for (const email of [once, often]) {
      const before = await processed();
      await control.emit('order-system', { type: 'order.paid', email, to: port.url });
      await vi.waitFor(async () => {
        expect(await processed()).toBe(before + 2);
      }, 10_000);
    }
    await vi.waitFor(async () => {
      expect(await tickets(often, 'only-if-cached')).toMatchObject({ data, errors: [] });
    }, 10_000);
    expect((await tickets(once, 'only-if-cached')).errors).not.toEqual([]);
  });
});

describe('many events at once', () => {
  test('cause one call to each system for several customers', async () => {
    const emails = Array.from({ length: 24 }, (_, i) => `customer-${(i % 8) + 1}@example.nl`);
    const callsOf = () => control.counters()['crm-hubspot']?.calls ?? 0;
    const [callsBefore, before] = [callsOf(), await processed()];
    await Promise.all(
      emails.map((email) => control.emit('order-system', { type: 'order.placed', email, to: port.url })),
    );
    await vi.waitFor(async () => {
      expect(await processed()).toBe(before + 24);
    }, 15_000);
    expect(callsOf() - callsBefore).toBeLessThanOrEqual(12);
  });
});
