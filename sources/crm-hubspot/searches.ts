import { callEach, defineLoader, pages, uniqueById } from '../../src/index.js';
import type { DealRecord, PartRequest, RestClient, UnsortedItems } from '../../src/index.js';
import { aboutContact, MAX_SEARCH_PAGES } from './loaders.js';
import { DEAL_PROPERTIES, TICKET_PROPERTIES, toDeal, toTicket } from './mapping.js';
import { OBJECTS_API, searchPage, type CrmObject } from './wire.js';

/** A part of the records that are associated with one record, newest first. */
export interface NewestOf extends PartRequest {
  id: string;
}

type Dated = Pick<DealRecord, 'recordId' | 'createdAt'>;

/** A search, for a record with too many associated records to read all of them. One call takes one record. */
const newest = <Found extends Dated>(
  { name, type, of, properties }: { name: string; type: string; of: string; properties: readonly string[] },
  toRecord: (found: CrmObject) => Found,
) =>
  defineLoader<RestClient, NewestOf, UnsortedItems<Found>>({
    name,
    // The position is from a cursor of the client, so it may contain any separator.
    keyText: ({ id, first, before }) => JSON.stringify([id, first, before?.at, before?.id]),
    ...(of === 'contact' && { about: ({ id }: NewestOf) => aboutContact(id) }),
    loadEach: (keys, hubspot) =>
      callEach(
        keys,
        async ({ id, ...request }) => {
          const { items, isComplete } = await pages({
            source: 'crm-hubspot',
            what: `${type} of one ${of}`,
            acceptPart: true,
            maxPages: MAX_SEARCH_PAGES,
            read: (after: string | undefined = '0') =>
              hubspot.post(searchPage, `${OBJECTS_API}/${type}/search`, {
                filterGroups: [{ filters: filtersOf(`associations.${of}`, id, request) }],
                sorts: [{ propertyName: 'createdate', direction: 'DESCENDING' }],
                properties,
                limit: request.first + EXTRA_SEARCH_RESULTS,
                after,
              }),
            items: ({ results }) => results.map(toRecord),
            next: ({ paging }) => paging?.next?.after,
            isEnough: (read) => isBeyond(read, request),
          });
          const oldest = items.at(-1)?.createdAt ?? EARLIEST;
          return {
            items: uniqueById(items, ({ recordId }) => recordId),
            readBackTo: isComplete ? [] : [oldest],
          };
        },
        // Searches have a separate low limit, and few records have this many associated ones.
        { atOnce: 1 },
      ),
  });

/**
 * The number of additional results: the one at the position, and one that is older than the last requested
 * one.
 */
const EXTRA_SEARCH_RESULTS = 2;
/** Replaces the missing time of a record. */
const EARLIEST = '1970-01-01T00:00:00.000Z';

function filtersOf(association: string, id: string, { before }: PartRequest): object[] {
  const ofRecord = { propertyName: association, operator: 'EQ', value: id };
  if (before === null) return [ofRecord];
  // A search compares milliseconds, so it also finds records of the same time. The merged list drops them.
  const value = String(Date.parse(before.at));
  return [ofRecord, { propertyName: 'createdate', operator: 'LTE', value }];
}

/**
 * Whether the requested records and an older one were read. HubSpot has no order for records with the same
 * time.
 */
function isBeyond(read: readonly Dated[], { first, before }: PartRequest): boolean {
  const momentOf = ({ createdAt }: Dated): number => Date.parse(createdAt ?? EARLIEST);
  const requested = read.filter(
    (item) =>
      before === null ||
      momentOf(item) < Date.parse(before.at) ||
      (momentOf(item) === Date.parse(before.at) && item.recordId < before.id),
  );
  const last = requested[first - 1];
  const oldest = read.at(-1);
  return last !== undefined && oldest !== undefined && momentOf(oldest) < momentOf(last);
}

export const newestDeals = newest(
  { name: 'newestDeals', type: 'deals', of: 'contact', properties: DEAL_PROPERTIES },
  toDeal,
);
export const newestTickets = newest(
  { name: 'newestTickets', type: 'tickets', of: 'company', properties: TICKET_PROPERTIES },
  toTicket,
);
