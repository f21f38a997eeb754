import { alignMany, defineLoader, type SourceDefinition, type SqlClient } from '../../src/index.js';
import { orderRow, type OrderRow } from './wire.js';

type TimelineDeclaration = NonNullable<SourceDefinition['timeline']>;
type TimelineAsk = Parameters<TimelineDeclaration['page']>[1];
type TimelineItem = Awaited<ReturnType<TimelineDeclaration['page']>>[number];

/** The newest orders of one customer, by all of its numbers, in the order of the timeline. */
export interface OrdersForTimeline extends Pick<TimelineAsk, 'first' | 'before' | 'since'> {
  customerNumbers: readonly string[];
}

/**
 * Not `orderPages`: that goes by the database's own order of order numbers, which may be that of a language, and goes on
 * from orders only.
 */
export const ordersForTimeline = defineLoader<SqlClient, OrdersForTimeline, readonly TimelineItem[]>({
  name: 'ordersForTimeline',
  keyText: ({ customerNumbers, first, before, since }) =>
    JSON.stringify([customerNumbers.toSorted(), first, before?.at, before?.id, since]),
  about: ({ customerNumbers }) => customerNumbers.map((value) => ({ namespace: 'customerNumber', value })),
  load: async (pages, database) => {
    const asked = pages.flatMap(({ customerNumbers, ...page }, i) =>
      customerNumbers.map((customerNumber) => ({ ...page, customerNumber, i })),
    );
    const rows = await database.rows(
      orderRow,
      // Read along the index from the page's place in time; what is sorted after that are the orders of one moment.
      `SELECT asked.page, found.order_no, found.status, found.placed_at, found.currency, lines.total
       FROM unnest($1::int[], $2::text[], $3::int[], $4::timestamptz[], $5::text[], $6::timestamptz[])
         AS asked (page, cust_no, size, before_placed_at, before_order_no, since)
       CROSS JOIN LATERAL (
         SELECT order_no, status, placed_at, currency
         FROM orders
         WHERE orders.cust_no = asked.cust_no
           AND placed_at BETWEEN asked.since AND asked.before_placed_at
           AND (placed_at < asked.before_placed_at OR order_no COLLATE "C" < asked.before_order_no)
         ORDER BY placed_at DESC, order_no COLLATE "C" DESC
         LIMIT asked.size
       ) AS found
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(quantity * unit_price), 0) AS total
         FROM order_lines
         WHERE order_lines.order_no = found.order_no
       ) AS lines
       ORDER BY asked.page, found.placed_at DESC, found.order_no COLLATE "C" DESC`,
      [
        asked.map(({ i }) => i),
        asked.map(({ customerNumber }) => customerNumber),
        asked.map(({ first }) => first),
        asked.map(({ before }) => before?.at ?? 'infinity'),
        asked.map(({ before }) => before?.id ?? ''),
        asked.map(({ since }) => since ?? '-infinity'),
      ],
    );
    return alignMany([...pages.keys()], rows, (row) => row.page).map((own, i) =>
      own.slice(0, pages[i]?.first).map(toTimelineItem),
    );
  },
});

function toTimelineItem(row: OrderRow): TimelineItem {
  return {
    kind: 'ORDER',
    // With the database's microseconds, by which the pages go on.
    at: row.placed_at.replace(' ', 'T').replace('+00', 'Z'),
    id: row.order_no,
    title: `Order ${row.order_no}`,
    status: row.status,
    amount: { amount: row.total, currency: row.currency },
  };
}

export const timeline: TimelineDeclaration = {
  kinds: ['ORDER'],
  page: async (customer, { first, before, since }, { load }) => {
    const customerNumbers = await customer.identifiers('customerNumber');
    return customerNumbers.length === 0
      ? []
      : load(ordersForTimeline, { customerNumbers, first, before, since });
  },
};
