import type { DealsDeclaration } from '../../src/index.js';
import { newestDealsOf } from './newest.js';

/** The deals of all contacts that are the customer. */
export const deals: DealsDeclaration = {
  page: async (customer, request, context) => {
    const contactIds = await customer.identifiers('hubspotContactId');
    const parts = await Promise.all(contactIds.map((id) => newestDealsOf(id, request, context)));
    return {
      items: parts.flatMap(({ items }) => items),
      readBackTo: parts.flatMap(({ readBackTo }) => readBackTo),
    };
  },
};
