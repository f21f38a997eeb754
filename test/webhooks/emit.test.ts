import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sourceValue } from '../../src/stitching/generated-sdl.js';
import { startClickstream } from '../../sources/clickstream/stand-in/index.js';
import { startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { startCrmSalesforce } from '../../sources/crm-salesforce/stand-in/index.js';
import { startFacebook } from '../../sources/facebook/stand-in/index.js';
import { sources } from '../../sources/index.js';
import { startInvoices } from '../../sources/invoices/stand-in/index.js';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { startVies } from '../../sources/vies/stand-in/index.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import { startX } from '../../sources/x/stand-in/index.js';
import { SettingsReader } from '../../src/settings.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { listenToWebhooks } from '../../src/http/webhooks.js';
import { createReceiver, pluggedInWebhooks } from '../../src/webhooks/receive.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { eventTypes } from '../support/published-schema.js';

const email = 'everywhere@example.nl';
const world = createWorld({ customers: 30 });

/** Starts a server that only receives webhooks, like the port of a gateway. */
let server: Server;
let control: FaultControl;
let gateway: TestGateway;
let standIns: StandIn[];
let events: SourceEvent[];
let failures: number;

beforeAll(async () => {
  standIns = await Promise.all([
    startWebshop(world),
    startCrmHubspot(world),
    startContactCentre(world),
    startFacebook(world),
    startX(world),
    startCrmSalesforce(world),
    startInvoices(world),
    startClickstream(world),
    startVies(world),
  ]);
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  control = await createFaultControl(standIns, {
    gateway: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  gateway = createTestGateway(control.settings);
  const receive = createReceiver({
    webhooks: pluggedInWebhooks(sources, new SettingsReader(control.settings)),
    types: eventTypes,
    add: (received) => {
      if (failures-- > 0) return Promise.reject(new Error('no disk'));
      events.push(...received);
      return Promise.resolve({ added: received.length, known: 0 });
    },
    identify: (_, value) => value,
    logger: { warn: () => undefined, error: () => undefined },
  });
  server.on(
    'request',
    listenToWebhooks(receive, (_, response) => {
      response.writeHead(404).end();
    }),
  );
});

beforeEach(() => {
  events = [];
  failures = 0;
});

afterAll(async () => {
  await gateway.close();
  await control.close();
  server.close();
  await Promise.all(standIns.map((standIn) => standIn.close()));
});

async function post(path: string, body: object, method = 'POST') {
  const answer = await fetch(`${control.url}${path}`, {
    method,
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('a stand-in', () => {
  it('sends each kind of event that it supports in the vendor’s format', async () => {
    const emitted: string[] = [];
    for (const { name, emitter = {} } of standIns)
      for (const type of Object.keys(emitter)) {
        events = [];
        let { status, body } = await post(`/${name}/emit`, { type, email });
        // Some events are impossible for a customer. For example, a shipped order cannot be cancelled.
        for (let number = 1; status === 404 && number <= 30; number++)
          ({ status, body } = await post(`/${name}/emit`, {
            type,
            email: `customer-${number}@example.nl`,
          }));
        expect({ name, status, body }).toMatchObject({ status: 200, body: { type, attempts: 1 } });
        expect(events).toMatchObject([{ source: name, type }]);
        emitted.push(`${name} ${type}`);
      }
    expect(emitted).toHaveLength(24);
    expect(emitted).toContain('webshop order.paid');
  });

  it('sends an event again if it is not accepted', async () => {
    failures = 2;
    const { body } = await post('/webshop/emit', { type: 'order.placed', email });
    expect(body).toEqual({ type: 'order.placed', attempts: 3, status: 204 });
    expect(events).toHaveLength(1);
  });

  it('stops repeating an event after some time', async () => {
    failures = 9;
    const { body } = await post('/clickstream/emit', { type: 'cart.abandoned', email });
    expect(body).toEqual({ type: 'cart.abandoned', attempts: 3, status: 503 });
  });

  it.each([
    ['webshop', 'EMAIL'],
    ['crm-hubspot', 'EMAIL'],
    ['crm-salesforce', 'EMAIL'],
  ])('reports the changed consent itself: %s', async (source, channel) => {
    const statusNow = async () => {
      const { data } = await gateway.query(
        `query ($email: String!) { customer(by: { email: $email }) { consents { source purpose channel status } } }`,
        { email },
      );
      const { consents } = data?.['customer'] as { consents: Record<string, string>[] };
      return consents.find(
        (consent) => consent['source'] === sourceValue(source) && consent['channel'] === channel,
      )?.['status'];
    };
    await post(`/${source}/emit`, { type: 'consent.given', email });
    await gateway.forget({ source });
    const before = await statusNow();
    await post(`/${source}/emit`, { type: 'consent.withdrawn', email });
    await gateway.forget({ source });
    expect([before === 'REVOKED', await statusNow()]).toEqual([false, 'REVOKED']);
  });

  it('lists its kinds of event if an unknown kind is requested', async () => {
    const { status, body } = await post('/invoices/emit', { type: 'order.paid', email });
    expect(status).toBe(400);
    expect(body['error']).toContain('contact.changed, invoice.changed');
    expect((await post('/invoices/emit', { type: 'constructor', email })).status).toBe(400);
    expect((await post('/vies/emit', { type: 'contact.changed', email })).status).toBe(400);
    expect((await post('/webshop/emit', { email })).status).toBe(400);
  });

  it('reports an unknown customer, and an unknown system', async () => {
    expect((await post('/webshop/emit', { type: 'order.paid', email: 'nobody@example.nl' })).status).toBe(
      404,
    );
    expect((await post('/unknown/emit', { type: 'order.paid', email })).status).toBe(404);
  });

  it('sends only to this machine', async () => {
    const { status } = await post('/webshop/emit', { type: 'order.paid', email, to: 'http://example.nl' });
    expect(status).toBe(400);
    expect((await post('/webshop/emit', {}, 'GET')).status).toBe(405);
  });
});
