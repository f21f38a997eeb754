import { pageSize, type Context, type Customer } from '../../src/index.js';
import { companies, companiesOfContacts, contactsById, deals, dealsOfContacts } from './loaders.js';
import type { ContactRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

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
      const ids = contactId === null ? [] : await load(dealsOfContacts, contactId);
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
