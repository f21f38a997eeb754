import { connection, globalId, pageSize, type Context, type Customer } from '../../src/index.js';
import { identity } from './identity.js';
import { linesOfOrders, orderPages, orderTotals, paymentsOfOrders, type OrderTotals } from './loaders.js';
import { cursorOf, placeOf } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/order-system.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    orders: async (customer, { first, after }, { load }) => {
      const size = pageSize(first);
      const page = { first: size, after: after == null ? null : placeOf(after) };
      const customerNumbers = await customer.identifiers('customerNumber');
      const found = customerNumbers.length === 0 ? [] : await load(orderPages, { customerNumbers, ...page });
      return connection(found, size, { nodeOf: (order) => order, cursorOf });
    },
    lifetimeValue: async (customer, _, context) => {
      const totals = await totalsOf(customer, context);
      return totals && { amounts: [...totals.amounts], isApproximate: false };
    },
    orderCount: async (customer, _, context) => {
      const totals = await totalsOf(customer, context);
      return totals && { value: totals.count, isApproximate: false };
    },
    lastOrderAt: async (customer, _, context) => (await totalsOf(customer, context))?.lastPlacedAt ?? null,
    becameCustomerAt: async (customer) => {
      const moments = (await customer.records(identity)).map(({ becameCustomerAt }) => becameCustomerAt);
      // The oldest of several records counts.
      return moments.sort()[0] ?? null;
    },
  },
  Order: {
    id: ({ number }) => globalId('Order', number),
    lines: async (order, _, { load }) => [...(await load(linesOfOrders, order))],
    payments: async (order, _, { load }) => [...(await load(paymentsOfOrders, order))],
  },
  OrderLine: {
    id: ({ orderNumber, lineNumber }) => globalId('OrderLine', orderNumber, String(lineNumber)),
    product: ({ sku }) => ({ sku }),
  },
};

/** Null when the order system does not know the customer, who may also be known and have ordered nothing. */
async function totalsOf(customer: Customer, { load }: Context): Promise<OrderTotals | null> {
  const customerNumbers = await customer.identifiers('customerNumber');
  return customerNumbers.length === 0 ? null : load(orderTotals, customerNumbers);
}
