import { defineLoader, type ConsentDeclaration, type ConsentStatement } from '../../src/index.js';
import type { SalesforceClient } from './client.js';
import { MAX_COLLECTION, retrieve } from './loaders.js';
import { toConsents } from './mapping.js';
import { optOuts } from './wire.js';

/** Does not use `contactsById`, because identity is cached for longer than consent. */
const consentsOfContacts = defineLoader<SalesforceClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfContacts',
  maxBatch: MAX_COLLECTION,
  load: async (contactIds, salesforce) => {
    const fields = ['Id', 'HasOptedOutOfEmail', 'DoNotCall'];
    const contacts = await retrieve(salesforce, 'Contact', optOuts, contactIds, fields);
    return contacts.map((contact) => (contact === null ? [] : toConsents(contact)));
  },
});

export const consents: ConsentDeclaration<SalesforceClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfContacts,
};
