import {
  alignMany,
  defineLoader,
  pathPart,
  SourceContractError,
  type CustomerRecord,
  type RestClient,
} from '../../src/index.js';
import { toComment, toCustomer, toTicket, type TicketRecord } from './mapping.js';
import type { TicketComment } from './schema.generated.js';
import { commentsPage, ticketsPage, usersPage, type Ticket, type User } from './wire.js';

/** Who somebody is changes seldom; asking it anew for every page view would cost a round before anything else. */
const IDENTITY_FRESHNESS = { maxAge: '1 minute' } as const;

/** `show_many` takes at most 100 ids, and a search gives at most 100 users a page. */
const MAX_BATCH = 100;
/** A search gives no more than 1,000 users: https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/ */
const MAX_USER_PAGES = 10;
/** The export gives up to 1,000 tickets a page; that many pages for one batch is more than anybody will wait for. */
const TICKETS_A_PAGE = 1_000;
const MAX_TICKET_PAGES = 5;

export const usersByEmail = defineLoader<RestClient, string, readonly CustomerRecord[]>({
  name: 'usersByEmail',
  maxBatch: MAX_BATCH,
  freshness: IDENTITY_FRESHNESS,
  load: async (emails, zendesk) => {
    // Terms of one property are alternatives. The search also finds what only looks like the address, so what comes
    // is matched exactly below.
    // A quote would end its term.
    const query = emails.map((email) => `email:"${email.replaceAll('"', '')}"`).join(' ');
    const users: User[] = [];
    let page = there(await zendesk.get(usersPage, '/api/v2/users/search', { query, per_page: 100 }));
    for (let read = 1; ; read += 1) {
      users.push(...page.users);
      if (page.next_page == null || read === MAX_USER_PAGES) break;
      page = await zendesk.follow(usersPage, page.next_page);
    }
    const isWhole = page.next_page == null;
    return alignMany(emails, users, (user) => user.email?.toLowerCase() ?? '').map((own) =>
      // Whom the pages that were not read would have told of cannot be said to be unknown.
      own.length === 0 && !isWhole
        ? new SourceContractError(
            'contact-centre',
            'contact-centre finds more users like these than can be read.',
          )
        : own.map(toCustomer),
    );
  },
});

export const usersById = defineLoader<RestClient, string, readonly CustomerRecord[]>({
  name: 'usersById',
  maxBatch: MAX_BATCH,
  freshness: IDENTITY_FRESHNESS,
  load: async (ids, zendesk) => {
    const page = there(await zendesk.get(usersPage, '/api/v2/users/show_many', { ids: ids.join(',') }));
    return alignMany(ids, page.users, (user) => String(user.id)).map((own) => own.map(toCustomer));
  },
});

/** A search is always there: when it is not, the address is none of a Zendesk, which is no answer about anybody. */
function there<T>(page: T | null): T {
  if (page === null)
    throw new SourceContractError(
      'contact-centre',
      'contact-centre has no Zendesk at the address it is set to.',
    );
  return page;
}

/** The tickets that a user asked for, newest first. */
export interface TicketsOf {
  userId: string;
  first: number;
}

export const ticketsOfUsers = defineLoader<RestClient, TicketsOf, readonly TicketRecord[]>({
  name: 'ticketsOfUsers',
  maxBatch: MAX_BATCH,
  keyText: ({ userId, first }) => `${userId} ${first}`,
  load: async (keys, zendesk) => {
    const query = [...new Set(keys.map(({ userId }) => userId))].map((id) => `requester:${id}`).join(' ');
    const tickets: Ticket[] = [];
    let page = there(
      await zendesk.get(ticketsPage, '/api/v2/search/export', {
        query,
        'filter[type]': 'ticket',
        'page[size]': TICKETS_A_PAGE,
      }),
    );
    for (let read = 1; ; read += 1) {
      tickets.push(...page.results);
      if (!page.meta.has_more || page.links.next == null) break;
      // The export promises an order by created_at but not its direction, so no page can be left out.
      if (read === MAX_TICKET_PAGES)
        throw new SourceContractError(
          'contact-centre',
          'contact-centre holds more tickets than can be read at once.',
        );
      page = await zendesk.follow(ticketsPage, page.links.next);
    }
    const records = tickets
      .map(toTicket)
      .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id));
    const owners = keys.map(({ userId }) => userId);
    return alignMany(owners, records, ({ requesterId }) => requesterId).map((own, i) =>
      own.slice(0, keys[i]?.first),
    );
  },
});

/** The first comments of one ticket. */
export interface CommentsOf {
  ticketId: string;
  requesterId: string;
  first: number;
}

/** There is no way to ask for the comments of several tickets at once, so these are calls side by side. */
export const commentsOfTickets = defineLoader<RestClient, CommentsOf, readonly TicketComment[]>({
  name: 'commentsOfTickets',
  keyText: ({ ticketId, first }) => `${ticketId} ${first}`,
  load: (keys, zendesk) =>
    Promise.all(
      keys.map(async ({ ticketId, requesterId, first }) => {
        try {
          const path = `/api/v2/tickets/${pathPart(ticketId)}/comments`;
          const page = await zendesk.get(commentsPage, path, { 'page[size]': first, sort: 'created_at' });
          return (page?.comments ?? []).map((comment) => toComment(comment, requesterId));
        } catch (error) {
          if (error instanceof Error) return error;
          throw error;
        }
      }),
    ),
});
