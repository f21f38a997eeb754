import type { z } from 'zod';
import { describe, expect, it } from 'vitest';
import {
  linesOfOrders,
  orderPages,
  orderTotals,
  paymentsOfOrders,
} from '../../sources/order-system/loaders.js';
import { ordersForTimeline } from '../../sources/order-system/timeline.js';
import type { SqlClient } from '../../src/connectors/sql/client.js';
import { postgresDialect } from '../../src/connectors/sql/postgres.js';

/** Rows in several currencies, because the seed data has only one. */
const answering = (rows: readonly object[]): SqlClient => ({
  rows: <T>(schema: z.ZodType<T>) => Promise.resolve(rows.map((row) => schema.parse(row))),
  dialect: postgresDialect,
  ping: () => Promise.resolve(),
  checkPlan: () => Promise.resolve(),
});

const order = { number: 'ORD-1', customerNumber: 'K1' };
const euros = {
  customer: 0,
  currency: 'EUR',
  orders: '1',
  last_placed_at: '2026-10-01 12:00:00+00',
  total: '10.00',
};
const dollars = {
  customer: 0,
  currency: 'USD',
  orders: '2',
  last_placed_at: '2026-11-01 12:00:00+00',
  total: '20.00',
};

describe('an order system with several currencies', () => {
  it.each([
    ['first', [dollars, euros]],
    ['last', [euros, dollars]],
  ])(
    'returns the time of the last order in any currency, if the row with the currency of the gateway is %s',
    async (_, rows) => {
      expect(await orderTotals.load([['K1']], answering(rows))).toEqual([
        {
          count: 3,
          amounts: rows.map(({ total, currency }) => ({ amount: total, currency })),
          lastPlacedAt: '2026-11-01T12:00:00.000Z',
        },
      ]);
    },
  );

  it('returns the price of a line in the currency of its order', async () => {
    const row = {
      order_no: 'ORD-1',
      line_no: 1,
      sku: 'S',
      description: 'D',
      quantity: 1,
      unit_price: '5.00',
    };
    const lines = await linesOfOrders.load([order], answering([{ ...row, currency: 'USD' }]));
    expect(lines).toMatchObject([[{ unitPrice: { amount: '5.00', currency: 'USD' } }]]);
  });

  it('returns a payment in the currency of its order', async () => {
    const row = {
      order_no: 'ORD-1',
      payment_no: 1,
      method: 'IDEAL',
      amount: '5.00',
      paid_at: '2026-10-01 12:00:00+00',
    };
    const payments = await paymentsOfOrders.load([order], answering([{ ...row, currency: 'USD' }]));
    expect(payments).toMatchObject([[{ amount: { amount: '5.00', currency: 'USD' } }]]);
  });

  it('returns the total of an order in its currency, in a list and in the timeline', async () => {
    const row = {
      page: 0,
      order_no: 'ORD-1',
      cust_no: 'K1',
      shop_order_no: null,
      status: 'PAID',
      currency: 'USD',
    };
    const database = answering([{ ...row, placed_at: '2026-10-01 12:00:00+00', total: '5.00' }]);
    const page = { customerNumbers: ['K1'], first: 1 };
    const money = { amount: '5.00', currency: 'USD' };
    expect(await orderPages.load([{ ...page, after: null }], database)).toMatchObject([[{ total: money }]]);
    expect(await ordersForTimeline.load([{ ...page, before: null, since: null }], database)).toMatchObject([
      [{ amount: money }],
    ]);
  });

  it('shows no order of another customer, with any row as the cursor', async () => {
    const row = {
      page: 0,
      order_no: 'ORD-1',
      cust_no: 'K2',
      shop_order_no: null,
      status: 'PAID',
      currency: 'USD',
    };
    const database = answering([{ ...row, placed_at: '2026-10-01 12:00:00+00', total: '5.00' }]);
    const page = { customerNumbers: ['K1'], first: 1 };
    await expect(orderPages.load([{ ...page, after: null }], database)).rejects.toMatchObject({
      code: 'SOURCE_CONTRACT',
    });
    await expect(
      ordersForTimeline.load([{ ...page, before: null, since: null }], database),
    ).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });
});
