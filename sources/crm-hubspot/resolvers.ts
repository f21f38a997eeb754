import { pageSize, SourceContractError, type Company } from '../../src/index.js';
import { crmCompanies } from './companies.js';
import { identity } from './identity.js';
import {
  deals,
  dealsOfContacts,
  newestDeals,
  newestTickets,
  subscriptionsOfContacts,
  subscriptionTypes,
  tickets,
  ticketsOfCompanies,
} from './loaders.js';
import type { CrmCompany } from './mapping.js';
import type { MarketingSubscription, Resolvers } from './schema.generated.js';

/**
 * Associations come in no order, and without a moment. So which deals or tickets are the newest is known when all were
 * read, or from a search; up to one batch they are read.
 */
const MOST_READ = 100;

/** Answers schema/sources/crm-hubspot.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    deals: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const contactIds = await customer.identifiers('hubspotContactId');
      const found = await Promise.all(
        contactIds.map(async (id) =>
          among(await load(dealsOfContacts, id), {
            read: (dealId) => load(deals, { id: dealId, contactId: id }),
            search: () => load(newestDeals, { id, first: size }),
          }),
        ),
      );
      return newestFirst(found.flat()).slice(0, size);
    },
    isMarketingContact: async (customer) =>
      anyOf((await customer.records(identity)).map((one) => one.isMarketingContact)),
    legalBases: async (customer) => {
      const records = await customer.records(identity);
      return records.length === 0 ? null : [...new Set(records.flatMap((one) => one.legalBases))];
    },
    marketingOptOut: async (customer) =>
      anyOf((await customer.records(identity)).map((one) => one.marketingOptOut)),
    marketingSubscriptions: async (customer, _, { load }) => {
      const contactIds = await customer.identifiers('hubspotContactId');
      if (contactIds.length === 0) return null;
      const types = await load(subscriptionTypes, 'contacts');
      const found = await Promise.all(
        contactIds.map((contactId) => load(subscriptionsOfContacts, { contactId, types })),
      );
      return types.flatMap(({ id }) => strictest(found.flat().filter((one) => one.id === id)));
    },
  },
  Company: {
    name: valueOf('name'),
    domain: valueOf('domain'),
    city: valueOf('city'),
    industry: valueOf('industry'),
    employees: valueOf('employees'),
    serviceTickets: async (company, { first }, { load }) => {
      const size = pageSize(first);
      const record = await company.record(crmCompanies);
      if (record === null) return null;
      const { id } = record;
      const found = await among(await load(ticketsOfCompanies, id), {
        read: (ticketId) => load(tickets, ticketId),
        search: () => load(newestTickets, { id, first: size }),
      });
      return newestFirst(found).slice(0, size);
    },
  },
};

function valueOf<F extends Exclude<keyof CrmCompany, 'id'>>(field: F) {
  return async (company: Company): Promise<CrmCompany[F] | null> =>
    (await company.record(crmCompanies))?.[field] ?? null;
}

/** What is associated, or the newest of it when that is too much to read. */
async function among<Found extends { id: string }>(
  ids: readonly string[],
  {
    read,
    search,
  }: {
    read: (id: string) => Promise<Found | null>;
    search: () => Promise<readonly Found[]>;
  },
): Promise<Found[]> {
  if (ids.length <= MOST_READ)
    return (await Promise.all(ids.map(read))).flatMap((found) => (found === null ? [] : [found]));
  const newest = await search();
  // A search that a system does not understand may well answer with anybody's.
  if (newest.some(({ id }) => !ids.includes(id)))
    throw new SourceContractError('crm-hubspot', 'crm-hubspot found records of somebody else.', {
      kind: 'wrong-record',
    });
  return [...newest];
}

/** Each once: a deal may be with several contacts that are one customer. */
function newestFirst<Found extends { id: string; createdAt: string }>(found: readonly Found[]): Found[] {
  return [...new Map(found.map((one) => [one.id, one])).values()].sort(
    (a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id),
  );
}

/** Of several records one that says so is enough; null when none says anything. */
function anyOf(flags: readonly (boolean | null)[]): boolean | null {
  const said = flags.filter((flag) => flag !== null);
  return said.length === 0 ? null : said.includes(true);
}

/** Of several records one that opts out is enough; else what was said last. */
function strictest(same: readonly MarketingSubscription[]): MarketingSubscription[] {
  const isOut = ({ status }: MarketingSubscription): number => Number(status === 'OPTED_OUT');
  return same
    .toSorted((a, b) => isOut(b) - isOut(a) || (b.updatedAt ?? '').localeCompare(a.updatedAt ?? ''))
    .slice(0, 1);
}
