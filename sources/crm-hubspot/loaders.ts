import type { z } from 'zod';
import { alignMany, alignOne, defineLoader, SourceContractError, type RestClient } from '../../src/index.js';
import {
  COMPANY_PROPERTIES,
  CONTACT_PROPERTIES,
  DEAL_PROPERTIES,
  emailsOf,
  toCompany,
  toContact,
  toDeal,
  toIds,
  type ContactRecord,
  type CrmCompany,
  type DealRecord,
} from './mapping.js';
import {
  ASSOCIATIONS_API,
  associationsRead,
  batchRead,
  OBJECTS_API,
  searchPage,
  type AssociationsOf,
  type CrmObject,
} from './wire.js';

/** Who somebody is changes seldom; asking it anew for every page view would cost a round before anything else. */
const IDENTITY_FRESHNESS = { maxAge: '1 minute' } as const;

/** A batch read takes 100 ids, one of associations 1,000 (an undocumented share of them at once is kept to 100 too). */
const MAX_BATCH = 100;

/** 1,000 companies for a batch of 100 numbers: each would have been entered ten times. */
const MAX_SEARCH_PAGES = 5;

/** HubSpot gives 500 associations of a record at once. */
const MAX_ASSOCIATION_PAGES = 4;

async function readBatch(
  hubspot: RestClient,
  type: 'contacts' | 'companies' | 'deals',
  ids: readonly string[],
  properties: readonly string[],
  idProperty?: string,
): Promise<CrmObject[]> {
  const { results } = await hubspot.post(batchRead, `${OBJECTS_API}/${type}/batch/read`, {
    inputs: ids.map((id) => ({ id })),
    properties,
    propertiesWithHistory: [],
    ...(idProperty === undefined ? {} : { idProperty }),
  });
  return results;
}

export const contactsByEmail = defineLoader<RestClient, string, readonly ContactRecord[]>({
  name: 'contactsByEmail',
  maxBatch: MAX_BATCH,
  freshness: IDENTITY_FRESHNESS,
  load: async (emails, hubspot) => {
    const contacts = await readBatch(hubspot, 'contacts', emails, CONTACT_PROPERTIES, 'email');
    return emails.map((email) =>
      contacts.filter(({ properties }) => emailsOf(properties).includes(email)).map(toContact),
    );
  },
});

export const contactsById = defineLoader<RestClient, string, readonly ContactRecord[]>({
  name: 'contactsById',
  maxBatch: MAX_BATCH,
  freshness: IDENTITY_FRESHNESS,
  load: async (ids, hubspot) => {
    const contacts = alignOne(
      ids,
      await readBatch(hubspot, 'contacts', ids, CONTACT_PROPERTIES),
      ({ id }) => id,
    );
    return contacts.map((contact) => (contact === null ? [] : [toContact(contact)]));
  },
});

const associatedIds = (to: 'companies' | 'deals') =>
  defineLoader<RestClient, string, readonly string[]>({
    name: `${to}OfContacts`,
    maxBatch: MAX_BATCH,
    load: async (contactIds, hubspot) => {
      const path = `${ASSOCIATIONS_API}/contacts/${to}/batch/read`;
      const found: AssociationsOf[] = [];
      let inputs: { id: string; after?: string }[] = contactIds.map((id) => ({ id }));
      for (let read = 0; inputs.length > 0 && read < MAX_ASSOCIATION_PAGES; read += 1) {
        const { results } = await hubspot.post(associationsRead, path, { inputs });
        found.push(...results);
        inputs = results.flatMap(({ from: { id }, paging }) =>
          paging?.next == null ? [] : [{ id, after: paging.next.after }],
        );
      }
      const unread = new Set(inputs.map(({ id }) => id));
      return alignMany(contactIds, found, ({ from }) => from.id).map((pages, i) =>
        unread.has(contactIds[i] ?? '')
          ? new SourceContractError(
              'crm-hubspot',
              `crm-hubspot holds more ${to} of one contact than can be read.`,
            )
          : toIds(pages.flatMap((page) => page.to)),
      );
    },
  });

