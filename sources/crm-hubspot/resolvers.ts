import { pageSize, SourceContractError, type Context, type Customer } from '../../src/index.js';
import {
  companies,
  companiesOfContacts,
  contactsById,
  deals,
  dealsOfContacts,
  newestDeals,
} from './loaders.js';
import type { ContactRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/**
 * Associations come in no order, and without a moment. So which deals are the newest is known when all were read, or
 * from a search; up to one batch they are read.
 */
const MOST_DEALS_READ = 100;

/** Answers schema/sources/crm-hubspot.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    company: async (customer, _, { load }) => {
      const contactId = await customer.identifier('hubspotContactId');
      const [companyId] = contactId === null ? [] : await load(companiesOfContacts, contactId);
      return companyId === undefined ? null : load(companies, companyId);
    },
    deals: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const contactId = await customer.identifier('hubspotContactId');
      if (contactId === null) return [];
      const ids = await load(dealsOfContacts, contactId);
      if (ids.length > MOST_DEALS_READ) {
        const newest = await load(newestDeals, { contactId, first: size });
        // A search that a system does not understand may well answer with anybody's.
        if (newest.some(({ id }) => !ids.includes(id)))
          throw new SourceContractError('crm-hubspot', 'crm-hubspot found deals of somebody else.');
        return [...newest];
      }
      const found = await Promise.all(ids.map((id) => load(deals, id)));
      return found
        .filter((deal) => deal !== null)
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id))
        .slice(0, size);
    },
    jobTitle: async (customer, _, context) => (await ownRecord(customer, context))?.jobTitle ?? null,
    lifecycleStage: async (customer, _, context) =>
      (await ownRecord(customer, context))?.lifecycleStage ?? null,
  },
};

async function ownRecord(customer: Customer, { load }: Context): Promise<ContactRecord | null> {
  const contactId = await customer.identifier('hubspotContactId');
  return contactId === null ? null : ((await load(contactsById, contactId))[0] ?? null);
}
