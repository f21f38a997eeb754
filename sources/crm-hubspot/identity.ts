import type { IdentityDeclaration, RestClient } from '../../src/index.js';
import { contactSearch } from './contact-search.js';
import { contactsByEmail, contactsByFacebookUserId, contactsById } from './loaders.js';
import type { ContactRecord } from './mapping.js';

export const identity: IdentityDeclaration<RestClient, ContactRecord> = {
  recordKey: 'hubspotContactId',
  foundBy: {
    hubspotContactId: { uniqueness: 'enforced', loader: contactsById },
    email: { uniqueness: 'enforced', loader: contactsByEmail },
    // Links the id to the other identifiers. Without it, a lookup by this id and one by e-mail would give two
    // customer ids.
    facebookUserId: { uniqueness: 'enforced', loader: contactsByFacebookUserId },
  },
  // HubSpot has additional addresses beside the primary one. It does not verify phone numbers or names at X.
  yields: {
    email: 'several',
    phone: 'shown',
    customerNumber: 'one',
    xUsername: 'shown',
    facebookUserId: 'one',
  },
  searches: [contactSearch],
};
