import { z } from 'zod';
import { alignMany, defineLoader, isSameByCollation, type SqlClient } from '../../src/index.js';
import {
  toCustomer,
  toOrder,
  toOrderLine,
  toPayment,
  type OrderLineRecord,
  type OrderRecord,
  type OrderSystemCustomer,
} from './mapping.js';
import type { Payment } from './schema.generated.js';
import {
  customerDeviceRow,
  integer,
  LAST_MOMENT,
  moment,
  orderLineRow,
  orderRow,
  paymentRow,
  withDevices,
  type CustomerRow,
} from './wire.js';

/** Columns may have any collation, so keys are matched by collation. */
export const ORDER_SYSTEM = { source: 'order-system', matching: 'collation' } as const;

/** Whether a row of a customer belongs on the page of these customer numbers. */
export function isOfCustomer(
  row: { cust_no: string },
  page: { customerNumbers: readonly string[] } | undefined,
) {
  return page?.customerNumbers.some((number) => isSameByCollation(number, row.cust_no)) === true;
}

/** The total of an order, in a query over `orders`: the sum of its lines. */
export const TOTAL = `(
  SELECT coalesce(sum(quantity * unit_price), 0.00) FROM order_lines WHERE order_lines.order_no = orders.order_no
)`;

/** A query of customers with their devices. Conditions and an order follow. */
export const CUSTOMERS = `
  SELECT customers.cust_no, email, email_verified, phone, phone_verified, first_name, last_name, birth_date,
    street, house_no, postcode, city, country, kvk_no, vat_no, company_name, created_at, updated_at,
    customer_devices.visitor_id
  FROM customers LEFT JOIN customer_devices ON customer_devices.cust_no = customers.cust_no`;

/** `which` is the condition of the query. `valuesOf` returns the values of a row that it can be found by. */
const customersBy = (
  name: string,
  which: string,
  valuesOf: (row: CustomerRow) => readonly (string | null)[],
) =>
  defineLoader<SqlClient, string, readonly OrderSystemCustomer[]>({
    name,
    load: async (values, database) => {
      const rows = await database.rows(
        customerDeviceRow,
        `${CUSTOMERS} ${which} ORDER BY customers.cust_no, customer_devices.last_seen_at DESC, customer_devices.visitor_id`,
        [values],
      );
      return alignMany(values, withDevices(rows), {
        ...ORDER_SYSTEM,
        keyOf: (row) => valuesOf(row).flatMap((value) => value ?? []),
        idOf: ({ cust_no }) => cust_no,
      }).map((rowsOfValue) => rowsOfValue.map(toCustomer));
    },
  });

export const customersByNumber = customersBy(
  'customersByNumber',
  'WHERE customers.cust_no = ANY($1)',
  (row) => [row.cust_no],
);
export const customersByEmail = customersBy('customersByEmail', 'WHERE lower(email) = ANY($1)', (row) => [
  row.email?.toLowerCase() ?? null,
]);
export const customersByPhone = customersBy('customersByPhone', 'WHERE phone = ANY($1)', (row) => [
  row.phone,
]);
export const customersByVisitorId = customersBy(
  'customersByVisitorId',
  `JOIN customer_devices AS used ON used.cust_no = customers.cust_no WHERE used.visitor_id = ANY($1)`,
  (row) => row.visitor_ids,
);
export const customersByKvkNumber = customersBy('customersByKvkNumber', 'WHERE kvk_no = ANY($1)', (row) => [
  row.kvk_no,
]);
export const customersByVatNumber = customersBy('customersByVatNumber', 'WHERE vat_no = ANY($1)', (row) => [
  row.vat_no,
]);

/** A page of one customer's orders. */
export interface OrderPage {
  /** All numbers of the customer, in any order. */
  customerNumbers: readonly string[];
  first: number;
  /** The page begins after the order with this time and number. Null: at the newest order. */
  after: { placedAt: string; number: string } | null;
}

/** Returns one order more than the page holds if there is a next page. */
export const orderPages = defineLoader<SqlClient, OrderPage, readonly OrderRecord[]>({
  name: 'orderPages',
  keyText: ({ customerNumbers, first, after }) => JSON.stringify([customerNumbers.toSorted(), first, after]),
  about: ({ customerNumbers }) => aboutCustomers(customerNumbers),
  load: async (pages, database) => {
    const keys = pages.flatMap(({ customerNumbers, ...page }, i) =>
      customerNumbers.map((customerNumber) => ({ ...page, customerNumber, i })),
    );
    if (keys.length === 0) return pages.map(() => []);
    const rows = await database.rows(
      orderRow,
      ...database.dialect.forEach({
        // Each page is read along the index from its own position. An index has the order of only one
        // customer number. So a page is read for each number of the customer, and the newest orders are
        // chosen below. PostgreSQL finds the position in the index by the second condition, and the other
        // databases by the first.
        query: `
          SELECT requested.page AS page, order_no, cust_no, shop_order_no, status, placed_at, currency, ${TOTAL} AS total
          FROM orders
          WHERE cust_no = requested.cust_no
            AND placed_at <= requested.after_placed_at
            AND (placed_at, order_no) < (requested.after_placed_at, requested.after_order_no)
          ORDER BY placed_at DESC, order_no DESC
          LIMIT requested.size`,
        columns: {
          page: 'integer',
          cust_no: 'text',
          size: 'integer',
          after_placed_at: 'timestamptz',
          after_order_no: 'text',
        },
        values: keys.map(({ i, customerNumber, first, after }) => ({
          page: i,
          cust_no: customerNumber,
          size: first + 1,
          after_placed_at: after?.placedAt ?? LAST_MOMENT,
          after_order_no: after?.number ?? '',
        })),
        orderBy: 'page, placed_at DESC, order_no DESC',
      }),
    );
    return alignMany([...pages.keys()], rows, {
      source: 'order-system',
      keyOf: (row) => (isOfCustomer(row, pages[row.page]) ? row.page : []),
      idOf: (row) => row.order_no,
    }).map((rowsOfPage, i) => rowsOfPage.slice(0, (pages[i]?.first ?? 0) + 1).map(toOrder));
  },
});

