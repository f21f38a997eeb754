import { describe, expect, test } from 'vitest';
import { at, listAt } from '../support/read.js';
import { freshGateways } from './fresh-gateways.js';
import { MANY_CUSTOMERS, ONE_CUSTOMER, ordinaryCustomers } from './queries.js';

const { control, openGateway, calls } = await freshGateways();
const NO_CALLS = { 'order-system': 0, webshop: 0, 'contact-centre': 0, 'crm-hubspot': 0 };
const EVA = { email: 'everywhere@example.nl' };

describe('a recent record', () => {
  test('is returned again with all fields, without a call', async () => {
    const { gateway, clock } = openGateway();
    const first = await gateway.query(ONE_CUSTOMER, { by: EVA });
    expect(first.errors).toEqual([]);
    await control.heal();
    clock.advance(29_000);
    const again = await gateway.query(ONE_CUSTOMER, { by: EVA });
    expect(again.data).toEqual(first.data);
    expect(calls()).toEqual(NO_CALLS);
    clock.advance(2_000);
    // At this age, the record is returned and refreshed in the background.
    expect((await gateway.query(ONE_CUSTOMER, { by: EVA })).data).toEqual(first.data);
    await expect.poll(() => Object.values(calls()).every((count) => count > 0)).toBe(true);
  });

  test('of one customer is never returned for another', async () => {
    const { gateway } = openGateway();
    const by = ordinaryCustomers(20);
    const together = await gateway.query(MANY_CUSTOMERS, { by });
    expect(together.errors).toEqual([]);
    await control.heal();
    const apart = await Promise.all(by.map((key) => gateway.query(ONE_CUSTOMER, { by: key })));
    expect(apart.map(({ data }) => at(data, 'customer'))).toEqual(listAt(together.data, 'customers'));
    expect(calls()).toEqual(NO_CALLS);
  });

  test('of a GraphQL system is cached by its selection', async () => {
    const { gateway } = openGateway();
    const cart = (selection: string) =>
      gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) { cart { ${selection} } } }`);
    const { data } = await cart('name total { amount }');
    await control.heal();
    // An alias does not change the cache key.
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

  test('is cached as "not found" only for a short time', async () => {
    const { gateway, clock } = openGateway({ freshness: { maxAge: '1 hour' } });
    const query = '{ customer(by: { email: "nobody@example.nl" }) { name } }';
    expect((await gateway.query(query)).data).toEqual({ customer: null });
    await control.heal();
    clock.advance(9_000);
    await gateway.query(query);
    expect(calls()).toEqual(NO_CALLS);
    clock.advance(1_000);
    await gateway.query(query);
    expect(calls()).not.toEqual(NO_CALLS);
  });

  test('is loaded again by each request if it must not be cached', async () => {
    const { gateway } = openGateway({ freshness: {} });
    const query =
      '{ customer(by: { email: "everywhere@example.nl" }) { orders(first: 1) { nodes { number } } } }';
    await gateway.query(query);
    const { 'order-system': once } = calls();
    await gateway.query(query);
    // Identities may be cached for a minute, but orders must not be cached.
    expect(calls()['order-system']).toBeGreaterThan(once ?? 0);
  });
});
