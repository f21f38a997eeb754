import { salesforceId } from '../../sources/stand-ins/seed-salesforce.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { splitKeys, peopleWith, type RecordCase } from './record-case.js';
import { below, each, itself, type Place } from './tampering.js';

/** The cases of the two CRMs: see `record-cases.ts`. */

export function hubspotCases(world: World): Record<string, RecordCase> {
  const known = peopleWith(world, 'crm');
  const ids = splitKeys(known.map(({ crm: { contactId } }) => contactId));
  const results = below('results');
  const working = peopleWith(world, 'crm', ({ companyId }) => companyId !== undefined);
  const dealing = peopleWith(world, 'crm', ({ deals }) => deals.length > 0);
  const complaining = world.companies.filter(({ serviceTickets }) => serviceTickets.length > 0);
  const withVat = world.companies.filter(({ vatNumber }) => vatNumber !== undefined);
  const types = [{ id: null, name: null }];
  const anonymous = 'a search returns no associations, so `resolvers.ts` compares with those of the record';
  return {
    'crm-hubspot contactsByEmail': { ...splitKeys(known.map(({ email }) => email)), lists: results },
    'crm-hubspot contactsById': { ...ids, lists: results },
    'crm-hubspot contactsByFacebookUserId': {
      keys: world.people.flatMap(({ crm }) => crm?.facebookUserId ?? []).slice(0, 1),
      others: known.slice(0, 2).map(({ crm: { contactId } }) => contactId),
      othersBy: 'crm-hubspot contactsById',
      lists: results,
    },
    'crm-hubspot consentsOfContacts': {
      ...splitKeys(
        peopleWith(world, 'crm', ({ marketing }) =>
          marketing.choices.some(({ kindId }) => kindId === undefined),
        ).map(({ crm }) => crm.contactId),
      ),
      lists: results,
    },
    'crm-hubspot companiesOfContacts': {
      ...splitKeys(working.map(({ crm }) => crm.contactId)),
      lists: results,
    },
    'crm-hubspot dealsOfContacts': { ...splitKeys(dealing.map(({ crm }) => crm.contactId)), lists: results },
    'crm-hubspot ticketsOfCompanies': { ...splitKeys(complaining.map(({ id }) => id)), lists: results },
    'crm-hubspot companies': {
      ...splitKeys(working.map(({ crm: { contactId, companyId } }) => ({ id: companyId, contactId }))),
      lists: results,
    },
    'crm-hubspot deals': {
      ...splitKeys(dealing.map(({ crm: { contactId, deals } }) => ({ id: deals[0]?.id, contactId }))),
      lists: results,
    },
    'crm-hubspot tickets': {
      ...splitKeys(
        complaining.flatMap(({ serviceTickets }) => serviceTickets.slice(0, 1).map(({ id }) => id)),
      ),
      lists: results,
    },
    'crm-hubspot companiesByKvkNumber': {
      ...splitKeys(world.companies.map(({ kvkNumber }) => kvkNumber)),
      lists: results,
    },
    'crm-hubspot companiesByVatNumber': {
      ...splitKeys(withVat.map(({ vatNumber }) => vatNumber)),
      lists: results,
    },
    'crm-hubspot newestDeals': {
      ...splitKeys(dealing.map(({ crm }) => ({ id: crm.contactId, first: 5, before: null }))),
      lists: results,
      anonymous,
    },
    'crm-hubspot newestTickets': {
      ...splitKeys(complaining.map(({ id }) => ({ id, first: 5, before: null }))),
      lists: results,
      anonymous,
    },
    'crm-hubspot subscriptionTypes': {
      keys: ['contacts'],
      others: [],
      lists: results,
      anonymous: 'all keys have the same list',
    },
    'crm-hubspot subscriptionsOfContacts': {
      ...splitKeys(known.map(({ crm: { contactId } }) => ({ contactId, types }))),
      lists: results,
    },
  };
}

export function salesforceCases(world: World): Record<string, RecordCase> {
  const known = peopleWith(world, 'salesforce');
  const ids = known.map(({ salesforce: { contactId } }) => contactId);
  const records = below('records');
  const childrenOf = (relation: string): Place => each(records, below(relation, 'records'));
  const working = peopleWith(world, 'salesforce', ({ companyId }) => companyId !== undefined);
  const with_ = (fits: (salesforcePart: NonNullable<Person['salesforce']>) => boolean) =>
    splitKeys(peopleWith(world, 'salesforce', fits).map(({ salesforce: { contactId } }) => contactId));
  return {
    'crm-salesforce contactsById': { ...splitKeys(ids), lists: itself },
    'crm-salesforce contactsByEmail': { ...splitKeys(known.map(({ email }) => email)), lists: records },
    'crm-salesforce contactsByPhone': { ...splitKeys(known.map(({ phone }) => phone)), lists: records },
    'crm-salesforce consentsOfContacts': {
      ...with_(({ hasOptedOutOfEmail, doNotCall }) => hasOptedOutOfEmail || doNotCall),
      lists: itself,
    },
    'crm-salesforce accounts': {
      ...splitKeys(
        working.map(({ salesforce: { contactId, companyId } }) => ({
          contactId,
          accountId: salesforceId('account', world.companies.findIndex(({ id }) => id === companyId) + 1),
        })),
      ),
      lists: itself,
    },
    'crm-salesforce opportunitiesOfContacts': {
      ...with_(({ opportunities }) => opportunities.length > 0),
      lists: childrenOf('OpportunityContactRoles'),
    },
    'crm-salesforce casesOfContacts': {
      ...with_(({ cases }) => cases.length > 0),
      lists: childrenOf('Cases'),
    },
    'crm-salesforce campaignsOfContacts': {
      ...with_(({ campaigns }) => campaigns.length > 0),
      lists: childrenOf('CampaignMembers'),
    },
  };
}
