import {
  defineLoader,
  pages,
  type AnyCondition,
  type RestClient,
  type TicketComparison,
} from '../../src/index.js';
import { nextLinkOf, requirePage, ticketsOfUsers, TICKETS_PER_PAGE } from './loaders.js';
import { STATUS } from './mapping.js';
import { ticketsOf } from './tickets.js';
import { searchCount, ticketRequesters } from './wire.js';

/** More pages would take longer than a request may. */
const MAX_PAGES = 10;

/** A search compares whole seconds: the bounds are widened to them. */
function secondOf(moment: string, round: (seconds: number) => number): string {
  return new Date(round(Date.parse(moment) / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}

/** The search of the tickets, without their type. Terms of one property are alternatives. Null: no ticket can be like this. */
function queryOf({ status, isOpen, createdAt: { since, before } = {} }: TicketComparison): string | null {
  const isRequested = (value: keyof typeof STATUS): boolean =>
    (status === undefined || status.includes(STATUS[value])) &&
    (isOpen === undefined || isOpen === (value !== 'solved' && value !== 'closed'));
  const values = (['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const).filter(isRequested);
  if (values.length === 0) return null;
  return [
    ...values.map((value) => `status:${value}`),
    ...(since === undefined ? [] : [`created>=${secondOf(since, Math.floor)}`]),
    ...(before === undefined ? [] : [`created<${secondOf(before, Math.ceil)}`]),
  ].join(' ');
}

export const conditions: readonly AnyCondition<RestClient>[] = [
  {
    name: 'tickets',
    description:
      'The tickets of the customer in all systems with tickets, as `Customer.tickets` shows them. A new ticket of the contact centre can take some minutes to count.',
    type: 'TICKETS',
    shownBy: 'Customer.tickets',
    loaders: [ticketsOfUsers],
    read: ticketsOf,
    list: {
      refusal: ({ some }) =>
        some === undefined
          ? 'customers without such tickets are not all in the contact centre. Give "some".'
          : undefined,
      maxPerCall: TICKETS_PER_PAGE,
      loader: defineLoader({
        name: 'ticketsList',
        callsPerBatch: MAX_PAGES,
        load: (requests, zendesk) =>
          Promise.all(
            requests.map(async ({ comparison: { some = {} }, after, first }) => {
              const query = queryOf(some);
              if (query === null) return { recordIds: [], hasMore: false };
              // The export has tickets, in an order that is not documented. So all of them are read, and their requesters sorted.
              const { items } = await pages({
                source: 'contact-centre',
                what: 'tickets of a condition',
                maxPages: MAX_PAGES,
                read: async (link: string | undefined) =>
                  link === undefined
                    ? requirePage(
                        await zendesk.get(ticketRequesters, '/api/v2/search/export', {
                          query,
                          'filter[type]': 'ticket',
                          'page[size]': TICKETS_PER_PAGE,
                        }),
                      )
                    : zendesk.follow(ticketRequesters, link),
                items: ({ results }) => results,
                next: nextLinkOf,
              });
              const requesters = [...new Set(items.map(({ requester_id }) => requester_id))]
                .filter((id) => after === null || id > Number(after))
                .sort((a, b) => a - b);
              return {
                recordIds: requesters.slice(0, first).map(String),
                hasMore: requesters.length > first,
              };
            }),
          ),
      }),
      count: defineLoader({
        name: 'ticketsCount',
        load: (comparisons, zendesk) =>
          Promise.all(
            comparisons.map(async ({ some = {} }) => {
              const query = queryOf(some);
              if (query === null) return 0;
              const answer = await zendesk.get(searchCount, '/api/v2/search/count', {
                query: `type:ticket ${query}`,
              });
              return requirePage(answer).count;
            }),
          ),
      }),
    },
  },
];
