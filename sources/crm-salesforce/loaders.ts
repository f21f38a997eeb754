import { z } from 'zod';
import { alignMany, alignOne, defineLoader, type OrganisationRecord } from '../../src/index.js';
import type { SalesforceClient } from './client.js';
import {
  phoneSpellings,
  phonesOf,
  toCampaignMembership,
  toCase,
  toContact,
  toOpportunity,
  toOrganisation,
  type CampaignMembershipRecord,
  type ContactRecord,
  type Opportunity,
  type SalesforceCase,
} from './mapping.js';
import { chunksOf, restOf, runQueries } from './soql.js';
import {
  account,
  API,
  CAMPAIGN_FIELDS,
  campaignMember,
  CONTACT_FIELDS,
  contactWith,
  id,
  OPPORTUNITY_FIELDS,
  opportunityRole,
  queryPage,
  supportCase,
  type Contact,
  type Page,
} from './wire.js';

/** The maximum number of ids in a collection. */
export const MAX_COLLECTION = 2_000;
/** One call has several queries of some hundred values each. */
const MAX_BATCH = 1_000;
/** The maximum number of cases, opportunities or campaign memberships that are read of one contact. */
export const MAX_CHILDREN = 1_000;

/** Salesforce refuses the whole call if one id is malformed. */
const isId = (value: string): boolean => id.safeParse(value).success;

export const contactFields = ({ customerNumberField }: SalesforceClient['org']): string[] =>
  customerNumberField === undefined ? CONTACT_FIELDS : [...CONTACT_FIELDS, customerNumberField];

/** Contacts by the values of their fields. For each key, one of the fields must equal one of the texts; case is ignored. */
function contactsWhere(
  keys: readonly string[],
  salesforce: SalesforceClient,
  where: (list: string) => string,
  {
    textsOf,
    held,
  }: { textsOf: (key: string) => readonly string[]; held: (contact: Contact) => readonly string[] },
): Promise<ContactRecord[]>[] {
  const { org } = salesforce;
  const select = `SELECT ${contactFields(org).join(', ')} FROM Contact WHERE `;
  const keysOfText = new Map<string, string[]>();
  for (const key of keys)
    for (const text of textsOf(key).map((value) => value.toLowerCase()))
      keysOfText.set(text, [...(keysOfText.get(text) ?? []), key]);
  return runQueries(salesforce, contactWith(org.customerNumberField), {
    keys,
    chunks: chunksOf(keys, textsOf, (list) => select + where(list)),
    read: (keysOfChunk, contacts) =>
      alignMany(keysOfChunk, contacts, {
        source: 'crm-salesforce',
        keyOf: (contact) =>
          held(contact).flatMap((value) => keysOfText.get(value.trim().toLowerCase()) ?? []),
        idOf: ({ Id }) => Id,
      }).map((found) => found.map(toContact)),
    nothing: [],
  });
}

export const contactsByEmail = defineLoader<SalesforceClient, string, readonly ContactRecord[]>({
  name: 'contactsByEmail',
  maxBatch: MAX_BATCH,
  loadEach: (emails, salesforce) =>
    contactsWhere(emails, salesforce, (list) => `Email IN (${list})`, {
      textsOf: (email) => [email],
      held: ({ Email }) => (Email === null ? [] : [Email]),
    }),
});

export const contactsByPhone = defineLoader<SalesforceClient, string, readonly ContactRecord[]>({
  name: 'contactsByPhone',
  maxBatch: MAX_BATCH,
  loadEach: (phones, salesforce) =>
    contactsWhere(
      phones,
      salesforce,
      (list) => `MobilePhone IN (${list}) OR Phone IN (${list}) OR HomePhone IN (${list})`,
      { textsOf: phoneSpellings, held: phonesOf },
    ),
});

/** Records by their ids; null for an unknown id. The records in the response may have any order. */
export async function retrieve<T extends { Id: string }>(
  salesforce: SalesforceClient,
  type: 'Contact' | 'Account',
  record: z.ZodType<T>,
  ids: readonly string[],
  fields: readonly string[],
): Promise<(T | null)[]> {
  const right = [...new Set(ids)].filter(isId);
  if (right.length === 0) return ids.map(() => null);
  const found = await salesforce.post(z.array(record.nullable()), `${API}/composite/sobjects/${type}`, {
    ids: right,
    fields,
  });
  return alignOne(
    ids,
    found.filter((record) => record !== null),
    { source: 'crm-salesforce', keyOf: ({ Id }) => Id },
  );
}

export const contactsById = defineLoader<SalesforceClient, string, readonly ContactRecord[]>({
  name: 'contactsById',
  maxBatch: MAX_COLLECTION,
  load: async (ids, salesforce) => {
    const { org } = salesforce;
    const record = contactWith(org.customerNumberField);
    const contacts = await retrieve(salesforce, 'Contact', record, ids, contactFields(org));
    return contacts.map((contact) => (contact === null ? [] : [toContact(contact)]));
  },
});

