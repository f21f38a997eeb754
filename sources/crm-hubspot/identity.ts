import type { IdentityDeclaration, RestClient } from '../../src/index.js';
import { contactsByEmail, contactsByFacebookUserId, contactsById } from './loaders.js';
import type { ContactRecord } from './mapping.js';

export const identity: IdentityDeclaration<RestClient, ContactRecord> = {
  recordKey: 'hubspotContactId',
  foundBy: {
    hubspotContactId: { uniqueness: 'enforced', loader: contactsById },
    email: { uniqueness: 'enforced', loader: contactsByEmail },
    // Otherwise a customer that is found by it would have another id than a customer that is found by e-mail.
    facebookUserId: { uniqueness: 'enforced', loader: contactsByFacebookUserId },
  },
  // HubSpot has additional addresses beside the primary one. It vouches for no phone number and no name at X.
  yields: {
    email: 'several',
    phone: 'shown',
    customerNumber: 'one',
    xUsername: 'shown',
    facebookUserId: 'one',
  },
};
