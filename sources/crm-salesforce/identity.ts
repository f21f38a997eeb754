import type { IdentityDeclaration } from '../../src/index.js';
import type { SalesforceClient } from './client.js';
import { contactSearch } from './contact-search.js';
import { contactsByEmail, contactsById, contactsByPhone } from './loaders.js';
import { isSameCustomer, type ContactRecord } from './mapping.js';

export const identity: IdentityDeclaration<SalesforceClient, ContactRecord> = {
  recordKey: 'salesforceContactId',
  foundBy: {
    salesforceContactId: { uniqueness: 'enforced', loader: contactsById },
    // Salesforce can be configured to warn of duplicates, and stores them anyway.
    email: { uniqueness: 'usual', loader: contactsByEmail },
    // Colleagues share the number of their firm.
    phone: { uniqueness: 'none', loader: contactsByPhone },
  },
  yields: { email: 'one', phone: 'shown', customerNumber: 'one' },
  searches: [contactSearch],
  sameCustomer: isSameCustomer,
};
