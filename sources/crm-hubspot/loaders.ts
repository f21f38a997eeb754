import {
  alignMany,
  alignOne,
  defineLoader,
  pages,
  pagesOfEach,
  tooMany,
  type RestClient,
  type Subject,
  type TicketRecord,
} from '../../src/index.js';
import {
  COMPANY_PROPERTIES,
  CONTACT_PROPERTIES,
  DEAL_PROPERTIES,
  emailsOf,
  MERGED_IDS,
  optOutProperty,
  TICKET_PROPERTIES,
  toCompany,
  toContact,
  toDeal,
  toIds,
  toSubscriptions,
  toSubscriptionTypes,
  toTicket,
  type ContactRecord,
  type CrmCompany,
  type Subscription,
  type SubscriptionType,
} from './mapping.js';
import {
  ASSOCIATIONS_API,
  associationsRead,
  batchRead,
  historyRead,
  OBJECTS_API,
  PROPERTIES_API,
  propertiesRead,
  searchPage,
  type CrmObject,
  type CrmObjectWithHistory,
} from './wire.js';

/**
 * The maximum number of ids in a batch read. Associations allow 1,000 by documentation, but in practice also
 * 100.
 */
const MAX_BATCH = 100;

/** HubSpot takes fewer ids in a batch read with the history of properties. */
export const MAX_HISTORY_BATCH = 50;

/** Up to 1,000 companies for a batch of 100 numbers, so each may be entered ten times. */
export const MAX_SEARCH_PAGES = 5;

/** The maximum number of pages. HubSpot returns 500 associations of a record at once. */
const MAX_ASSOCIATION_PAGES = 4;

async function readBatch(
  hubspot: RestClient,
  type: 'contacts' | 'companies' | 'deals' | 'tickets',
  ids: readonly string[],
  properties: readonly string[],
  idProperty?: string,
): Promise<CrmObject[]> {
  const { results } = await hubspot.post(batchRead, `${OBJECTS_API}/${type}/batch/read`, {
    inputs: ids.map((id) => ({ id })),
    properties: [...properties, MERGED_IDS],
    propertiesWithHistory: [],
    ...(idProperty === undefined ? {} : { idProperty }),
  });
  return results.filter((record) => !isMerged(record, ids));
}

/**
 * For the id of a merged record, HubSpot returns the remaining record with its id. It is left out, because
 * the old id no longer identifies a record.
 * https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
 */
function isMerged({ id, properties }: CrmObject, requestedIds: readonly string[]): boolean {
  const mergedIds = properties[MERGED_IDS]?.split(';').map((mergedId) => mergedId.trim()) ?? [];
  return !requestedIds.includes(id) && requestedIds.some((requestedId) => mergedIds.includes(requestedId));
}

const byId = { source: 'crm-hubspot', keyOf: ({ id }: CrmObject) => id };

export const contactsByEmail = defineLoader<RestClient, string, readonly ContactRecord[]>({
  name: 'contactsByEmail',
  maxBatch: MAX_BATCH,
  load: async (emails, hubspot) => {
    const contacts = await readBatch(hubspot, 'contacts', emails, CONTACT_PROPERTIES, 'email');
    return alignMany(emails, contacts, {
      source: 'crm-hubspot',
      keyOf: ({ properties }) => emailsOf(properties),
      idOf: ({ id }) => id,
    }).map((records) => records.map(toContact));
  },
});

/** The property must be declared unique in HubSpot: README.md says how. */
export const contactsByFacebookUserId = defineLoader<RestClient, string, readonly ContactRecord[]>({
  name: 'contactsByFacebookUserId',
  maxBatch: MAX_BATCH,
  load: async (ids, hubspot) => {
    const contacts = await readBatch(hubspot, 'contacts', ids, CONTACT_PROPERTIES, 'facebook_user_id');
    return alignMany(ids, contacts, {
      source: 'crm-hubspot',
      keyOf: ({ properties }) => properties['facebook_user_id'] ?? [],
      idOf: ({ id }) => id,
    }).map((records) => records.map(toContact));
  },
});

