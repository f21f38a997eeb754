import {
  anyOf,
  basic,
  bearer,
  defineSource,
  idNamespace,
  rest,
  secretSetting,
  setting,
  urlSetting,
} from '../../src/index.js';
import { conditions } from './conditions.js';
import { identity } from './identity.js';
import { commentsOfTickets, organisationsOfUsers, ticketsCopiedToUsers, ticketsOfUsers } from './loaders.js';
import { organisations } from './organisations.js';
import { resolvers } from './resolvers.js';
import { tickets } from './tickets.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';

export const contactCentre = defineSource({
  name: 'contact-centre',
  connector: rest({
    baseUrl: urlSetting('CONTACT_CENTRE_URL', 'https://example.zendesk.com'),
    auth: anyOf(
      bearer(secretSetting('CONTACT_CENTRE_ACCESS_TOKEN')),
      basic(setting('CONTACT_CENTRE_EMAIL'), secretSetting('CONTACT_CENTRE_API_TOKEN'), '/token'),
    ),
    pingPath: '/api/v2/users/show_many?ids=1',
  }),
  limits: { timeout: '1 s' },
  namespaces: [
    idNamespace(
      'zendeskUserId',
      'The id of the customer in the contact centre (Zendesk), a number.',
      /^[1-9]\d{0,14}$/,
    ),
  ],
  identity,
  timeline,
  tickets,
  conditions,
  organisations,
  webhook,
  loaders: [ticketsOfUsers, ticketsCopiedToUsers, commentsOfTickets, organisationsOfUsers],
  resolvers,
});
