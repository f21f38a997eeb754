import { bearer, defineSource, idNamespace, rest, setting, urlSetting } from '../../src/index.js';
import {
  companies,
  companiesOfContacts,
  contactsByEmail,
  contactsById,
  deals,
  dealsOfContacts,
} from './loaders.js';
import { resolvers } from './resolvers.js';

export const crmHubspot = defineSource({
  name: 'crm-hubspot',
  connector: rest({
    baseUrl: urlSetting('CRM_HUBSPOT_URL', 'https://api.hubapi.com'),
    auth: bearer(setting('CRM_HUBSPOT_TOKEN')),
    pingPath: '/crm/v3/objects/contacts?limit=1',
  }),
  limits: { timeout: '1 s' },
  namespaces: [
    idNamespace('hubspotContactId', 'The id of the contact in the CRM (HubSpot), a number.', /^\d{1,20}$/),
  ],
  identity: {
    recordKey: 'hubspotContactId',
    askedBy: {
      hubspotContactId: { unique: true, loader: contactsById },
      email: { unique: true, loader: contactsByEmail },
    },
  },
  loaders: [companiesOfContacts, companies, dealsOfContacts, deals],
  resolvers,
});
