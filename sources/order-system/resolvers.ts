import { pageSize, type Context, type Customer } from '../../src/index.js';
import { customersByNumber, linesOfOrders, orderPages, paymentsOfOrders } from './loaders.js';
import { placeOf, type OrderRecord, type OrderSystemCustomer } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/order-system.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    orders: async (customer, { first, after }, { load }) => {
      const size = pageSize(first);
      const page = { first: size, after: after == null ? null : placeOf(after) };
      const customerNumber = await customer.identifier('customerNumber');
      const found = customerNumber === null ? [] : await load(orderPages, { customerNumber, ...page });
      return connection(found, size);
    },
    customerSince: async (customer, _, context) =>
      (await ownRecord(customer, context))?.customerSince ?? null,
    address: async (customer, _, context) => (await ownRecord(customer, context))?.address ?? null,
  },
  Order: {
    lines: async ({ number }, _, { load }) => [...(await load(linesOfOrders, number))],
    payments: async ({ number }, _, { load }) => [...(await load(paymentsOfOrders, number))],
  },
  OrderLine: {
    product: ({ sku }) => ({ sku }),
  },
};

function connection(found: readonly OrderRecord[], size: number) {
  const nodes = found.slice(0, size);
  return {
    edges: nodes.map((node) => ({ node, cursor: node.cursor })),
    nodes,
    pageInfo: { hasNextPage: found.length > size, endCursor: nodes.at(-1)?.cursor ?? null },
  };
}

async function ownRecord(customer: Customer, { load }: Context): Promise<OrderSystemCustomer | null> {
  const customerNumber = await customer.identifier('customerNumber');
  return customerNumber === null ? null : ((await load(customersByNumber, customerNumber))[0] ?? null);
}
