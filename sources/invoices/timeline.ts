import type { TimelineDeclaration } from '../../src/index.js';
import { invoicePages } from './loaders.js';
import { placeOf } from './mapping.js';

export const timeline: TimelineDeclaration = {
  kinds: ['INVOICE'],
  page: async (customer, { first, before, since }, { load }) => {
    const customerNumbers = await customer.identifiers('invoiceCustomerNumber');
    if (customerNumbers.length === 0) return [];
    const page = { customerNumbers, first, after: before, since, status: null };
    return (await load(invoicePages, page)).map((invoice) => ({
      kind: 'INVOICE',
      ...placeOf(invoice),
      title: `Invoice ${invoice.number}`,
      status: invoice.status,
      amount: invoice.total,
    }));
  },
};
