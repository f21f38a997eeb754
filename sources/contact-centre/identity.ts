import type { IdentityDeclaration, RestClient } from '../../src/index.js';
import { usersByEmail, usersById } from './loaders.js';
import type { UserRecord } from './mapping.js';

export const identity: IdentityDeclaration<RestClient, UserRecord> = {
  recordKey: 'zendeskUserId',
  foundBy: {
    zendeskUserId: { uniqueness: 'enforced', loader: usersById },
    email: { uniqueness: 'enforced', loader: usersByEmail },
  },
  // Zendesk verifies no phone number, and lets users share one.
  yields: { email: 'one', phone: 'shown' },
};
