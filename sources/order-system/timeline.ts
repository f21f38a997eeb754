import {
  alignMany,
  defineLoader,
  type SqlClient,
  type TimelineRequest,
  type TimelineDeclaration,
  type TimelineItem,
} from '../../src/index.js';
import { isOfCustomer, TOTAL } from './loaders.js';
import { FIRST_MOMENT, LAST_MOMENT, orderRow, type OrderRow } from './wire.js';

/** The newest orders of one customer with all of its numbers, in the order of the timeline. */
export interface OrdersForTimeline extends Pick<TimelineRequest, 'first' | 'before' | 'since'> {
  customerNumbers: readonly string[];
}

/**
 * The timeline cannot use `orderPages`. That loader sorts order numbers by the database's collation, and its pages can begin
 * after an order only.
 */
export const ordersForTimeline = defineLoader<SqlClient, OrdersForTimeline, readonly TimelineItem[]>({
  name: 'ordersForTimeline',
  keyText: ({ customerNumbers, first, before, since }) =>
    JSON.stringify([customerNumbers.toSorted(), first, before?.at, before?.id, since]),
  about: ({ customerNumbers }) => customerNumbers.map((value) => ({ namespace: 'customerNumber', value })),
  load: async (pages, database) => {
    const keys = pages.flatMap(({ customerNumbers, ...page }, i) =>
      customerNumbers.map((customerNumber) => ({ ...page, customerNumber, i })),
    );
    if (keys.length === 0) return pages.map(() => []);
    const { dialect } = database;
    const byNumber = dialect.bytes('order_no');
    const rows = await database.rows(
      orderRow,
      ...dialect.forEach({
        // Reads along the index from the place of the page to the moment of its last order, which is in the index too. So the
        // database sorts little more than the page. An older PostgreSQL would otherwise sort all older orders.
        query: `
          SELECT requested.page AS page, order_no, cust_no, shop_order_no, status, placed_at, currency, ${TOTAL} AS total
          FROM orders
          WHERE cust_no = requested.cust_no
            AND placed_at BETWEEN requested.since AND requested.before_placed_at
            AND placed_at >= coalesce((
              SELECT older.placed_at
              FROM orders AS older
              WHERE older.cust_no = requested.cust_no AND older.placed_at < requested.before_placed_at
              ORDER BY older.placed_at DESC
              LIMIT 1 OFFSET requested.others
            ), requested.since)
            AND (placed_at < requested.before_placed_at OR ${byNumber} < requested.before_order_no)
          ORDER BY placed_at DESC, ${byNumber} DESC
          LIMIT requested.size`,
        columns: {
          page: 'integer',
          cust_no: 'text',
          size: 'integer',
          others: 'integer',
          before_placed_at: 'timestamptz',
          before_order_no: 'text',
          since: 'timestamptz',
        },
        values: keys.map(({ i, customerNumber, first, before, since }) => ({
          page: i,
          cust_no: customerNumber,
          size: first,
          others: first - 1,
          before_placed_at: before?.at ?? LAST_MOMENT,
          before_order_no: before?.id ?? '',
          since: since ?? FIRST_MOMENT,
        })),
        orderBy: `page, placed_at DESC, ${byNumber} DESC`,
      }),
    );
    return alignMany([...pages.keys()], rows, {
      source: 'order-system',
      keyOf: (row) => (isOfCustomer(row, pages[row.page]) ? row.page : []),
      idOf: (row) => row.order_no,
    }).map((rowsOfPage, i) => rowsOfPage.slice(0, pages[i]?.first).map(toTimelineItem));
  },
});

function toTimelineItem(row: OrderRow): TimelineItem {
  return {
    kind: 'ORDER',
    // With the database's microseconds: the next page begins after this moment.
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
