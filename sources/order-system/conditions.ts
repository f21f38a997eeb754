import { z } from 'zod';
import { defineLoader } from '../../src/index.js';
import type {
  AnyCondition,
  Comparisons,
  ConditionList,
  ConditionType,
  Context,
  Customer,
  SqlClient,
} from '../../src/index.js';
import { identity } from './identity.js';
import { orderTotals, type OrderTotals } from './loaders.js';
import { FIRST_MOMENT, integer, LAST_MOMENT } from './wire.js';

/** The least and the most that a query compares with. Null: the query has no such bound. */
interface Bounds {
  since: string;
  before: string;
  currency: string;
}

const NO_BOUNDS: Bounds = { since: FIRST_MOMENT, before: LAST_MOMENT, currency: '' };

const listedRow = z.object({ request: integer, cust_no: z.string() });
const countRow = z.object({ request: integer, customers: integer });

/** Lists customer numbers in their order. `query` is a query of `cust_no`, with bounds as `requested.since` and so on. */
const listOf = <T extends ConditionType>(
  name: string,
  query: string,
  boundsOf: (comparison: Comparisons[T]) => Partial<Bounds>,
  refusal: (comparison: Comparisons[T]) => string | undefined = () => undefined,
): ConditionList<SqlClient, T> => {
  const columns = {
    request: 'integer',
    since: 'timestamptz',
    before: 'timestamptz',
    currency: 'text',
  } as const;
  return {
    refusal,
    maxPerCall: 1_000,
    loader: defineLoader({
      name: `${name}List`,
      load: async (requests, database) => {
        const rows = await database.rows(
          listedRow,
          ...database.dialect.forEach({
            query: `
              SELECT requested.request AS request, cust_no FROM (${query}) AS listed
              WHERE cust_no > requested.after_cust_no ORDER BY cust_no LIMIT requested.size`,
            columns: { ...columns, after_cust_no: 'text', size: 'integer' },
            values: requests.map(({ comparison, after, first }, request) => ({
              request,
              ...NO_BOUNDS,
              ...boundsOf(comparison),
              after_cust_no: after ?? '',
              size: first + 1,
            })),
            orderBy: 'request, cust_no',
          }),
        );
        return requests.map(({ first }, i) => {
          const recordIds = rows.filter(({ request }) => request === i).map(({ cust_no }) => cust_no);
          return { recordIds: recordIds.slice(0, first), hasMore: recordIds.length > first };
        });
      },
    }),
    count: defineLoader({
      name: `${name}Count`,
      load: async (comparisons, database) => {
        const rows = await database.rows(
          countRow,
          ...database.dialect.forEach({
            query: `SELECT requested.request AS request, count(*) AS customers FROM (${query}) AS listed`,
            columns,
            values: comparisons.map((comparison, request) => ({
              request,
              ...NO_BOUNDS,
              ...boundsOf(comparison),
            })),
            orderBy: 'request',
          }),
        );
        return comparisons.map((_, i) => rows.find(({ request }) => request === i)?.customers ?? 0);
      },
    }),
  };
};

const ORDERS = `SELECT cust_no FROM orders WHERE status <> 'CANCELLED'`;

/** Other customers have no orders either, so only a minimum can be listed. */
const MINIMUM = 'customers without orders are not all in the order system. Give "atLeast", above 0.';

/** The totals of a customer over all numbers. Undefined if the order system does not know the customer. */
async function totalsOf(customer: Customer, { load }: Context): Promise<OrderTotals | undefined> {
  const customerNumbers = await customer.identifiers('customerNumber');
  return customerNumbers.length === 0 ? undefined : load(orderTotals, customerNumbers);
}

/** A customer may have several numbers, and a total counts the orders of all. So their lists have every customer with an order. */
export const conditions: readonly AnyCondition<SqlClient>[] = [
  {
    name: 'orderCount',
    description: 'The number of orders, without the cancelled ones. Source: the order system.',
    type: 'COUNT',
    shownBy: 'Customer.orderCount',
    loaders: [orderTotals],
    read: async (customer, context) => (await totalsOf(customer, context))?.count ?? 0,
    list: listOf<'COUNT'>(
      'orderCount',
      `${ORDERS} GROUP BY cust_no`,
      () => ({}),
      ({ atLeast = 0 }) => (atLeast > 0 ? undefined : MINIMUM),
    ),
  },
  {
    name: 'lifetimeValue',
    description: 'The total of all orders, without the cancelled ones. Source: the order system.',
    type: 'MONEY',
    shownBy: 'Customer.lifetimeValue',
    loaders: [orderTotals],
    read: async (customer, context) => (await totalsOf(customer, context))?.amounts ?? [],
    list: listOf<'MONEY'>(
      'lifetimeValue',
      `${ORDERS} AND currency = requested.currency GROUP BY cust_no`,
      ({ currency }) => ({ currency }),
      ({ atLeast = '0' }) => (Number(atLeast) > 0 ? undefined : MINIMUM),
    ),
  },
  {
    name: 'lastOrderAt',
    description:
      'When the last order was placed; cancelled orders do not count. A customer without orders meets no comparison. Source: the order system.',
    type: 'DATE_TIME',
    shownBy: 'Customer.lastOrderAt',
    withoutValue: 'FALSE',
    loaders: [orderTotals],
    read: async (customer, context) => (await totalsOf(customer, context))?.lastPlacedAt ?? null,
    // The last order of a customer is the last one of one of the customer's numbers.
    list: listOf<'DATE_TIME'>(
      'lastOrderAt',
      `${ORDERS} GROUP BY cust_no HAVING max(placed_at) >= requested.since AND max(placed_at) < requested.before`,
      (comparison) => comparison,
    ),
  },
  {
    name: 'becameCustomerAt',
    description:
      'When the customer was created in the order system. A customer of other systems alone meets no comparison. Source: the order system.',
    type: 'DATE_TIME',
    shownBy: 'Customer.becameCustomerAt',
    withoutValue: 'FALSE',
    // The oldest of several records counts.
    read: async (customer) =>
      (await customer.records(identity)).map(({ becameCustomerAt }) => becameCustomerAt).sort()[0] ?? null,
    list: listOf<'DATE_TIME'>(
      'becameCustomerAt',
      'SELECT cust_no FROM customers WHERE created_at >= requested.since AND created_at < requested.before',
      (comparison) => comparison,
    ),
  },
];
