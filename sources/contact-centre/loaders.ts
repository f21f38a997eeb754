import {
  alignMany,
  alignOne,
  callEach,
  connectionOfEdges,
  decodeCursor,
  defineLoader,
  encodeCursor,
  invalidCursor,
  pages,
  pathPart,
  SourceContractError,
  tooMany,
  uniqueById,
} from '../../src/index.js';
import type { ListConnection, OrganisationRecord, RestClient, TicketCommentRecord } from '../../src/index.js';
import {
  toComment,
  toCustomer,
  toOrganisation,
  toTicket,
  type UserRecord,
  type ZendeskTicket,
} from './mapping.js';
import { commentsPage, organizationsPage, ticketsPage, usersPage, type CursorPage } from './wire.js';

const ZENDESK = { source: 'contact-centre' } as const;
const SIMILAR_USERS = 'users with a similar address';

/** `show_many` takes at most 100 ids, and a search returns at most 100 users a page. */
const MAX_BATCH = 100;
/** A search returns no more than 1,000 users: https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/ */
const MAX_USER_PAGES = 10;
/** The export returns at most this many tickets a page. */
export const TICKETS_PER_PAGE = 1_000;
/** More pages for one batch would take longer than the deadline of a request. */
const MAX_TICKET_PAGES = 5;
/** Notes between agents are dropped after they are read, so this many more comments are requested. Zendesk returns at most 100 a page. */
const EXTRA_NOTES_PER_PAGE = 20;
const MAX_COMMENT_PAGES = 5;
/** Comments take a call for each ticket, and Zendesk limits the calls of a minute. */
const MAX_COMMENT_CALLS = 8;

export const usersByEmail = defineLoader<RestClient, string, readonly UserRecord[]>({
  name: 'usersByEmail',
  maxBatch: MAX_BATCH,
  load: async (emails, zendesk) => {
    // Terms of one property are alternatives. The search also finds similar addresses, so the results are matched
    // exactly below. A quote would end its term, so quotes are removed.
    const query = emails.map((email) => `email:"${email.replaceAll('"', '')}"`).join(' ');
    const { items: users, isComplete } = await pages({
      ...ZENDESK,
      what: SIMILAR_USERS,
      acceptPart: true,
      maxPages: MAX_USER_PAGES,
      read: async (link: string | undefined) =>
        link === undefined
          ? requirePage(await zendesk.get(usersPage, '/api/v2/users/search', { query, per_page: 100 }))
          : zendesk.follow(usersPage, link),
      items: (page) => page.users,
      next: (page) => page.next_page,
    });
    return alignMany(emails, users, {
      source: 'contact-centre',
      keyOf: (user) => user.email?.toLowerCase() ?? [],
      idOf: ({ id }) => id,
      matching: 'loose',
    }).map((found) =>
      // A user on a page that was not read is not unknown.
      found.length === 0 && !isComplete ? tooMany('contact-centre', SIMILAR_USERS) : found.map(toCustomer),
    );
  },
});

export const usersById = defineLoader<RestClient, string, readonly UserRecord[]>({
  name: 'usersById',
  maxBatch: MAX_BATCH,
  load: async (ids, zendesk) => {
    const page = requirePage(await zendesk.get(usersPage, '/api/v2/users/show_many', { ids: ids.join(',') }));
    return alignMany(ids, page.users, {
      source: 'contact-centre',
      keyOf: ({ id }) => String(id),
      idOf: ({ id }) => id,
    }).map((found) => found.map(toCustomer));
  },
});

/** The organisation of a user. It is cached once for each user, so that it is forgotten with any of them. */
export interface OrganisationOf {
  id: string;
  userId: string;
}

export const organisationsOfUsers = defineLoader<RestClient, OrganisationOf, OrganisationRecord | null>({
  name: 'organisations',
  maxBatch: MAX_BATCH,
  keyText: ({ id, userId }) => `${id} ${userId}`,
  about: ({ id, userId }) => [{ type: 'Organisation', key: id }, ...aboutUsers([userId])],
  freshness: { maxAge: '1 minute' },
  load: async (keys, zendesk) => {
    const ids = keys.map(({ id }) => id);
    const page = requirePage(
      await zendesk.get(organizationsPage, '/api/v2/organizations/show_many', {
        ids: [...new Set(ids)].join(','),
      }),
    );
    return alignOne(ids, page.organizations.map(toOrganisation), {
      source: 'contact-centre',
      keyOf: ({ recordId }) => recordId,
    });
  },
});

