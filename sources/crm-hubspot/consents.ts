import {
  defineLoader,
  SourceContractError,
  type ConsentDeclaration,
  type ConsentStatement,
  type RestClient,
} from '../../src/index.js';
import { MAX_HISTORY_BATCH, readHistory } from './loaders.js';
import { ALL_MARKETING, optOutProperty, toConsents } from './mapping.js';

const OPT_OUT = optOutProperty(ALL_MARKETING);

/** Not `subscriptionsOfContacts`: that is kept as other answers are, and asks for each kind of mail. */
const consentsOfContacts = defineLoader<RestClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfContacts',
  maxBatch: MAX_HISTORY_BATCH,
  load: async (contactIds, hubspot) => {
    const contacts = await readHistory(hubspot, contactIds, [OPT_OUT]);
    return contacts.map((contact) => {
      if (contact === null) return [];
      // HubSpot leaves out what the account does not have or the app may not see: that is no answer.
      return contact.properties[OPT_OUT] === undefined
        ? new SourceContractError('crm-hubspot', `crm-hubspot does not tell ${OPT_OUT} of its contacts.`)
        : toConsents(contact);
    });
  },
});

export const consents: ConsentDeclaration<RestClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfContacts,
};
