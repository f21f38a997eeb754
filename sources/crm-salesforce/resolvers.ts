import { globalId, pageOfSource } from '../../src/index.js';
import { newestOfContacts } from './lists.js';
import { campaignsOfContacts } from './loaders.js';
import type { CampaignMembershipRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';

/** Resolves schema/sources/crm-salesforce.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    campaigns: (customer, page, { load }) =>
      pageOfSource<CampaignMembershipRecord>(
        {
          name: 'Customer.campaigns',
          what: 'campaign memberships',
          positionOf: ({ joinedAt, recordId }) => ({ at: joinedAt, id: recordId }),
          source: {
            name: 'crm-salesforce',
            read: () =>
              newestOfContacts(
                customer,
                (contactId) => load(campaignsOfContacts, contactId),
                ({ joinedAt }) => joinedAt,
              ),
          },
        },
        page,
      ),
  },
  CampaignMembership: {
    id: ({ recordId }) => globalId('CampaignMembership', 'crm-salesforce', recordId),
  },
};
