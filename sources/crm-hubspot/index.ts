import { bearer, defineSource, idNamespace, rest, secretSetting, urlSetting } from '../../src/index.js';
import { crmCompanies } from './companies.js';
import { conditions } from './conditions.js';
import { consents } from './consents.js';
import { deals as dealsOfCustomers } from './deals.js';
import { identity } from './identity.js';
import {
  companies,
  companiesByKvkNumber,
  companiesByVatNumber,
  companiesOfContacts,
  deals,
  dealsOfContacts,
  subscriptionsOfContacts,
  subscriptionTypes,
  tickets,
  ticketsOfCompanies,
} from './loaders.js';
import { resolvers } from './resolvers.js';
import { newestDeals, newestTickets } from './searches.js';
import { webhook } from './webhook.js';
import { OBJECTS_API } from './wire.js';

const contactId = idNamespace(
  'hubspotContactId',
  'The id of the contact in the CRM (HubSpot), a number.',
  /^[1-9]\d{0,18}$/,
);

/** HubSpot's ids have 64 bits. HubSpot refuses the whole batch if one id is larger. */
const LARGEST_ID = 2n ** 63n - 1n;

export const crmHubspot = defineSource({
  name: 'crm-hubspot',
  connector: rest({
    baseUrl: urlSetting('CRM_HUBSPOT_URL', 'https://api.hubapi.com'),
    auth: bearer(secretSetting('CRM_HUBSPOT_TOKEN')),
    pingPath: `${OBJECTS_API}/contacts?limit=1`,
    readRateLimits: (headers) => {
      const remaining = headers['x-hubspot-ratelimit-remaining'];
      return typeof remaining === 'string' && /^\d{1,10}$/.test(remaining)
        ? { remaining: Number(remaining) }
        : undefined;
    },
  }),
  limits: { timeout: '1 s' },
  namespaces: [
    {
      ...contactId,
      normalise: (value) => {
        const id = contactId.normalise(value);
        return id !== null && BigInt(id) <= LARGEST_ID ? id : null;
      },
    },
  ],
  identity,
  conditions,
  consents,
  deals: dealsOfCustomers,
  companies: crmCompanies,
  webhook,
  loaders: [
    companiesOfContacts,
    companies,
    companiesByKvkNumber,
    companiesByVatNumber,
    dealsOfContacts,
    deals,
    newestDeals,
    ticketsOfCompanies,
    tickets,
    newestTickets,
    subscriptionTypes,
    subscriptionsOfContacts,
  ],
  resolvers,
});