/** The totals of all orders of one customer, without the cancelled ones. */
export interface OrderTotals {
  count: number;
  /** The totals by currency code. */
  amounts: readonly { amount: string; currency: string }[];
  lastPlacedAt: string | null;
}

const totalsRow = z.object({
  /** The index of the customer in the batch. */
  customer: integer,
  currency: z.string(),
  orders: integer,
  last_placed_at: moment,
  total: z.string(),
});

/** Loads by all numbers of the customer. */
export const orderTotals = defineLoader<SqlClient, readonly string[], OrderTotals>({
  name: 'orderTotals',
  keyText: (customerNumbers) => JSON.stringify(customerNumbers.toSorted()),
  about: aboutCustomers,
  load: async (customers, database) => {
    if (customers.length === 0) return [];
    const rows = await database.rows(
      totalsRow,
      ...database.dialect.forEach({
        query: `
          SELECT requested.customer AS customer, currency, count(DISTINCT orders.order_no) AS orders,
            max(placed_at) AS last_placed_at, coalesce(sum(quantity * unit_price), 0.00) AS total
          FROM orders LEFT JOIN order_lines ON order_lines.order_no = orders.order_no
          WHERE cust_no = ANY(requested.cust_nos) AND status <> 'CANCELLED'
          GROUP BY currency`,
        columns: { customer: 'integer', cust_nos: 'text[]' },
        values: customers.map((customerNumbers, i) => ({ customer: i, cust_nos: customerNumbers })),
        orderBy: 'customer, currency',
      }),
    );
    return alignMany([...customers.keys()], rows, {
      source: 'order-system',
      keyOf: (row) => row.customer,
      idOf: (row) => row.currency,
    }).map((rowsOfCustomer) => ({
      count: rowsOfCustomer.reduce((sum, { orders }) => sum + orders, 0),
      amounts: rowsOfCustomer.map(({ total, currency }) => ({ amount: total, currency })),
      lastPlacedAt:
        rowsOfCustomer
          .map((row) => new Date(`${row.last_placed_at.replace(' ', 'T')}:00`).toISOString())
          .sort()
          .at(-1) ?? null,
    }));
  },
});

function aboutCustomers(customerNumbers: readonly string[]) {
  return customerNumbers.map((value) => ({ namespace: 'customerNumber', value }));
}

/** An order and its customer. Cached data of the order is dropped with that of the customer. */
export type OrderKey = Pick<OrderRecord, 'number' | 'customerNumber'>;

const ofOneOrder = {
  keyText: ({ number, customerNumber }: OrderKey) => `${number} ${customerNumber}`,
  about: ({ customerNumber }: OrderKey) => aboutCustomers([customerNumber]),
};

export const linesOfOrders = defineLoader<SqlClient, OrderKey, readonly OrderLineRecord[]>({
  name: 'linesOfOrders',
  ...ofOneOrder,
  load: async (orders, database) => {
    const orderNumbers = orders.map(({ number }) => number);
    const rows = await database.rows(
      orderLineRow,
      `SELECT order_no, line_no, sku, description, quantity, unit_price, currency
       FROM order_lines JOIN orders USING (order_no)
       WHERE order_no = ANY($1)
       ORDER BY order_no, line_no`,
      [orderNumbers],
    );
    return alignMany(orderNumbers, rows, {
      ...ORDER_SYSTEM,
      keyOf: (row) => row.order_no,
      idOf: (row) => row.line_no,
    }).map((rowsOfOrder) => rowsOfOrder.map(toOrderLine));
  },
});

export const paymentsOfOrders = defineLoader<SqlClient, OrderKey, readonly Payment[]>({
  name: 'paymentsOfOrders',
  ...ofOneOrder,
  load: async (orders, database) => {
    const orderNumbers = orders.map(({ number }) => number);
    const rows = await database.rows(
      paymentRow,
      `SELECT order_no, payment_no, method, amount, paid_at, currency
       FROM payments JOIN orders USING (order_no)
       WHERE order_no = ANY($1)
       ORDER BY order_no, payments.paid_at, payment_no`,
      [orderNumbers],
    );
    return alignMany(orderNumbers, rows, {
      ...ORDER_SYSTEM,
      keyOf: (row) => row.order_no,
      idOf: (row) => row.payment_no,
    }).map((rowsOfOrder) => rowsOfOrder.map(toPayment));
  },
});
