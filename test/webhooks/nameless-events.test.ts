import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

const SECRET = 'client-secret-of-the-app';
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-nameless-'));
let control: FaultControl;
let gateway: TestGateway;

beforeAll(async () => {
  control = await faultControl([], FOUR_SYSTEMS);
  gateway = createTestGateway(settings(), {
    sources: patientSources().map((source) => ({ ...source, freshness: { maxAge: '1 hour' } })),
  });
  await gateway.opened;
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

const settings = (): Record<string, string> => ({
  ...control.settings,
  CRM_HUBSPOT_WEBHOOK_SECRETS: SECRET,
  PUBLIC_URL: 'https://gateway.example.nl',
  WEBHOOK_FILE: join(folder, 'webhooks.db'),
  WEBHOOK_SECRET: 'a secret of the tests of events',
});

/** Sends an event like HubSpot, and waits until it is processed. */
async function sendEvent(subscriptionType: string): Promise<void> {
  const path = '/webhooks/crm-hubspot';
  const at = Date.now();
  const body = JSON.stringify([
    { eventId: at, subscriptionId: 25, objectId: 9, occurredAt: at, subscriptionType },
  ]);
  const signature = createHmac('sha256', SECRET).update(`POSThttps://gateway.example.nl${path}${body}${at}`);
  const before = await processedCount();
  const { status } = await gateway.fetch(path, {
    method: 'POST',
    headers: {
      'x-hubspot-signature-v3': signature.digest('base64'),
      'x-hubspot-request-timestamp': String(at),
    },
    body,
  });
  expect(status).toBe(204);
  await expect.poll(processedCount).toBe(before + 1);
}

async function processedCount(): Promise<number> {
  const metrics = await (await gateway.fetch('/metrics')).text();
  const of = /^stekkerdoos_webhook_events_total\{source="crm-hubspot",outcome="ok"\} (\d+)$/m;
  return Number(of.exec(metrics)?.[1] ?? 0);
}

async function query(field: string, cacheControl: string) {
  const { data, errors } = await gateway.query(
    `{ customer(by: { email: "everywhere@example.nl" }) { jobTitle company { ${field} } } }`,
    {},
    { 'cache-control': cacheControl },
  );
  return { data, codes: errors.map(({ extensions }) => extensions.code) };
}

test('an event about a ticket without a customer drops cached tickets, but not identities', async () => {
  const tickets = 'tickets(first: 2) { nodes { subject } }';
  const before = await query(`name ${tickets}`, 'max-stale=0');
  expect(before.codes).toEqual([]);
  await sendEvent('ticket.propertyChange');
  expect(await query('name', 'only-if-cached')).toMatchObject({ codes: [] });
  expect(await query(tickets, 'only-if-cached')).toMatchObject({ codes: ['NOT_CACHED'] });
  expect(await query(`name ${tickets}`, 'max-stale=0')).toEqual(before);
});

test('a source prevents the start if its events change a loader that it does not have', () => {
  const changed = sources.map((source) =>
    source.name === 'crm-hubspot' && source.webhook !== undefined
      ? { ...source, webhook: { ...source.webhook, changes: { 'ticket.opened': [{ name: 'parcels' }] } } }
      : source,
  );
  expect(() => createTestGateway(settings(), { sources: changed })).toThrow(
    'The webhook of crm-hubspot names the loader "parcels" in changes, but crm-hubspot has no such loader.',
  );
});
