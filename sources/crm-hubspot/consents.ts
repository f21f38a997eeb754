import { defineLoader, SourceContractError } from '../../src/index.js';
import type { ConsentDeclaration, ConsentStatement, Context, Customer, RestClient } from '../../src/index.js';
import { identity } from './identity.js';
import { MAX_HISTORY_BATCH, readHistory, subscriptionsOfContacts, subscriptionTypes } from './loaders.js';
import {
  ALL_MARKETING,
  optOutProperty,
  toConsent,
  toConsents,
  type ContactRecord,
  type Subscription,
} from './mapping.js';

const OPT_OUT = optOutProperty(ALL_MARKETING);

/** Not `subscriptionsOfContacts`: that one is cached like other data, and reads each kind of mail. */
const consentsOfContacts = defineLoader<RestClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfContacts',
  maxBatch: MAX_HISTORY_BATCH,
  load: async (contactIds, hubspot) => {
    const contacts = await readHistory(hubspot, contactIds, [OPT_OUT]);
    return contacts.map((contact) => {
      if (contact === null) return [];
      // HubSpot leaves out a property that the account does not have, or that the app may not read.
      return contact.properties[OPT_OUT] === undefined
        ? new SourceContractError(
            'crm-hubspot',
            `crm-hubspot returned contacts without ${OPT_OUT}. Allow the app to read this property.`,
          )
        : toConsents(contact);
    });
  },
});

export const consents: ConsentDeclaration<RestClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfContacts,
  notesOf: async (customer, context) => {
    const [subscriptions, contacts] = await Promise.all([
      subscriptionsOf(customer, context),
      customer.records(identity),
    ]);
    const isOptedOutOfAll = subscriptions.some(({ type, isOptedOut }) => type.id === null && isOptedOut);
    return [
      // `ofRecord` already includes the opt-out of all mail.
      ...subscriptions.filter(({ type }) => type.id !== null || !isOptedOutOfAll).map(toConsent),
      ...notesOfContacts(contacts),
    ];
  },
};

/** The subscriptions of a customer, one for each kind of mail: all marketing mail first, then each kind by its name. */
async function subscriptionsOf(customer: Customer, { load }: Context): Promise<Subscription[]> {
  const contactIds = await customer.identifiers('hubspotContactId');
  if (contactIds.length === 0) return [];
  const types = await load(subscriptionTypes, 'contacts');
  const found = (
    await Promise.all(contactIds.map((contactId) => load(subscriptionsOfContacts, { contactId, types })))
  ).flat();
  return types.flatMap(({ id }) => strictest(found.filter(({ type }) => type.id === id)));
}

/** The opt-out, if one of several contacts has one; otherwise the latest change. */
function strictest(sameKind: readonly Subscription[]): Subscription[] {
  return sameKind
    .toSorted(
      (a, b) =>
        Number(b.isOptedOut) - Number(a.isOptedOut) || (b.changedAt ?? '').localeCompare(a.changedAt ?? ''),
    )
    .slice(0, 1);
}

/** Settings of our organisation about the contact. They are not consent, so their status is UNKNOWN. */
function notesOfContacts(contacts: readonly ContactRecord[]): ConsentStatement[] {
  const flags = contacts.map(({ isMarketingContact }) => isMarketingContact).filter((flag) => flag !== null);
  const bases = [...new Set(contacts.flatMap(({ legalBases }) => legalBases))];
  const evidence = [
    ...(flags.length === 0 ? [] : [`hs_marketable_status: ${flags.includes(true)}`]),
    ...(bases.length === 0 ? [] : [`hs_legal_basis: ${bases.join('; ')}`]),
  ];
  return evidence.map((words) => ({ purpose: 'MARKETING', status: 'UNKNOWN', evidence: words }));
}
