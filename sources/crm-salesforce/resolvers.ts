import { pageSize, type Customer } from '../../src/index.js';
import { identity } from './identity.js';
import { accounts, campaignsOfContacts, casesOfContacts, opportunitiesOfContacts } from './loaders.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/crm-salesforce.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    account: async (customer, _, { load }) => {
      const keys = (await customer.records(identity)).flatMap(({ id: contactId, accountId }) =>
        accountId === null ? [] : [{ accountId, contactId }],
      );
      return keys[0] === undefined ? null : load(accounts, keys[0]);
    },
    opportunities: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const found = await ofAll(customer, (contactId) => load(opportunitiesOfContacts, contactId));
      return newest(found, ({ createdAt }) => createdAt).slice(0, size);
    },
    cases: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const found = await ofAll(customer, (contactId) => load(casesOfContacts, contactId));
      return newest(found, ({ createdAt }) => createdAt).slice(0, size);
    },
    campaigns: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const found = await ofAll(customer, (contactId) => load(campaignsOfContacts, contactId));
      return newest(found, ({ joinedAt }) => joinedAt).slice(0, size);
    },
    optOuts: async (customer) => {
      const records = await customer.records(identity);
      if (records.length === 0) return null;
      return {
        email: records.some(({ optOuts }) => optOuts.email),
        phone: records.some(({ optOuts }) => optOuts.phone),
      };
    },
  },
};

/** Of all contacts that are this customer. */
export async function ofAll<T>(
  customer: Customer,
  read: (contactId: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const contactIds = await customer.identifiers('salesforceContactId');
  return (await Promise.all(contactIds.map(read))).flat();
}

/** Newest first; several contacts may have a part in one opportunity, which is here once. */
function newest<T extends { id: string }>(items: readonly T[], at: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()].sort(
    (one, other) => at(other).localeCompare(at(one)) || other.id.localeCompare(one.id),
  );
}
