import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { LimitsOptions } from '../../src/resilience/limits.js';
import { turnedClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { MANY_CUSTOMERS, ONE_CUSTOMER, ordinaryCustomers } from './queries.js';

const control = await faultControl([], FOUR_SYSTEMS);
const opened: TestGateway[] = [];

const FRESH: FreshnessOptions = { maxAge: '30 s', staleWhileRevalidate: '30 s' };

function openGateway({
  freshness = FRESH,
  limits = {},
}: { freshness?: FreshnessOptions; limits?: LimitsOptions & { batchWindow?: '20 ms' } } = {}) {
  const clock = turnedClock();
  const gateway = createTestGateway(
    { ...control.settings, MAX_IN_FLIGHT: '5000', DEADLINE_MS: '20000' },
    {
      clock,
      sources: sources.map((source) => ({
        ...source,
        freshness,
        // A thousand at once take this machine's time, which is not what is tested here.
        limits: { ...source.limits, timeout: '10 s' as const, ...limits },
      })),
    },
  );
  opened.push(gateway);
  return { gateway, clock };
}

const calls = () =>
  Object.fromEntries(Object.entries(control.counters()).map(([name, one]) => [name, one.calls]));
const NO_CALLS = { 'order-system': 0, webshop: 0, 'contact-centre': 0, 'crm-hubspot': 0 };
const EVA = { email: 'everywhere@example.nl' };

beforeEach(() => control.heal());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
});
afterAll(() => control.close());

describe('what was asked for lately', () => {
  test('is given again without asking any system, and in full', async () => {
    const { gateway, clock } = openGateway();
    const first = await gateway.query(ONE_CUSTOMER, { by: EVA });
    expect(first.errors).toEqual([]);
    await control.heal();
    clock.turn(29_000);
    const again = await gateway.query(ONE_CUSTOMER, { by: EVA });
    expect(again.data).toEqual(first.data);
    expect(calls()).toEqual(NO_CALLS);
    clock.turn(2_000);
    // Now it is given and asked anew behind it.
    expect((await gateway.query(ONE_CUSTOMER, { by: EVA })).data).toEqual(first.data);
    await expect.poll(() => Object.values(calls()).every((count) => count > 0)).toBe(true);
  });

  test('of one customer is not given for another', async () => {
    const { gateway } = openGateway();
    const by = ordinaryCustomers(20);
    const together = await gateway.query(MANY_CUSTOMERS, { by });
    expect(together.errors).toEqual([]);
    await control.heal();
    const apart = await Promise.all(by.map((one) => gateway.query(ONE_CUSTOMER, { by: one })));
    expect(apart.map(({ data }) => at(data, 'customer'))).toEqual(listAt(together.data, 'customers'));
    expect(calls()).toEqual(NO_CALLS);
  });

  test('of a system that speaks GraphQL is told apart by what was selected', async () => {
    const { gateway } = openGateway();
    const cart = (selection: string) =>
      gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) { cart { ${selection} } } }`);
    const { data } = await cart('name total { amount }');
    await control.heal();
    // Another name for the same is the same.
    const renamed = await cart('called: name total { amount }');
    expect(at(renamed.data, 'customer', 'cart', 'called')).toBe(at(data, 'customer', 'cart', 'name'));
    const more = await cart('name total { amount currency }');
    expect(at(more.data, 'customer', 'cart', 'total', 'currency')).toBe('EUR');
    expect(calls()).toEqual({ ...NO_CALLS, webshop: expect.any(Number) as number });
    expect(calls().webshop).toBeGreaterThan(0);
    await control.heal();
    await cart('name total { amount currency }');
    expect(calls()).toEqual(NO_CALLS);
  });

  test('is "nobody" for a short time only', async () => {
    const { gateway, clock } = openGateway({ freshness: { maxAge: '1 hour' } });
    const query = '{ customer(by: { email: "nobody@example.nl" }) { name } }';
    expect((await gateway.query(query)).data).toEqual({ customer: null });
    await control.heal();
    clock.turn(9_000);
    await gateway.query(query);
    expect(calls()).toEqual(NO_CALLS);
    clock.turn(1_000);
    await gateway.query(query);
    expect(calls()).not.toEqual(NO_CALLS);
  });

  test('is asked for anew by every request where nothing may be kept', async () => {
    const { gateway } = openGateway({ freshness: {} });
    const query =
      '{ customer(by: { email: "everywhere@example.nl" }) { orders(first: 1) { nodes { number } } } }';
    await gateway.query(query);
    const { 'order-system': once } = calls();
    await gateway.query(query);
    // Who the customer is may be kept for a minute; the orders may not.
    expect(calls()['order-system']).toBeGreaterThan(once ?? 0);
  });
});

describe('what many ask for at once', () => {
  test('is asked of each system once: a thousand requests for one customer', async () => {
    const alone = openGateway().gateway;
    await alone.query(ONE_CUSTOMER, { by: EVA });
    const callsOfOne = calls();
    await control.heal();
    const { gateway } = openGateway();
    const all = await Promise.all(
      Array.from({ length: 1_000 }, () => gateway.query(ONE_CUSTOMER, { by: EVA })),
    );
    expect(new Set(all.map(({ data }) => JSON.stringify(data))).size).toBe(1);
    expect(all.flatMap(({ errors }) => errors)).toEqual([]);
    expect(calls()).toEqual(callsOfOne);
  }, 40_000);

  test('also where nothing may be kept', async () => {
    const { gateway } = openGateway({ freshness: { maxAge: '0 s' } });
    const query = '{ customer(by: { email: "everywhere@example.nl" }) { company { name } } }';
    await gateway.query(query);
    const { 'crm-hubspot': callsOfOne } = calls();
    await control.heal();
    await Promise.all(Array.from({ length: 50 }, () => gateway.query(query)));
    expect(calls()['crm-hubspot']).toBeLessThanOrEqual(callsOfOne ?? 0);
  });

  test('of different customers is one call within the batch window of a source', async () => {
    const { gateway } = openGateway({ limits: { batchWindow: '20 ms' } });
    const by = ordinaryCustomers(10);
    const query = 'query($by: CustomerKey!) { customer(by: $by) { jobTitle } }';
    const all = await Promise.all(by.map((one) => gateway.query(query, { by: one })));
    expect(all.flatMap(({ errors }) => errors)).toEqual([]);
    const { 'crm-hubspot': together } = calls();
    await control.heal();
    const alone = openGateway().gateway;
    await alone.query(query, { by: by[0] });
    expect(together).toBe(calls()['crm-hubspot']);
  });
});
