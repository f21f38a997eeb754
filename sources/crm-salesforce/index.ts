import { defineSource } from '../../src/index.js';
import { salesforce } from './client.js';
import { conditions } from './conditions.js';
import { consents } from './consents.js';
import { normaliseContactId } from './contact-id.js';
import { identity } from './identity.js';
import { deals, organisations, tickets } from './lists.js';
import { accounts, campaignsOfContacts, casesOfContacts, opportunitiesOfContacts } from './loaders.js';
import { resolvers } from './resolvers.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';

export const crmSalesforce = defineSource({
  name: 'crm-salesforce',
  connector: salesforce,
  // Salesforce allows 25 concurrent calls of 20 seconds or longer, and any number of shorter ones. Its limit for 24 hours
  // depends on edition and licences (100,000 and more); its answers say how many calls remain (client.ts).
  limits: { timeout: '1 s' },
  namespaces: [
    {
      name: 'salesforceContactId',
      description:
        'The id of the contact in Salesforce: 15 case-sensitive characters, or 18. It begins with 003.',
      normalise: normaliseContactId,
    },
  ],
  identity,
  timeline,
  tickets,
  deals,
  organisations,
  conditions,
  consents,
  webhook,
  loaders: [accounts, opportunitiesOfContacts, casesOfContacts, campaignsOfContacts],
  resolvers,
});
