import { alignMany, defineLoader, type SqlClient } from '../../src/index.js';
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
import { customerRow, orderLineRow, orderRow, paymentRow } from './wire.js';

/** Who somebody is changes seldom; asking it anew for every page view would cost a round before anything else. */
const IDENTITY_FRESHNESS = { maxAge: '1 minute' } as const;

const CUSTOMERS = `
  SELECT cust_no, email, email_verified, phone, first_name, last_name, street, house_no, postcode, city, created_at
  FROM customers`;

export const customersByNumber = defineLoader<SqlClient, string, readonly OrderSystemCustomer[]>({
  name: 'customersByNumber',
  freshness: IDENTITY_FRESHNESS,
  load: async (numbers, database) => {
    const rows = await database.rows(customerRow, `${CUSTOMERS} WHERE cust_no = ANY($1)`, [numbers]);
    return alignMany(numbers, rows, (row) => row.cust_no).map((own) => own.map(toCustomer));
  },
});

export const customersByEmail = defineLoader<SqlClient, string, readonly OrderSystemCustomer[]>({
  name: 'customersByEmail',
  freshness: IDENTITY_FRESHNESS,
  load: async (emails, database) => {
    const rows = await database.rows(
      customerRow,
      `${CUSTOMERS} WHERE lower(email) = ANY($1) ORDER BY cust_no`,
      [emails],
    );
    return alignMany(emails, rows, (row) => row.email?.toLowerCase() ?? '').map((own) => own.map(toCustomer));
  },
});

export const customersByPhone = defineLoader<SqlClient, string, readonly OrderSystemCustomer[]>({
  name: 'customersByPhone',
  freshness: IDENTITY_FRESHNESS,
  load: async (phones, database) => {
    const rows = await database.rows(customerRow, `${CUSTOMERS} WHERE phone = ANY($1) ORDER BY cust_no`, [
      phones,
    ]);
    return alignMany(phones, rows, (row) => row.phone ?? '').map((own) => own.map(toCustomer));
  },
});

/** A page of one customer's orders. */
export interface OrderPage {
  customerNumber: string;
  first: number;
  /** The place after which the page begins: moment and number of the last order before it. */
  after: { placedAt: string; number: string } | null;
}

/** One order more than the page holds is read, to know whether there is a next page. */
export const orderPages = defineLoader<SqlClient, OrderPage, readonly OrderRecord[]>({
  name: 'orderPages',
  keyText: ({ customerNumber, first, after }) => JSON.stringify([customerNumber, first, after]),
  about: ({ customerNumber }) => [{ namespace: 'customerNumber', value: customerNumber }],
  load: async (pages, database) => {
    const rows = await database.rows(
      orderRow,
      // Each page is read along the index from its own place, however many customers and whatever their pages.
      `SELECT asked.page, found.order_no, found.status, found.placed_at, found.currency, lines.total
       FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::text[])
         AS asked (page, cust_no, size, after_placed_at, after_order_no)
       CROSS JOIN LATERAL (
         SELECT order_no, status, placed_at, currency
         FROM orders
         WHERE orders.cust_no = asked.cust_no
           AND (placed_at, order_no) < (asked.after_placed_at, asked.after_order_no)
         ORDER BY placed_at DESC, order_no DESC
         LIMIT asked.size
       ) AS found
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(quantity * unit_price), 0) AS total
         FROM order_lines
         WHERE order_lines.order_no = found.order_no
       ) AS lines
       ORDER BY asked.page, found.placed_at DESC, found.order_no DESC`,
      [
        pages.map((_, i) => i),
        pages.map(({ customerNumber }) => customerNumber),
        pages.map(({ first }) => first + 1),
        pages.map(({ after }) => after?.placedAt ?? 'infinity'),
        pages.map(({ after }) => after?.number ?? ''),
      ],
    );
    return alignMany([...pages.keys()], rows, (row) => row.page).map((own) => own.map(toOrder));
  },
});

export const linesOfOrders = defineLoader<SqlClient, string, readonly OrderLineRecord[]>({
  name: 'linesOfOrders',
  load: async (orderNumbers, database) => {
    const rows = await database.rows(
      orderLineRow,
      `SELECT order_no, line_no, sku, description, quantity, unit_price, currency
       FROM order_lines JOIN orders USING (order_no)
       WHERE order_no = ANY($1)
       ORDER BY order_no, line_no`,
      [orderNumbers],
    );
    return alignMany(orderNumbers, rows, (row) => row.order_no).map((own) => own.map(toOrderLine));
  },
});

export const paymentsOfOrders = defineLoader<SqlClient, string, readonly Payment[]>({
  name: 'paymentsOfOrders',
  load: async (orderNumbers, database) => {
    const rows = await database.rows(
      paymentRow,
      `SELECT order_no, method, amount, paid_at, currency
       FROM payments JOIN orders USING (order_no)
       WHERE order_no = ANY($1)
       ORDER BY order_no, payments.paid_at, payment_no`,
      [orderNumbers],
    );
    return alignMany(orderNumbers, rows, (row) => row.order_no).map((own) => own.map(toPayment));
  },
});