function aboutUsers(userIds: readonly string[]) {
  return userIds.map((value) => ({ namespace: 'zendeskUserId', value }));
}

/** These paths exist in every Zendesk. So 404 means that the address belongs to another system. */
export function requirePage<T>(page: T | null): T {
  if (page === null)
    throw new SourceContractError(
      'contact-centre',
      'contact-centre finds no Zendesk at CONTACT_CENTRE_URL. Check the address.',
      { kind: 'not-found' },
    );
  return page;
}

/** The tickets that a user opened, or is in copy of. */
export interface TicketsOfUser {
  tickets: readonly ZendeskTicket[];
  /** False when there are more than can be read: these are then some of them, and not the newest. */
  isComplete: boolean;
}

/** All tickets of a user, so that everything computed from them shares one call. */
export const ticketsOfUsers = defineLoader<RestClient, string, TicketsOfUser>({
  name: 'ticketsOfUsers',
  maxBatch: MAX_BATCH,
  about: (userId) => aboutUsers([userId]),
  isComplete: ({ isComplete }) => isComplete,
  load: (userIds, zendesk) => loadTickets(userIds, zendesk, 'requester', ({ requesterId }) => [requesterId]),
});

/** Tickets of other people with the user in copy. They are about many people, so each `forget` drops them. */
export const ticketsCopiedToUsers = defineLoader<RestClient, string, TicketsOfUser>({
  name: 'ticketsCopiedToUsers',
  maxBatch: MAX_BATCH,
  isComplete: ({ isComplete }) => isComplete,
  load: (userIds, zendesk) => loadTickets(userIds, zendesk, 'cc', ({ copiedIds }) => copiedIds),
});

/** The tickets in which each user has the role. `usersOf` reads the users of that role from a ticket. */
async function loadTickets(
  userIds: readonly string[],
  zendesk: RestClient,
  role: 'requester' | 'cc',
  usersOf: (ticket: ZendeskTicket) => readonly string[],
): Promise<TicketsOfUser[]> {
  const read = async (ids: readonly string[]) => {
    const { records, isComplete } = await readTickets(ids, zendesk, role);
    const tickets = alignMany(ids, records, {
      source: 'contact-centre',
      keyOf: usersOf,
      idOf: ({ recordId }) => recordId,
      // The search by `cc` also finds tickets that a user only follows.
      matching: role === 'cc' ? 'loose' : 'exact',
    });
    return { byUser: new Map(ids.map((id, i) => [id, tickets[i] ?? []])), isComplete };
  };
  const { byUser, isComplete } = await read(userIds);
  // A user whose tickets alone fill a page displaces the tickets of the others. These are read again without that user.
  const ticketsOf = (id: string) => byUser.get(id) ?? [];
  const isDisplacing = (id: string) => !isComplete && ticketsOf(id).length >= TICKETS_PER_PAGE;
  const others = userIds.filter((id) => !isDisplacing(id));
  if (others.length === 0 || others.length === userIds.length)
    return userIds.map((id) => ({ tickets: ticketsOf(id), isComplete }));
  const again = await read(others);
  return userIds.map((id) =>
    isDisplacing(id)
      ? { tickets: ticketsOf(id), isComplete: false }
      : { tickets: again.byUser.get(id) ?? [], isComplete: again.isComplete },
  );
}