export const companiesOfContacts = associatedIds('companies');
export const dealsOfContacts = associatedIds('deals');

export const companies = defineLoader<RestClient, string, CrmCompany | null>({
  name: 'companies',
  maxBatch: MAX_BATCH,
  load: async (ids, hubspot) =>
    alignOne(ids, await readBatch(hubspot, 'companies', ids, COMPANY_PROPERTIES), ({ id }) => id).map(
      (found) => (found === null ? null : toCompany(found)),
    ),
});

/**
 * The companies that hold these numbers in a property, by a search: a batch read takes only properties that the account
 * has declared unique. It finds what was written some seconds ago, and searches have a narrow limit of their own, so it
 * takes as many numbers at once as a batch. That an IN compares in lower case is as clients have seen.
 */
const companiesBy = (property: 'kvk_number' | 'vat_number') =>
  defineLoader<RestClient, string, CrmCompany | null>({
    name: property === 'kvk_number' ? 'companiesByKvkNumber' : 'companiesByVatNumber',
    maxBatch: MAX_BATCH,
    load: async (numbers, hubspot) => {
      const found: CrmObject[] = [];
      let after: string | undefined = '0';
      for (let read = 0; after !== undefined && read < MAX_SEARCH_PAGES; read += 1) {
        const page: z.infer<typeof searchPage> = await hubspot.post(
          searchPage,
          `${OBJECTS_API}/companies/search`,
          {
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
            // Of a company that was entered twice, what was changed last.
            sorts: [{ propertyName: 'hs_lastmodifieddate', direction: 'DESCENDING' }],
            properties: COMPANY_PROPERTIES,
            limit: 200,
            after,
          },
        );
        found.push(...page.results);
        after = page.paging?.next?.after;
      }
      const isWhole = after === undefined;
      return alignOne(numbers, found, ({ properties }) => properties[property]?.trim().toUpperCase()).map(
        (one) => {
          if (one !== null) return toCompany(one);
          // What the pages that were not read would have told of cannot be said to be unknown.
          return isWhole
            ? null
            : new SourceContractError('crm-hubspot', 'crm-hubspot holds more companies than can be read.');
        },
      );
    },
  });

export const companiesByKvkNumber = companiesBy('kvk_number');
export const companiesByVatNumber = companiesBy('vat_number');

export const deals = defineLoader<RestClient, string, DealRecord | null>({
  name: 'deals',
  maxBatch: MAX_BATCH,
  load: async (ids, hubspot) =>
    alignOne(ids, await readBatch(hubspot, 'deals', ids, DEAL_PROPERTIES), ({ id }) => id).map((found) =>
      found === null ? null : toDeal(found),
    ),
});

/** The newest deals of a contact. */
export interface DealsOf {
  contactId: string;
  first: number;
}

/** For a contact whose deals are too many to be read one by one: a search, which takes one contact a call. */
export const newestDeals = defineLoader<RestClient, DealsOf, readonly DealRecord[]>({
  name: 'newestDeals',
  keyText: ({ contactId, first }) => `${contactId} ${first}`,
  about: ({ contactId }) => [{ namespace: 'hubspotContactId', value: contactId }],
  load: async (keys, hubspot) => {
    const found: (readonly DealRecord[] | Error)[] = [];
    // One after the other: searches have a narrow limit of their own, and few contacts have so many deals.
    for (const { contactId, first } of keys)
      found.push(
        await hubspot
          .post(searchPage, `${OBJECTS_API}/deals/search`, {
            filterGroups: [
              { filters: [{ propertyName: 'associations.contact', operator: 'EQ', value: contactId }] },
            ],
            sorts: [{ propertyName: 'createdate', direction: 'DESCENDING' }],
            properties: DEAL_PROPERTIES,
            limit: first,
            after: '0',
          })
          .then(({ results }) => results.map(toDeal))
          .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
      );
    return found;
  },
});
