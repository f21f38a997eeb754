import { z } from 'zod';
import {
  bearer,
  defineSource,
  settingOnly,
  rest,
  secretSetting,
  setting,
  several,
  urlSetting,
} from '../../src/index.js';
import { newestMentions, olderMentions, profiles } from './loaders.js';
import { resolvers } from './resolvers.js';
import { webhook } from './webhook.js';

export const x = defineSource({
  name: 'x',
  connector: several({
    api: rest({
      baseUrl: urlSetting('X_URL', 'https://api.x.com'),
      auth: bearer(secretSetting('X_BEARER_TOKEN')),
      pingPath: '/2/users/by?usernames=x',
      // A look counts as any other call.
      pingHolds: '15 minutes',
      // Paid for beforehand: when that is used up, it is our operator who must act.
      readErrorKind: (status) => (status === 402 ? 'forbidden' : undefined),
    }),
    organisation: settingOnly(
      setting(
        'X_ORGANISATION',
        z.string().regex(/^\w{1,15}$/),
        'the username of our own account on X, without @',
      ),
    ),
  }),
  freshness: { maxAge: '15 minutes', staleIfError: '1 hour' },
  limits: {
    timeout: '2 s',
    // An app may make 300 calls of /2/users/by and 450 searches in 15 minutes
    // (xdevplatform/docs, x-api/fundamentals/rate-limits.mdx), these two together no more than that.
    rate: { calls: 200, per: '15 minutes', burst: 100 },
  },
  // Other systems hold it; X itself does not say who somebody is.
  heldIdentifiers: ['xUsername'],
  webhook,
  loaders: [profiles, newestMentions, olderMentions],
  resolvers,
});
