import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { defineLoader, idNamespace, standardWebhook, type CustomerRecord } from '../../src/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { subscribe, type Subscriber } from './subscriber.js';

/**
 * Tests that a source outside the project can add an event type, a timeline kind, a condition and a kind of identifier.
 */

const SDL = `
  type Customer @foundBy(identifier: "parcelAccount") {
    "How many parcels were delivered."
    parcelCount: Int
      @condition(name: "firstParcel", atMost: 1)
      @personalData(category: TRANSACTION)
      @requiresScopes(scopes: [["orders:read"]])
  }

  type Subscription {
    "A parcel was delivered."
    parcelDelivered("Only the first of a customer." firstParcel: Boolean): CustomerEvent
      @waitsFor(types: [PARCEL_DELIVERED])
      @personalData(category: TRANSACTION)
      @requiresScopes(scopes: [["events:read", "orders:read"]])
  }

  extend enum EventType {
    "A parcel was delivered."
    PARCEL_DELIVERED @requiresScopes(scopes: [["orders:read"]])
  }

  extend enum TimelineKind {
    "A parcel was delivered."
    PARCEL @requiresScopes(scopes: [["orders:read"]])
  }
`;

interface Account extends CustomerRecord {
  parcelCount: number | null;
}

const accounts: readonly Account[] = [
  { id: 'A1', identifiers: [{ namespace: 'email', value: 'eva@example.nl' }], parcelCount: 3 },
  { id: 'A2', identifiers: [{ namespace: 'email', value: 'jan@example.nl' }], parcelCount: 1 },
  { id: 'A3', identifiers: [{ namespace: 'email', value: 'tom@example.nl' }], parcelCount: null },
];
const accountsBy = (name: string, matches: (account: Account, key: string) => boolean) =>
  defineLoader<Client, string, readonly Account[]>({
    name,
    load: (keys) => Promise.resolve(keys.map((key) => accounts.filter((account) => matches(account, key)))),
  });

const parcels = localSource('parcels', {
  namespaces: [idNamespace('parcelAccount', 'Account at the carrier: A and digits.', /^A\d+$/)],
  identity: {
    recordKey: 'parcelAccount',
    foundBy: {
      parcelAccount: {
        uniqueness: 'enforced',
        loader: accountsBy('accountsById', ({ id }, key) => id === key),
      },
      email: {
        uniqueness: 'enforced',
        loader: accountsBy('accountsByEmail', ({ identifiers }, key) => identifiers[0]?.value === key),
      },
    },
    yields: { email: 'one' },
  },
  timeline: {
    kinds: ['PARCEL'],
    page: async (customer) => {
      const ids = await customer.identifiers('parcelAccount');
      return ids.map((id) => ({ kind: 'PARCEL', at: '2026-11-30T10:00:00Z', id: `P-${id}` }));
    },
  },
  webhook: standardWebhook({ variable: 'PARCELS_WEBHOOK_SECRETS', namespaces: ['email', 'parcelAccount'] }),
});

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-outside-'));
const log: { msg: string; condition?: string; reason?: string }[] = [];
let gateway: TestGateway;
const open: Subscriber[] = [];

beforeAll(async () => {
  gateway = createTestGateway(
    {
      ...parcels.environment,
      PARCELS_WEBHOOK_SECRETS: SECRET,
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of sources',
    },
    {
      sources: [parcels.source],
      sdl: { parcels: SDL },
      logger: pino(
        { level: 'info' },
        { write: (line: string) => log.push(JSON.parse(line) as (typeof log)[0]) },
      ),
    },
  );
  await gateway.opened;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((subscriber) => subscriber.hangUp()));
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

async function listen(field: string): Promise<Subscriber> {
  const subscriber = await subscribe((path, init) => gateway.fetch(path, init), {
    query: `subscription { ${field} { type recordId } }`,
  });
  open.push(subscriber);
  return subscriber;
}

let sent = 0;
async function report(type: string, email: string, subject: string): Promise<number> {
  const now = new Date();
  const id = `message-${(sent += 1)}`;
  const body = JSON.stringify({
    type,
    timestamp: now.toISOString(),
    subject,
    data: { identifiers: { email: [email] } },
  });
  const response = await gateway.fetch('/webhooks/parcels', {
    method: 'POST',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(SECRET).sign(id, now, body),
    },
    body,
  });
  return response.status;
}

test('its events reach subscribers of its type, and subscribers of all types', async () => {
  const subscriber = await listen('parcelDelivered');
  const some = await listen('event(types: [PARCEL_DELIVERED])');
  const all = await listen('event');
  expect(await report('parcel.delivered', 'eva@example.nl', 'P1')).toBe(204);
  const event = { type: 'PARCEL_DELIVERED', recordId: 'P1' };
  expect((await subscriber.next())?.data).toEqual({ parcelDelivered: event });
  expect((await some.next())?.data).toEqual({ event });
  expect((await all.next())?.data).toEqual({ event });
});

test('its condition limits the events that are sent', async () => {
  const first = await listen('parcelDelivered(firstParcel: true)');
  await report('parcel.delivered', 'eva@example.nl', 'P2');
  await report('parcel.delivered', 'tom@example.nl', 'P3');
  await report('parcel.delivered', 'jan@example.nl', 'P4');
  expect((await first.next())?.data).toEqual({
    parcelDelivered: { type: 'PARCEL_DELIVERED', recordId: 'P4' },
  });
  // The source has no count for Tom.
  expect(log.filter(({ reason }) => reason === 'CONDITION_UNKNOWN')).toEqual([
    expect.objectContaining({ condition: 'firstParcel' }),
  ]);
});

test('a type of event that no plugged-in source declares is refused', async () => {
  const all = await listen('event');
  expect(await report('parcel.lost', 'eva@example.nl', 'P5')).toBe(204);
  await report('parcel.delivered', 'eva@example.nl', 'P6');
  expect((await all.next())?.data).toEqual({ event: { type: 'PARCEL_DELIVERED', recordId: 'P6' } });
});

test('its kind of the timeline, its field and its identifier can be queried', async () => {
  const { data, errors } = await gateway.query(
    `{ customer(by: { parcelAccount: "A1" }) { parcelCount timeline(kinds: [PARCEL]) { nodes { kind recordId } missing { code } } } }`,
  );
  expect(errors).toEqual([]);
  expect(data).toEqual({
    customer: { parcelCount: 3, timeline: { nodes: [{ kind: 'PARCEL', recordId: 'P-A1' }], missing: [] } },
  });
});