/**
 * The newest records of one relation of each contact, in one query for all contacts. One more than `MAX_CHILDREN` shows
 * that a contact has more.
 */
function childrenOf<T extends { Id: string; ContactId: string }, V>(
  contactIds: readonly string[],
  salesforce: SalesforceClient,
  relation: string,
  child: z.ZodType<T>,
  {
    fields,
    newestFirstBy,
    toRecord,
  }: {
    fields: readonly string[];
    newestFirstBy: string;
    toRecord: (found: T) => V | null;
  },
): Promise<readonly V[]>[] {
  const subquery = `SELECT ${fields.join(', ')} FROM ${relation} ORDER BY ${newestFirstBy} DESC, Id DESC LIMIT ${MAX_CHILDREN + 1}`;
  const readPage = async (contactId: string, page: Page<T>): Promise<readonly V[]> => {
    const [records = []] = alignMany([contactId], await restOf(salesforce, child, page), {
      source: 'crm-salesforce',
      keyOf: ({ ContactId }) => ContactId,
      idOf: ({ Id }) => Id,
    });
    return records.map(toRecord).filter((record) => record !== null);
  };
  return runQueries(salesforce, z.object({ Id: id, [relation]: queryPage(child).nullable() }), {
    keys: contactIds,
    chunks: chunksOf(
      contactIds,
      (contactId) => (isId(contactId) ? [contactId] : []),
      (list) => `SELECT Id, (${subquery}) FROM Contact WHERE Id IN (${list})`,
    ),
    read: (keysOfChunk, records) =>
      alignOne(keysOfChunk, records, {
        source: 'crm-salesforce',
        keyOf: ({ Id }) => (typeof Id === 'string' ? Id : []),
      }).map((parent, i) => {
        const page = parent?.[relation];
        return page == null || typeof page === 'string' ? [] : readPage(keysOfChunk[i] ?? '', page);
      }),
    nothing: [],
  });
}

const aboutContact = (contactId: string) => [{ namespace: 'salesforceContactId', value: contactId }];

/** The account that a contact belongs to. It is cached once for each contact, so that it is forgotten with any of them. */
export interface AccountOf {
  accountId: string;
  contactId: string;
}

export const accounts = defineLoader<SalesforceClient, AccountOf, OrganisationRecord | null>({
  name: 'accounts',
  maxBatch: MAX_COLLECTION,
  keyText: ({ accountId, contactId }) => `${accountId} ${contactId}`,
  about: ({ accountId, contactId }) => [{ type: 'Organisation', key: accountId }, ...aboutContact(contactId)],
  load: async (keys, salesforce) => {
    const ids = keys.map(({ accountId }) => accountId);
    const found = await retrieve(salesforce, 'Account', account, ids, Object.keys(account.shape));
    return found.map((account) => account && toOrganisation(account));
  },
});

export const opportunitiesOfContacts = defineLoader<SalesforceClient, string, readonly Opportunity[]>({
  name: 'opportunitiesOfContacts',
  maxBatch: MAX_BATCH,
  about: aboutContact,
  loadEach: (contactIds, salesforce) => {
    const { currency, hasSeveralCurrencies } = salesforce.org;
    const fields = hasSeveralCurrencies ? [...OPPORTUNITY_FIELDS, 'CurrencyIsoCode'] : OPPORTUNITY_FIELDS;
    return childrenOf(contactIds, salesforce, 'OpportunityContactRoles', opportunityRole, {
      fields: ['Id', 'ContactId', 'Role', ...fields.map((field) => `Opportunity.${field}`)],
      newestFirstBy: 'Opportunity.CreatedDate',
      toRecord: (role) => toOpportunity(role, currency),
    });
  },
});

export const casesOfContacts = defineLoader<SalesforceClient, string, readonly SalesforceCase[]>({
  name: 'casesOfContacts',
  maxBatch: MAX_BATCH,
  about: aboutContact,
  loadEach: (contactIds, salesforce) =>
    childrenOf(contactIds, salesforce, 'Cases', supportCase, {
      fields: Object.keys(supportCase.shape),
      newestFirstBy: 'CreatedDate',
      toRecord: toCase,
    }),
});

export const campaignsOfContacts = defineLoader<
  SalesforceClient,
  string,
  readonly CampaignMembershipRecord[]
>({
  name: 'campaignsOfContacts',
  maxBatch: MAX_BATCH,
  about: aboutContact,
  loadEach: (contactIds, salesforce) =>
    childrenOf(contactIds, salesforce, 'CampaignMembers', campaignMember, {
      fields: CAMPAIGN_FIELDS,
      newestFirstBy: 'CreatedDate',
      toRecord: toCampaignMembership,
    }),
});
