import {
  alignOne,
  defineLoader,
  SourceContractError,
  type ConsentDeclaration,
  type ConsentStatement,
  type RestClient,
} from '../../src/index.js';
import { MAX_HISTORY_BATCH } from './loaders.js';
import { ALL_MARKETING, optOutProperty, toConsents } from './mapping.js';
import { historyRead, OBJECTS_API } from './wire.js';

const OPT_OUT = optOutProperty(ALL_MARKETING);

/** Not `subscriptionsOfContacts`: that is kept as other answers are, and asks for each kind of mail. */
const consentsOfContacts = defineLoader<RestClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfContacts',
  maxBatch: MAX_HISTORY_BATCH,
  load: async (contactIds, hubspot) => {
    const { results } = await hubspot.post(historyRead, `${OBJECTS_API}/contacts/batch/read`, {
      inputs: contactIds.map((id) => ({ id })),
      properties: [OPT_OUT],
      propertiesWithHistory: [OPT_OUT],
    });
    return alignOne(contactIds, results, ({ id }) => id).map((contact) => {
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
