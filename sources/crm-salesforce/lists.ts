import type {
  Customer,
  DealsDeclaration,
  OrganisationsDeclaration,
  TicketsDeclaration,
  UnsortedItems,
} from '../../src/index.js';
import { identity } from './identity.js';
import { accounts, casesOfContacts, MAX_CHILDREN, opportunitiesOfContacts } from './loaders.js';

/** The cases of all contacts that are the customer. */
export const tickets: TicketsDeclaration = {
  page: (customer, _, { load }) =>
    newestOfContacts(
      customer,
      (contactId) => load(casesOfContacts, contactId),
      ({ createdAt }) => createdAt,
    ),
};

/** The opportunities in which a contact that is the customer has a role. */
export const deals: DealsDeclaration = {
  page: (customer, _, { load }) =>
    newestOfContacts(
      customer,
      (contactId) => load(opportunitiesOfContacts, contactId),
      ({ createdAt }) => createdAt,
    ),
};

/** The account of each contact that is the customer. */
export const organisations: OrganisationsDeclaration = {
  ofCustomer: async (customer, { load }) => {
    const contacts = await customer.records(identity);
    const found = await Promise.all(
      contacts.map(async ({ id: contactId, accountId }) =>
        accountId === null ? null : load(accounts, { accountId, contactId }),
      ),
    );
    const known = found.filter((organisation) => organisation !== null);
    return [...new Map(known.map((organisation) => [organisation.recordId, organisation])).values()];
  },
};

/** The items of each contact. The loader returns one more than `MAX_CHILDREN` if a contact has more. */
export async function newestOfContacts<Item>(
  customer: Customer,
  read: (contactId: string) => Promise<readonly Item[]>,
  momentOf: (item: Item) => string,
): Promise<UnsortedItems<Item>> {
  const contactIds = await customer.identifiers('salesforceContactId');
  const lists = await Promise.all(contactIds.map(read));
  return {
    items: lists.flatMap((items) => items.slice(0, MAX_CHILDREN)),
    readBackTo: lists.flatMap((items) =>
      items.length <= MAX_CHILDREN ? [] : items.slice(MAX_CHILDREN - 1, MAX_CHILDREN).map(momentOf),
    ),
  };
}
