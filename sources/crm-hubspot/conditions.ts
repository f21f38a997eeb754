import { defineLoader, type AnyCondition, type RestClient } from '../../src/index.js';
import { identity } from './identity.js';
import { OBJECTS_API, searchPage } from './wire.js';

/** Contacts on a page of a search at most. */
const MAX_PAGE_SIZE = 200;

interface ContactsRequest {
  stages: readonly string[];
  after: string | null;
  limit: number;
}

/** Each page is a search of its own, behind the last id. So the limit of 10,000 results for a search does not apply. */
function searchContacts({ stages, after, limit }: ContactsRequest, hubspot: RestClient) {
  return hubspot.post(searchPage, `${OBJECTS_API}/contacts/search`, {
    filterGroups: [
      {
        filters: [
          { propertyName: 'lifecyclestage', operator: 'IN', values: stages },
          ...(after === null ? [] : [{ propertyName: 'hs_object_id', operator: 'GT', value: after }]),
        ],
      },
    ],
    sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
    properties: ['hs_object_id'],
    limit,
  });
}

export const conditions: readonly AnyCondition<RestClient>[] = [
  {
    name: 'lifecycleStage',
    description:
      "The stage of the customer's relation to us, in the words of the CRM. A customer without a stage meets no comparison. Source: the CRM.",
    type: 'TEXT',
    shownBy: 'Customer.lifecycleStage',
    withoutValue: 'FALSE',
    read: async (customer) => (await customer.record(identity))?.lifecycleStage ?? null,
    list: {
      maxPerCall: MAX_PAGE_SIZE,
      loader: defineLoader({
        name: 'lifecycleStageList',
        load: (requests, hubspot) =>
          Promise.all(
            requests.map(async ({ comparison, after, first }) => {
              const { results, paging } = await searchContacts(
                { stages: comparison.in, after, limit: first },
                hubspot,
              );
              return { recordIds: results.map(({ id }) => id), hasMore: paging?.next != null };
            }),
          ),
      }),
      count: defineLoader({
        name: 'lifecycleStageCount',
        load: (comparisons, hubspot) =>
          Promise.all(
            comparisons.map(async (comparison) => {
              const { total } = await searchContacts(
                { stages: comparison.in, after: null, limit: 1 },
                hubspot,
              );
              return total ?? Infinity;
            }),
          ),
      }),
    },
  },
];
