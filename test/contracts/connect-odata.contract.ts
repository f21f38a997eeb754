import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';
import { odataReaderKind } from '../../src/connect/odata/odata-kind.js';
import type { SmallServer } from '../../src/testing/small-server.js';
import { openConnected } from '../connect/connected-gateway.js';
import { startNorthwindOdata } from './nine-systems/northwind-odata.js';

/** The published $metadata of Northwind. */

let server: SmallServer;
beforeAll(async () => {
  server = await startNorthwindOdata();
});
afterAll(() => server.close());

describe('connecting Northwind by OData', () => {
  it('finds customers, orders, their lines and products', async () => {
    const budget = createCallBudget({ intervalMs: 0 });
    const what = `${server.url}/service/`;
    const reader = await odataReaderKind.open({
      ...{ source: 'northwind', target: { what, url: new URL(what) }, environment: {}, budget },
      questions: { keys: () => Promise.resolve([]) },
    });
    const { candidates } = await reader.look();
    expect(candidates.map(({ name }) => name)).toEqual(['Customers', 'Employees', 'Suppliers']);
    const [best] = candidates;
    if (best === undefined) throw new Error('There is no candidate.');
    const { draft, findings, values } = await reader.measure(best);
    expect(budget.used).toBeLessThanOrEqual(19);
    expect(Object.fromEntries(Object.entries(draft.calls).map(([name, { call }]) => [name, call]))).toEqual({
      byCustomerId: {
        set: 'Customers',
        by: 'CustomerID',
        maxKeyLength: 5,
        matching: 'collation',
        maxBatch: 50,
      },
      orders: {
        ...{ set: 'Orders', by: 'CustomerID', order: ['-OrderID', 'OrderID'] },
        ...{ page: { maxPages: 20 }, maxBatch: 11 },
      },
      details: {
        ...{ set: 'Order_Details', by: 'OrderID', keys: 'number', order: ['-ProductID', 'ProductID'] },
        ...{ page: { maxPages: 20 }, maxBatch: 50 },
      },
      shipVia: { set: 'Shippers', by: 'ShipperID', keys: 'number', maxBatch: 50 },
      product: { set: 'Products', by: 'ProductID', keys: 'number', maxBatch: 50 },
    });
    const output = JSON.stringify(findings);
    for (const { name, samples } of draft.customer.fields)
      if (/name|phone|address|fax/i.test(name))
        for (const value of samples) expect(output).not.toContain(String(value));
    const gateway = openConnected(
      draft,
      {
        recordKey: 'northwindCustomer',
        foundBy: { northwindCustomer: { call: 'byCustomerId', uniqueness: 'enforced' } },
        yields: {},
      },
      values,
    );
    const { data, errors } = await gateway.query(
      `{ customer(by: { northwindCustomer: "ALFKI" }) { person { companyName } orders(first: 1) { nodes {
        orderId orderDate freight details(first: 1) { nodes { quantity product { productName } } } } } } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: { companyName: 'Alfreds Futterkiste' },
        orders: {
          nodes: [
            {
              ...{ orderId: '11011', orderDate: '1998-04-09T00:00:00.000Z', freight: '1.2100' },
              details: { nodes: [{ quantity: 20, product: { productName: 'Flotemysost' } }] },
            },
          ],
        },
      },
    });
  });
});
