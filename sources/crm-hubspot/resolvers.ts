import { pageSize, SourceContractError, type Company, type Context, type Customer } from '../../src/index.js';
import { crmCompanies } from './companies.js';
import { contactsById, deals, dealsOfContacts, newestDeals } from './loaders.js';
import type { ContactRecord, CrmCompany, DealRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/**
 * Associations come in no order, and without a moment. So which deals are the newest is known when all were read, or
 * from a search; up to one batch they are read.
 */
const MOST_DEALS_READ = 100;

/** Answers schema/sources/crm-hubspot.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    deals: async (customer, { first }, context) => {
      const size = pageSize(first);
      const contactIds = await customer.identifiers('hubspotContactId');
      const found = await Promise.all(contactIds.map((contactId) => dealsOf(contactId, size, context)));
      // One deal may be with several of them.
      return [...new Map(found.flat().map((deal) => [deal.id, deal])).values()]
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id))
        .slice(0, size);
    },
    jobTitle: async (customer, _, context) => (await ownRecord(customer, context))?.jobTitle ?? null,
    lifecycleStage: async (customer, _, context) =>
      (await ownRecord(customer, context))?.lifecycleStage ?? null,
  },
  Company: {
    name: valueOf('name'),
    domain: valueOf('domain'),
    city: valueOf('city'),
    industry: valueOf('industry'),
    employees: valueOf('employees'),
  },
};

function valueOf<F extends keyof CrmCompany>(field: F) {
  return async (company: Company): Promise<CrmCompany[F] | null> =>
    (await company.record(crmCompanies))?.[field] ?? null;
}

/** Among them the newest ones of a contact, as many as are wanted. */
async function dealsOf(contactId: string, first: number, { load }: Context): Promise<DealRecord[]> {
  const ids = await load(dealsOfContacts, contactId);
  if (ids.length <= MOST_DEALS_READ)
    return (await Promise.all(ids.map((id) => load(deals, id)))).filter((deal) => deal !== null);
  const newest = await load(newestDeals, { contactId, first });
  // A search that a system does not understand may well answer with anybody's.
  if (newest.some(({ id }) => !ids.includes(id)))
    throw new SourceContractError('crm-hubspot', 'crm-hubspot found deals of somebody else.');
  return [...newest];
}

async function ownRecord(customer: Customer, { load }: Context): Promise<ContactRecord | null> {
  const contactId = await customer.identifier('hubspotContactId');
  return contactId === null ? null : ((await load(contactsById, contactId))[0] ?? null);
}