/** All tickets of these users; not all when there are too many. */
async function readTickets(
  userIds: readonly string[],
  zendesk: RestClient,
  role: 'requester' | 'cc',
): Promise<{ records: ZendeskTicket[]; isComplete: boolean }> {
  // The export is sorted by created_at, but its direction is not documented, so every page is read.
  const { items, isComplete } = await pages({
    ...ZENDESK,
    what: 'tickets',
    acceptPart: true,
    maxPages: MAX_TICKET_PAGES,
    read: async (link: string | undefined) =>
      link === undefined
        ? requirePage(
            await zendesk.get(ticketsPage, '/api/v2/search/export', {
              query: userIds.map((id) => `${role}:${id}`).join(' '),
              'filter[type]': 'ticket',
              'page[size]': TICKETS_PER_PAGE,
            }),
          )
        : zendesk.follow(ticketsPage, link),
    items: ({ results }) => results,
    next: nextLinkOf,
  });
  return { records: items.map(toTicket), isComplete };
}

/** The link to the next page. The last page may have one too, so `has_more` decides. */
export function nextLinkOf({ meta, links }: CursorPage): string | undefined {
  return meta.has_more ? (links.next ?? undefined) : undefined;
}

/** One page of the comments of a ticket. */
export interface CommentsOf {
  ticketId: string;
  requesterId: string;
  /** The users in copy. */
  copiedIds: readonly string[];
  first: number;
  position: CommentPosition;
}

/** Where the next comment is. */
export interface CommentPosition {
  /** The system's cursor of its page; null is the first page. */
  page: string | null;
  /** The number of public comments before it on that page. */
  skip: number;
}

/** The position in a cursor of this ticket's comments. Throws an InvalidInputError for any other text. */
export function positionOfCursor(ticketId: string, after: string): CommentPosition {
  const [page = '', skip = ''] = decodeCursor(commentsList(ticketId), after, 2);
  if (!/^\d{1,3}$/.test(skip)) throw invalidCursor();
  return { page: page === '' ? null : page, skip: Number(skip) };
}

/** The name of the list in its cursors. */
function commentsList(ticketId: string): string {
  return `Ticket.comments ${ticketId}`;
}

/** A call takes one ticket. */
export const commentsOfTickets = defineLoader<RestClient, CommentsOf, ListConnection<TicketCommentRecord>>({
  name: 'commentsOfTickets',
  // A cursor is a text of the client, so it may contain any separator.
  keyText: ({ ticketId, requesterId, copiedIds, first, position: { page, skip } }) =>
    JSON.stringify([ticketId, first, page, skip, requesterId, ...copiedIds]),
  about: ({ requesterId, copiedIds }) => aboutUsers([requesterId, ...copiedIds]),
  loadEach: (keys, zendesk) =>
    callEach(keys, (key) => readComments(key, zendesk), { atOnce: MAX_COMMENT_CALLS }),
});

async function readComments(
  { ticketId, requesterId, first, position }: CommentsOf,
  zendesk: RestClient,
): Promise<ListConnection<TicketCommentRecord>> {
  const { items } = await pages({
    ...ZENDESK,
    what: 'notes of one ticket',
    maxPages: MAX_COMMENT_PAGES,
    read: async (next: string | undefined) => {
      const cursor = next ?? position.page;
      const page = await zendesk.get(commentsPage, `/api/v2/tickets/${pathPart(ticketId)}/comments`, {
        'page[size]': Math.min(100, position.skip + first + 1 + EXTRA_NOTES_PER_PAGE),
        ...(cursor !== null && { 'page[after]': cursor }),
        sort: 'created_at',
      });
      return page === null ? null : { ...page, cursor };
    },
    // Private comments are notes between agents. Only agents may see them.
    items: ({ comments, cursor }) =>
      comments
        .filter((comment) => comment.public)
        .map((comment, i) => ({ comment, cursor, countOnPage: i + 1 })),
    next: ({ meta }) => {
      if (meta.has_more && meta.after_cursor == null)
        throw tooMany('contact-centre', 'comments of one ticket');
      return meta.has_more ? meta.after_cursor : undefined;
    },
    isEnough: (read) => read.length > position.skip + first,
  });
  const rest = uniqueById(items.slice(position.skip), ({ comment }) => comment.id);
  const edges = rest.slice(0, first).map(({ comment, cursor, countOnPage }) => ({
    node: toComment(comment, requesterId),
    cursor: encodeCursor(commentsList(ticketId), [cursor ?? '', String(countOnPage)]),
  }));
  return connectionOfEdges(edges, rest.length > first);
}
