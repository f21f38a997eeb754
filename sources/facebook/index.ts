import { z } from 'zod';
import {
  defineSource,
  settingOnly,
  rest,
  secretSetting,
  setting,
  combineConnectors,
  urlSetting,
} from '../../src/index.js';
import { pageToken } from './auth.js';
import { readErrorKind, readRateLimits } from './errors.js';
import { conversationPages, formSubmissions, messagePages, usersById } from './loaders.js';
import { resolvers } from './resolvers.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';

export const facebook = defineSource({
  name: 'facebook',
  connector: combineConnectors({
    graph: rest({
      baseUrl: urlSetting('FACEBOOK_URL', 'https://graph.facebook.com/v23.0'),
      auth: pageToken(secretSetting('FACEBOOK_PAGE_TOKEN'), secretSetting('FACEBOOK_APP_SECRET')),
      pingPath: '/me?fields=id',
      readErrorKind,
      readRateLimits,
    }),
    page: settingOnly(
      setting('FACEBOOK_PAGE_ID', z.string().regex(/^\d{1,20}$/), 'the id of the page, a number'),
    ),
  }),
  // A batch is as slow as its slowest request. Meta's limit depends on how many people the page reaches, and each request of a
  // batch counts. So the limit is not known beforehand: Meta reports when it is reached.
  limits: { timeout: '3 s', concurrency: 6 },
  identity: {
    recordKey: 'facebookUserId',
    foundBy: { facebookUserId: { uniqueness: 'enforced', loader: usersById } },
    // Meta does not show e-mail addresses or phone numbers to a page.
    yields: {},
  },
  timeline,
  webhook,
  loaders: [conversationPages, messagePages, formSubmissions],
  resolvers,
});
