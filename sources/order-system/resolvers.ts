import { connection, globalId, pageSize, type Context, type Customer } from '../../src/index.js';
import { identity } from './identity.js';
import { linesOfOrders, orderPages, orderTotals, paymentsOfOrders, type OrderTotals } from './loaders.js';
import { cursorOf, placeOf, type OrderRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/order-system.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    orders: (customer, { first, after }, { loadField }) => {
      const size = pageSize(first);
      const page = { first: size, after: after == null ? null : placeOf(after) };
      const toConnection = (found: readonly OrderRecord[]) =>
        connection(found, size, { nodeOf: (order) => order, cursorOf });
      return customer.withIdentifiers('customerNumber', (customerNumbers) =>
        customerNumbers.length === 0
          ? toConnection([])
          : loadField(orderPages, { customerNumbers, ...page }, toConnection),
      );
    },
    lifetimeValue: (customer, _, context) =>
      fieldOfTotals(customer, context, ({ amounts }) => ({ amounts: [...amounts], isApproximate: false })),
    orderCount: (customer, _, context) =>
      fieldOfTotals(customer, context, ({ count }) => ({ value: count, isApproximate: false })),
    lastOrderAt: (customer, _, context) =>
      fieldOfTotals(customer, context, ({ lastPlacedAt }) => lastPlacedAt ?? null),
    becameCustomerAt: async (customer) => {
      const moments = (await customer.records(identity)).map(({ becameCustomerAt }) => becameCustomerAt);
      // The oldest of several records counts.
      return moments.sort()[0] ?? null;
    },
  },
  Order: {
    id: ({ number }) => globalId('Order', number),
    lines: (order, _, { loadField }) => loadField(linesOfOrders, order, (lines) => [...lines]),
    payments: (order, _, { loadField }) => loadField(paymentsOfOrders, order, (payments) => [...payments]),
  },
  OrderLine: {
    id: ({ orderNumber, lineNumber }) => globalId('OrderLine', orderNumber, String(lineNumber)),
    product: ({ sku }) => ({ sku }),
  },
};

/** Null when the order system does not know the customer, who may also be known and have ordered nothing. */
function fieldOfTotals<T>(
  customer: Customer,
  { loadField }: Context,
  read: (totals: OrderTotals) => T,
): T | null | PromiseLike<T | null> {
  return customer.withIdentifiers('customerNumber', (customerNumbers) =>
    customerNumbers.length === 0 ? null : loadField(orderTotals, customerNumbers, read),
  );
}
