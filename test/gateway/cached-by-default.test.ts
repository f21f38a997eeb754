import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { faults } from '../../sources/stand-ins/fault.js';
import { variableOf } from '../../src/source-settings.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

const ALL_SYSTEMS = readFileSync('src/http/graphiql/examples/17-all-systems.graphql', 'utf8');
const MINUTE = 60_000;
/** The faults that end at once. Other faults end after a timeout. */
const IMMEDIATE_FAULTS = faults.filter((fault) => fault !== 'hang' && fault !== 'drip');

const control = await faultControl();
const opened: TestGateway[] = [];
beforeEach(() => control.heal());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
});
afterAll(() => control.close());

/** Opens a gateway with the declared freshness of the sources, and these settings. */
function openGateway(settings: Record<string, string> = {}) {
  const clock = fakeClock();
  const gateway = createTestGateway(
    {
      ...control.settings,
      DEADLINE_MS: '20000',
      CLICKSTREAM_TIMEOUT_MS: '20000',
      // The timeouts are long, because the machine may be busy.
      ...Object.fromEntries(sources.map(({ name }) => [variableOf(name, 'LIMITS'), '{"timeout":"20 s"}'])),
      ...settings,
    },
    { clock },
    { freshness: 'as declared' },
  );
  opened.push(gateway);
  return { gateway, clock };
}

async function view(gateway: TestGateway, query = ALL_SYSTEMS, headers: Record<string, string> = {}) {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sources': '1', ...headers },
    body: JSON.stringify({ query }),
  });
  const body = (await response.json()) as {
    data: Record<string, unknown>;
    errors?: unknown[];
    extensions: { sources: Record<string, { status: string; age: number }> };
  };
  const statuses = Object.fromEntries(
    Object.entries(body.extensions.sources).map(([name, { status }]) => [name, status]),
  );
  return { ...body, statuses, headers: response.headers };
}

const callsOf = () => Object.values(control.counters()).map(({ calls }) => calls);
const none = () => callsOf().map(() => 0);
const queryOrders =
  '{ customer(by: { email: "everywhere@example.nl" }) { orders(first: 1) { nodes { number } } } }';
const queryTickets = '{ customer(by: { email: "everywhere@example.nl" }) { openTicketCount { value } } }';

describe('a view of one customer over all twelve systems', () => {
  test('calls no system for the second of two queries within ten seconds', async () => {
    const { gateway, clock } = openGateway();
    const first = await view(gateway);
    expect(first.errors).toBeUndefined();
    await control.heal();
    expect(callsOf()).toEqual(none());
    clock.advance(9_000);
    const again = await view(gateway);
    expect(again.data).toEqual(first.data);
    expect(new Set(Object.values(again.statuses))).toEqual(new Set(['cached']));
    expect(again.headers.get('age')).toBe('9');
    expect(callsOf()).toEqual(none());
  });

  test('is returned at once and marked as stale if it is slightly older, and the gateway then calls the systems', async () => {
    const { gateway, clock } = openGateway();
    const first = await view(gateway);
    await control.heal();
    clock.advance(20_000);
    const again = await view(gateway);
    expect(again.data).toEqual(first.data);
    expect(again.statuses).toMatchObject({
      'order-system': 'stale',
      webshop: 'stale',
      invoices: 'stale',
      kvk: 'cached',
    });
    expect(again.headers.get('cache-control')).toBe('no-store');
    await expect.poll(() => control.counters()['order-system']?.calls ?? 0).toBeGreaterThan(0);
  });

  test.each(IMMEDIATE_FAULTS)(
    'is complete and marked as stale while all systems have the fault "%s"',
    async (fault) => {
      const { gateway, clock } = openGateway();
      const first = await view(gateway);
      expect(first.errors).toBeUndefined();
      clock.advance(20 * MINUTE);
      for (const name of Object.keys(control.counters()))
        // Files have no rate limit.
        await control.set(name, { fault: name === 'clickstream' ? 'down' : fault });
      const again = await view(gateway, ALL_SYSTEMS, { prefer: 'wait=2' });
      expect(again.errors).toBeUndefined();
      expect(again.data).toEqual(first.data);
      const { kvk, vies, ...others } = again.statuses;
      expect({ kvk, vies }).toEqual({ kvk: 'cached', vies: 'cached' });
      expect(new Set(Object.values(others))).toEqual(new Set(['stale']));
      expect(again.headers.get('age')).toBe(String(20 * 60));
      expect(again.headers.get('cache-control')).toBe('no-store');
    },
  );

  test('has the errors of the systems if the answers are older than an hour', async () => {
    const { gateway, clock } = openGateway();
    await view(gateway, queryTickets);
    clock.advance(61 * MINUTE);
    await control.set('contact-centre', { fault: 'down' });
    const again = await view(gateway, queryTickets);
    expect(again.data).toEqual({ customer: { openTicketCount: null } });
    expect(again.errors).toMatchObject([
      { extensions: { code: 'SOURCE_UNAVAILABLE', source: 'contact-centre' } },
    ]);
  });

  test('calls the systems if its caller sends no-cache', async () => {
    const { gateway } = openGateway();
    await view(gateway, queryOrders);
    await control.heal();
    const { statuses } = await view(gateway, queryOrders, { 'cache-control': 'no-cache' });
    expect(statuses['order-system']).toBe('live');
    expect(control.counters()['order-system']?.calls).toBeGreaterThan(0);
  });
});

