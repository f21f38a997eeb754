import { describe, expect, test } from 'vitest';
import { freshGateways } from './fresh-gateways.js';
import { ONE_CUSTOMER, ordinaryCustomers } from './queries.js';

const { control, openGateway, calls } = await freshGateways();
const EVA = { email: 'everywhere@example.nl' };

/** Tests requests in one iteration of the event loop. Only requests without a port can share an iteration. */
describe('concurrent requests', () => {
  test('share one call to each system: a thousand requests for one customer', async () => {
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

  test('share calls even without a cache', async () => {
    const { gateway } = openGateway({ freshness: { maxAge: '0 s' } });
    const query = '{ customer(by: { email: "everywhere@example.nl" }) { company { name } } }';
    await gateway.query(query);
    const { 'crm-hubspot': callsOfOne } = calls();
    await control.heal();
    await Promise.all(Array.from({ length: 50 }, () => gateway.query(query)));
    expect(calls()['crm-hubspot']).toBeLessThanOrEqual(callsOfOne ?? 0);
  });

  test('for different customers share one call within the batch window of a source', async () => {
    const { gateway } = openGateway({ limits: { batchWindow: '20 ms' } });
    const by = ordinaryCustomers(10);
    const query = 'query($by: CustomerKey!) { customer(by: $by) { jobTitle } }';
    const all = await Promise.all(by.map((key) => gateway.query(query, { by: key })));
    expect(all.flatMap(({ errors }) => errors)).toEqual([]);
    const { 'crm-hubspot': together } = calls();
    await control.heal();
    const alone = openGateway().gateway;
    await alone.query(query, { by: by[0] });
    expect(together).toBe(calls()['crm-hubspot']);
  });
});
