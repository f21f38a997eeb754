import type { IdentityDeclaration, RestClient } from '../../src/index.js';
import { usersByEmail, usersById } from './loaders.js';
import type { UserRecord } from './mapping.js';
import { searches } from './search.js';

export const identity: IdentityDeclaration<RestClient, UserRecord> = {
  recordKey: 'zendeskUserId',
  foundBy: {
    zendeskUserId: { uniqueness: 'enforced', loader: usersById },
    email: { uniqueness: 'enforced', loader: usersByEmail },
  },
  // Zendesk does not verify phone numbers, and users may share one.
  yields: { email: 'one', phone: 'shown' },
  searches,
};
