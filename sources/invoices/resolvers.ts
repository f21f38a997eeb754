import { connection, globalId, pageSize } from '../../src/index.js';
import { invoicePages, openTotals } from './loaders.js';
import { cursorOf, placeIn, totalsOf } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/invoices.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    invoices: async (customer, { first, after, status = null }, { load }) => {
      const size = pageSize(first);
      const place = after == null ? null : placeIn(after);
      const customerNumbers = await customer.identifiers('invoiceCustomerNumber');
      const page = { customerNumbers, first: size, after: place, since: null, status };
      const found = customerNumbers.length === 0 ? [] : await load(invoicePages, page);
      return connection(found, size, { nodeOf: (invoice) => invoice, cursorOf });
    },
    openInvoiceTotal: async (customer, _, { load }) => {
      const customerNumbers = await customer.identifiers('invoiceCustomerNumber');
      if (customerNumbers.length === 0) return null;
      const found = await Promise.all(customerNumbers.map((number) => load(openTotals, number)));
      return {
        amounts: totalsOf(found.flatMap(({ amounts }) => amounts)),
        isApproximate: found.some(({ isComplete }) => !isComplete),
      };
    },
  },
  Invoice: {
    id: ({ number }) => globalId('Invoice', number),
  },
};
