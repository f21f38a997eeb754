import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { SourceDefinition } from '../../src/source.js';
import { variableOf } from '../../src/source-settings.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt, textAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { subscribe, sendWebshopEvent } from '../webhooks/subscriber.js';

// The gateways have the default freshness: cached records are used for an hour while a system is unavailable.
const SYSTEMS: readonly StandIn['name'][] = ['order-system', 'webshop', 'crm-hubspot', 'kvk'];

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-fresh-only-'));
const control = await faultControl([], SYSTEMS);
const opened: TestGateway[] = [];
beforeEach(() => control.heal());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
});
afterAll(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

async function openGateway(
  settings: Record<string, string> = {},
  all: readonly SourceDefinition[] = sources,
) {
  const clock = fakeClock();
  const gateway = createTestGateway(
    {
      ...control.settings,
      DEADLINE_MS: '20000',
      ...Object.fromEntries(SYSTEMS.map((name) => [variableOf(name, 'LIMITS'), '{"timeout":"20 s"}'])),
      ...settings,
    },
    {
      clock,
      sources: all.filter(({ name }) => SYSTEMS.some((value) => value === name)),
      triggers: new URL('no-triggers/', import.meta.url),
    },
    { freshness: 'as declared' },
  );
  opened.push(gateway);
  await gateway.opened;
  return { gateway, clock };
}

describe('an unavailable system with consents that recently did not know the customer', () => {
  const query = '{ customer(by: { email: "orders-only@example.nl" }) { primaryEmail } }';
  const SHOWN = { customer: { primaryEmail: 'orders-only@example.nl' } };

  test('may hold a new withdrawal, so all fields for marketing are hidden', async () => {
    const { gateway, clock } = await openGateway({ ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    const headers = await headersOf('campaign', { purpose: 'MARKETING' });
    expect((await gateway.query(query, {}, headers)).data).toEqual(SHOWN);
    clock.advance(20_000);
    await control.set('crm-hubspot', { fault: 'down' });
    const { data, errors } = await gateway.query(query, {}, headers);
    expect(data).toEqual({ customer: { primaryEmail: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', source: 'crm-hubspot' } }]);
  });

  test('is called again after ten seconds, even if the source declares an hour for unknown customers', async () => {
    const { gateway, clock } = await openGateway(
      { ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' },
      sources.map((source) => ({ ...source, freshness: { maxAge: '1 hour', notFoundMaxAge: '1 hour' } })),
    );
    const headers = await headersOf('campaign', { purpose: 'MARKETING' });
    expect((await gateway.query(query, {}, headers)).data).toEqual(SHOWN);
    await control.set('crm-hubspot', { fault: 'down' });
    clock.advance(9_000);
    expect((await gateway.query(query, {}, headers)).data).toEqual(SHOWN);
    clock.advance(1_000);
    const { data, errors } = await gateway.query(query, {}, headers);
    expect(data).toEqual({ customer: { primaryEmail: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', source: 'crm-hubspot' } }]);
  });

  test('does not affect fields that need no consent', async () => {
    const { gateway, clock } = await openGateway({ ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    const headers = await headersOf('operator', { purpose: 'CUSTOMER_CARE' });
    const everything =
      '{ customer(by: { email: "orders-only@example.nl" }) { primaryEmail company { name } } }';
    await gateway.query(everything, {}, headers);
    clock.advance(120_000);
    await control.set('crm-hubspot', { fault: 'down' });
    const { data, errors } = await gateway.query(everything, {}, headers);
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { primaryEmail: 'orders-only@example.nl', company: null } });
  });
});

describe('an event about an order', () => {
  test('drops the cached answers of the webshop about the order, which name no customer', async () => {
    const { gateway } = await openGateway({
      WEBHOOK_FILE: join(folder, 'webhooks-of-orders.db'),
      WEBHOOK_SECRET: 'a secret of the tests of freshness',
    });
    const query =
      '{ customer(by: { email: "everywhere@example.nl" }) { orders(first: 6) { nodes { onlineNumber onlineStatus } } } }';
    const cached = { 'cache-control': 'only-if-cached' };
    const { data, errors } = await gateway.query(query);
    expect(errors).toEqual([]);
    expect((await gateway.query(query, {}, cached)).errors).toEqual([]);
    const nodes = listAt(data, 'customer', 'orders', 'nodes');
    const place = nodes.findIndex((node) => typeof at(node, 'onlineNumber') === 'string');
    const subscriber = await subscribe((path, init) => gateway.fetch(path, init), {
      query: 'subscription { event(types: [ORDER_SHIPPED]) { recordId } }',
    });
    await sendWebshopEvent(
      (path, init) => gateway.fetch(path, init),
      control.settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '',
      'orders/fulfilled',
      // The event is about another customer, so that the other parts of the answer remain cached.
      { email: 'customer-5@example.nl', name: textAt(nodes[place], 'onlineNumber') },
    );
    expect((await subscriber.next())?.data).toEqual({ event: { recordId: '1' } });
    await subscriber.hangUp();
    const after = await gateway.query(query, {}, cached);
    expect(after.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'orders', 'nodes', place, 'onlineStatus'], 'NOT_CACHED'],
    ]);
  });
});

describe('a subscriber', () => {
  test('receives no stale answer, because an event cannot mark it as stale', async () => {
    const { gateway, clock } = await openGateway({
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of freshness',
    });
    const selection = '{ company { legalForm } }';
    const query = `{ customer(by: { email: "everywhere@example.nl" }) ${selection} }`;
    expect((await gateway.query(query)).data).toMatchObject({
      customer: { company: { legalForm: expect.any(String) as string } },
    });
    // Records of the trade register are fresh for a day. They are used for another week while it is unavailable.
    clock.advance(2 * 86_400_000);
    await control.set('kvk', { fault: 'down' });
    const subscriber = await subscribe((path, init) => gateway.fetch(path, init), {
      query: `subscription { customerChanged(by: { email: "everywhere@example.nl" }) { customer ${selection} } }`,
    });
    await sendWebshopEvent(
      (path, init) => gateway.fetch(path, init),
      control.settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '',
      'orders/create',
      { email: 'everywhere@example.nl' },
    );
    const event = await subscriber.next();
    await subscriber.hangUp();
    expect(event?.data).toEqual({ customerChanged: { customer: { company: { legalForm: null } } } });
    expect(event?.errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', source: 'kvk' } }]);
  });
});