export const contactsById = defineLoader<RestClient, string, readonly ContactRecord[]>({
  name: 'contactsById',
  maxBatch: MAX_BATCH,
  load: async (ids, hubspot) => {
    const contacts = alignOne(ids, await readBatch(hubspot, 'contacts', ids, CONTACT_PROPERTIES), byId);
    return contacts.map((contact) => (contact === null ? [] : [toContact(contact)]));
  },
});

export const aboutContact = (contactId: string): Subject[] => [
  { namespace: 'hubspotContactId', value: contactId },
];
const aboutNumber = (namespace: 'kvkNumber' | 'vatNumber', value: string | null): Subject[] =>
  value === null ? [] : [{ namespace, value: value.trim().toUpperCase() }];
/** An entrepreneur's company may be a customer by its numbers. */
const aboutCompany = (company: CrmCompany | null): Subject[] =>
  company === null
    ? []
    : [
        { type: 'Company', key: company.id },
        ...aboutNumber('kvkNumber', company.kvkNumber),
        ...aboutNumber('vatNumber', company.vatNumber),
      ];

const associatedIds = (from: 'contacts' | 'companies', to: 'companies' | 'deals' | 'tickets') =>
  defineLoader<RestClient, string, readonly string[]>({
    name: `${to}Of${from === 'contacts' ? 'Contacts' : 'Companies'}`,
    maxBatch: MAX_BATCH,
    ...(from === 'contacts' && { about: aboutContact }),
    load: async (ids, hubspot) => {
      const path = `${ASSOCIATIONS_API}/${from}/${to}/batch/read`;
      const lists = await pagesOfEach(ids, {
        source: 'crm-hubspot',
        what: `${to} of one of the ${from}`,
        read: async (open: readonly { key: string; at: string | undefined }[]) => {
          const inputs = open.map(({ key: id, at: after }) => (after === undefined ? { id } : { id, after }));
          const { results } = await hubspot.post(associationsRead, path, { inputs });
          return alignOne(
            open.map(({ key }) => key),
            results,
            { source: 'crm-hubspot', keyOf: (associations) => associations.from.id },
          );
        },
        items: (page) => page.to,
        next: ({ paging }) => paging?.next?.after,
        maxPages: MAX_ASSOCIATION_PAGES,
      });
      return lists.map((list) => (list instanceof Error ? list : toIds(list.items)));
    },
  });

export const companiesOfContacts = associatedIds('contacts', 'companies');
export const dealsOfContacts = associatedIds('contacts', 'deals');
export const ticketsOfCompanies = associatedIds('companies', 'tickets');

/** A record that is associated with a contact. It is cached once for each contact, so that it is forgotten with any of them. */
export interface OfContact {
  id: string;
  contactId: string;
}

const ofContact = <Found>(
  type: 'companies' | 'deals',
  properties: readonly string[],
  toRecord: (found: CrmObject) => Found,
  aboutMore: (found: Found | null) => Subject[] = () => [],
) =>
  defineLoader<RestClient, OfContact, Found | null>({
    name: type,
    maxBatch: MAX_BATCH,
    keyText: ({ id, contactId }) => `${id} ${contactId}`,
    about: ({ contactId }, found) => [...aboutContact(contactId), ...aboutMore(found)],
    load: async (keys, hubspot) => {
      const ids = keys.map(({ id }) => id);
      const found = await readBatch(hubspot, type, [...new Set(ids)], properties);
      return alignOne(ids, found, byId).map((record) => (record === null ? null : toRecord(record)));
    },
  });

export const companies = ofContact('companies', COMPANY_PROPERTIES, toCompany, aboutCompany);
export const deals = ofContact('deals', DEAL_PROPERTIES, toDeal);

/** A company's ticket does not name a person and may be about any employee, so each `forget` drops it. */
export const tickets = defineLoader<RestClient, string, TicketRecord | null>({
  name: 'tickets',
  maxBatch: MAX_BATCH,
  load: async (ids, hubspot) =>
    alignOne(ids, await readBatch(hubspot, 'tickets', ids, TICKET_PROPERTIES), byId).map((found) =>
      found === null ? null : toTicket(found),
    ),
});

/**
 * The companies with these numbers in a property. This is a search, because a batch read takes only
 * properties that the account has declared unique. A search does not find changes of the last seconds.
 * Searches have a separate low limit, so one takes as many numbers as a batch. Clients observed that IN
 * compares in lower case.
 */
