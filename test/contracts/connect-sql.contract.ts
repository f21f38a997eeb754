import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../src/connect/draft.js';
import { sqlReaderKind } from '../../src/connect/sql/sql-kind.js';
import { openConnected, type TestIdentity } from '../connect/connected-gateway.js';
import { startExampleServer, type ExampleServer } from './example-databases.js';
import { contractFile } from './openapi.js';

/** Databases that their authors publish as examples, in PostgreSQL. */

let server: ExampleServer;
beforeAll(async () => {
  server = await startExampleServer();
});
afterAll(() => server.close());

async function connect(
  name: string,
  file: string,
): Promise<{ draft: Draft; findings: readonly Finding[]; used: number; candidates: string[]; url: URL }> {
  const url = await server.create(name, file);
  const budget = createCallBudget({ intervalMs: 0 });
  const opened = await sqlReaderKind.open({
    ...{ source: name, target: { what: url.href, url }, environment: {}, budget },
    questions: { keys: () => Promise.resolve([]) },
  });
  try {
    const { candidates, findings } = await opened.look();
    const [best] = candidates;
    if (best === undefined) throw new Error('no candidate');
    const measured = await opened.measure(best);
    return {
      ...{ draft: measured.draft, findings: [...findings, ...measured.findings], used: budget.used, url },
      candidates: candidates.map((candidate) => candidate.name),
    };
  } finally {
    await opened.close();
  }
}

const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));
const ordersOf = (types: readonly (DraftType | undefined)[]) =>
  Object.fromEntries(
    types.flatMap((type) =>
      (type?.fields ?? []).flatMap(({ name, call }) =>
        call === undefined ? [] : [[`${type?.name ?? ''}.${name}`, call.order ?? 'one']],
      ),
    ),
  );
const answer = async (draft: Draft, identity: TestIdentity, url: URL, query: string) => {
  const gateway = openConnected(draft, identity, { [`${draft.source.toUpperCase()}_URL`]: url.href });
  try {
    return await gateway.query(query);
  } finally {
    await gateway.close();
  }
};

/** No value of the persons is printed. */
function expectNoValues({ customer }: Draft, findings: readonly Finding[]): void {
  const text = JSON.stringify(findings);
  for (const { name, samples } of customer.fields)
    if (/name|phone|mail|address|fax/i.test(name))
      for (const value of samples) expect(text).not.toContain(String(value));
}

describe('connecting Northwind', () => {
  it('finds customers, orders, their lines and products', async () => {
    const { draft, findings, used, candidates, url } = await connect(
      'northwind',
      contractFile('sql', 'northwind-postgres', 'northwind.sql'),
    );
    expect(candidates).toEqual(['customers', 'employees', 'suppliers']);
    expect(used).toBeLessThanOrEqual(20);
    expect(callsOf(draft)).toEqual({
      byCustomerId: { from: 'customers', by: 'customer_id' },
      orders: { from: 'orders', by: 'customer_id' },
      details: { from: 'order_details', by: 'order_id', keys: 'smallint' },
      shipVia: { from: 'shippers', by: 'shipper_id', keys: 'smallint' },
      product: { from: 'products', by: 'product_id', keys: 'smallint' },
    });
    expect(draft.customer.id).toBe('customer_id');
    expect(ordersOf([draft.customer, ...Object.values(draft.types)])).toEqual({
      'NorthwindCustomer.orders': ['-orderId', 'orderId'],
      'NorthwindOrder.details': ['-productId', 'productId'],
      'NorthwindOrder.shipVia': 'one',
      'NorthwindOrderDetail.product': 'one',
    });
    expectNoValues(draft, findings);
    const { data, errors } = await answer(
      draft,
      {
        recordKey: 'northwindCustomer',
        foundBy: { northwindCustomer: { call: 'byCustomerId', uniqueness: 'enforced' } },
        yields: {},
      },
      url,
      `{ customer(by: { northwindCustomer: "ALFKI" }) { person { companyName } orders(first: 1) { nodes {
        orderId orderDate freight details(first: 1) { nodes { quantity product { productName } } } } } } }`,
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: { companyName: 'Alfreds Futterkiste' },
        orders: {
          nodes: [
            {
              ...{ orderId: '11011', orderDate: '1998-04-09', freight: 1.21 },
              details: { nodes: [{ quantity: 20, product: { productName: 'Flotemysost' } }] },
            },
          ],
        },
      },
    });
  });
});

describe('connecting Chinook', () => {
  it('finds customers by number and e-mail, invoices, their lines and tracks', async () => {
    const { draft, findings, used, candidates, url } = await connect(
      'chinook',
      contractFile('sql', 'chinook', 'Chinook_PostgreSql.sql'),
    );
    expect(candidates).toEqual(['customer', 'employee']);
    expect(used).toBeLessThanOrEqual(20);
    expect(callsOf(draft)).toEqual({
      byCustomerId: { from: 'customer', by: 'customer_id', keys: 'integer' },
      byEmail: { from: 'customer', by: 'email', matching: 'lower' },
      invoices: { from: 'invoice', by: 'customer_id', keys: 'integer' },
      lines: { from: 'invoice_line', by: 'invoice_id', keys: 'integer' },
      track: { from: 'track', by: 'track_id', keys: 'integer' },
    });
    expect(ordersOf([draft.customer, ...Object.values(draft.types)])).toEqual({
      'ChinookCustomer.invoices': ['-invoiceDate', 'invoiceId'],
      'ChinookInvoice.lines': ['-invoiceLineId', 'invoiceLineId'],
      'ChinookInvoiceLine.track': 'one',
    });
    expectNoValues(draft, findings);
    const { data, errors } = await answer(
      draft,
      {
        recordKey: 'chinookCustomer',
        foundBy: {
          chinookCustomer: { call: 'byCustomerId', uniqueness: 'enforced' },
          email: { call: 'byEmail', uniqueness: 'usual' },
        },
        yields: { email: 'email' },
      },
      url,
      `{ customer(by: { email: "luisg@embraer.com.br" }) { person { customerId lastName } invoices(first: 1) { nodes {
        invoiceId invoiceDate total lines(first: 1) { nodes { unitPrice track { name } } } } } } }`,
    );
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      customer: { person: { customerId: '1' }, invoices: { nodes: [{ invoiceId: '382', total: '8.91' }] } },
    });
  });
});
