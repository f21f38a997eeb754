import { z } from 'zod';
import {
  bearer,
  defineSource,
  settingOnly,
  rest,
  secretSetting,
  setting,
  combineConnectors,
  urlSetting,
} from '../../src/index.js';
import { newestMentions, olderMentions, profiles } from './loaders.js';
import { resolvers } from './resolvers.js';
import { webhook } from './webhook.js';

export const x = defineSource({
  name: 'x',
  connector: combineConnectors({
    api: rest({
      baseUrl: urlSetting('X_URL', 'https://api.x.com'),
      auth: bearer(secretSetting('X_BEARER_TOKEN')),
      pingPath: '/2/users/by?usernames=x',
      // A health check counts as a call.
      pingHolds: '15 minutes',
      // The paid calls are used up: the operator must act.
      readErrorKind: (status) => (status === 402 ? 'forbidden' : undefined),
    }),
    organisation: settingOnly(
      setting(
        'X_ORGANISATION',
        z.string().regex(/^\w{1,15}$/),
        "the username of the organisation's account on X, without @",
      ),
    ),
  }),
  freshness: { maxAge: '15 minutes', staleIfError: '1 hour' },
  limits: {
    timeout: '2 s',
    // An app may make 300 calls of /2/users/by and 450 searches in 15 minutes
    // (xdevplatform/docs, x-api/fundamentals/rate-limits.mdx). Both kinds together stay below that.
    rate: { calls: 200, per: '15 minutes', burst: 100 },
  },
  // Other systems hold the username. X itself does not identify customers.
  heldIdentifiers: ['xUsername'],
  webhook,
  loaders: [profiles, newestMentions, olderMentions],
  resolvers,
});