const companiesBy = (property: 'kvk_number' | 'vat_number') =>
  defineLoader<RestClient, string, CrmCompany | null>({
    name: property === 'kvk_number' ? 'companiesByKvkNumber' : 'companiesByVatNumber',
    maxBatch: MAX_BATCH,
    about: (number, company) => [
      ...aboutNumber(property === 'kvk_number' ? 'kvkNumber' : 'vatNumber', number),
      ...aboutCompany(company),
    ],
    load: async (numbers, hubspot) => {
      const { items: found, isComplete } = await pages({
        source: 'crm-hubspot',
        what: 'companies',
        acceptPart: true,
        maxPages: MAX_SEARCH_PAGES,
        read: (after: string | undefined = '0') =>
          hubspot.post(searchPage, `${OBJECTS_API}/companies/search`, {
            filterGroups: [
              {
                filters: [
                  {
                    propertyName: property,
                    operator: 'IN',
                    values: numbers.map((number) => number.toLowerCase()),
                  },
                ],
              },
            ],
            // If a company was entered twice, the record that changed last is used.
            sorts: [{ propertyName: 'hs_lastmodifieddate', direction: 'DESCENDING' }],
            properties: COMPANY_PROPERTIES,
            limit: 200,
            after,
          }),
        items: ({ results }) => results,
        next: ({ paging }) => paging?.next?.after,
      });
      const aligned = alignOne(numbers, found, {
        source: 'crm-hubspot',
        keyOf: ({ properties }) => properties[property]?.trim().toUpperCase() ?? [],
      });
      return aligned.map((record) => {
        if (record !== null) return toCompany(record);
        // If not all pages were read, a missing company may exist.
        return isComplete ? null : tooMany('crm-hubspot', 'companies');
      });
    },
  });

export const companiesByKvkNumber = companiesBy('kvk_number');
export const companiesByVatNumber = companiesBy('vat_number');

/**
 * The CRM's objects do not list the kinds of mail. But each kind has a property of contacts, and the
 * account's properties can be listed. The answer is the same for every customer, so there is one key.
 */
export const subscriptionTypes = defineLoader<RestClient, 'contacts', readonly SubscriptionType[]>({
  name: 'subscriptionTypes',
  freshness: { maxAge: '1 hour' },
  about: () => [],
  load: async (keys, hubspot) => {
    const listed = await hubspot.get(propertiesRead, `${PROPERTIES_API}/contacts`);
    return keys.map(() => toSubscriptionTypes(listed?.results ?? []));
  },
});

/** Contacts by their ids, with the history of these properties; null for an unknown contact. */
export async function readHistory(
  hubspot: RestClient,
  ids: readonly string[],
  properties: readonly string[],
): Promise<(CrmObjectWithHistory | null)[]> {
  const { results } = await hubspot.post(historyRead, `${OBJECTS_API}/contacts/batch/read`, {
    inputs: [...new Set(ids)].map((id) => ({ id })),
    properties: [...properties, MERGED_IDS],
    propertiesWithHistory: properties,
  });
  return alignOne(
    ids,
    results.filter((record) => !isMerged(record, ids)),
    { source: 'crm-hubspot', keyOf: ({ id }) => id },
  );
}

/** The subscriptions of a contact, of these types. */
export interface SubscriptionsOf {
  contactId: string;
  types: readonly SubscriptionType[];
}

export const subscriptionsOfContacts = defineLoader<RestClient, SubscriptionsOf, readonly Subscription[]>({
  name: 'subscriptionsOfContacts',
  maxBatch: MAX_HISTORY_BATCH,
  keyText: ({ contactId, types }) => [contactId, ...types.map(({ id }) => id ?? '')].join(' '),
  about: ({ contactId }) => aboutContact(contactId),
  load: async (keys, hubspot) => {
    const properties = [...new Set(keys.flatMap(({ types }) => types.map(optOutProperty)))];
    const contacts = await readHistory(
      hubspot,
      keys.map(({ contactId }) => contactId),
      properties,
    );
    return keys.map(({ types }, i) => {
      const contact = contacts[i] ?? null;
      return contact === null ? [] : toSubscriptions(contact, types);
    });
  },
});