describe('the freshness of a source', () => {
  test('is set by one setting for all of its loaders', async () => {
    const { gateway, clock } = openGateway({
      ORDER_SYSTEM_FRESHNESS: '{"maxAge":"5 minutes","staleWhileRevalidate":"0 s"}',
    });
    await view(gateway, queryOrders);
    await control.heal();
    clock.advance(50_000);
    expect((await view(gateway, queryOrders)).statuses['order-system']).toBe('cached');
    expect(control.counters()['order-system']?.calls).toBe(0);
    clock.advance(5 * MINUTE);
    expect((await view(gateway, queryOrders)).statuses['order-system']).toBe('live');
  });

  test('is set for one loader, and remains as declared for the others', async () => {
    const { gateway } = openGateway({
      ORDER_SYSTEM_FRESHNESS: '{"maxAge":"30 s","loaders":{"orderPages":{"maxAge":"0 s"}}}',
    });
    await view(gateway, queryOrders);
    await control.heal();
    expect((await view(gateway, queryOrders)).statuses['order-system']).toBe('live');
    // The pages are read each time, but the identification is cached.
    expect(control.counters()['order-system']?.calls).toBe(1);
  });

  test('applies to the objects of a GraphQL system, by their type', async () => {
    const cart = '{ customer(by: { email: "everywhere@example.nl" }) { cart { name } } }';
    const { gateway } = openGateway({ WEBSHOP_FRESHNESS: '{"loaders":{"Customer":{"maxAge":"0 s"}}}' });
    await view(gateway, cart);
    expect((await view(gateway, cart)).statuses['webshop']).toBe('live');
    const byDefault = openGateway().gateway;
    await view(byDefault, cart);
    expect((await view(byDefault, cart)).statuses['webshop']).toBe('cached');
  });

  test('does not prevent forgetting a customer', async () => {
    const { gateway } = openGateway({ ORDER_SYSTEM_FRESHNESS: '{"maxAge":"30 days"}' });
    await view(gateway, queryOrders);
    await gateway.forget({ identifier: { namespace: 'email', value: 'everywhere@example.nl' } });
    await control.heal();
    const { data, statuses } = await view(gateway, queryOrders);
    expect(at(data, 'customer', 'orders', 'nodes')).toHaveLength(1);
    expect(statuses['order-system']).toBe('live');
  });
});
