import {
  alignMany,
  alignOne,
  callEach,
  defineLoader,
  pages,
  pathPart,
  SourceContractError,
  tooMany,
  uniqueById,
  type RestClient,
} from '../../src/index.js';
import {
  toComment,
  toCustomer,
  toOrganisation,
  toTicket,
  type TicketRecord,
  type UserRecord,
} from './mapping.js';
import type { SupportOrganisation, TicketComment } from './schema.generated.js';
import { commentsPage, organizationsPage, ticketsPage, usersPage, type CursorPage } from './wire.js';

const ZENDESK = { source: 'contact-centre' } as const;
const LIKE_THESE = 'users like these';

/** `show_many` takes at most 100 ids, and a search gives at most 100 users a page. */
const MAX_BATCH = 100;
/** A search gives no more than 1,000 users: https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/ */
const MAX_USER_PAGES = 10;
/** The export gives up to 1,000 tickets a page; that many pages for one batch is more than anybody will wait for. */
const TICKETS_A_PAGE = 1_000;
const MAX_TICKET_PAGES = 5;
/** Agents' notes are left out after they were read, so there is room for some. Zendesk gives at most 100 a page. */
const NOTES_A_PAGE = 20;
const MAX_COMMENT_PAGES = 5;
/** Comments are a call for each ticket, and Zendesk counts the calls of a minute. */
const COMMENT_CALLS_AT_ONCE = 8;

export const usersByEmail = defineLoader<RestClient, string, readonly UserRecord[]>({
  name: 'usersByEmail',
  maxBatch: MAX_BATCH,
  load: async (emails, zendesk) => {
    // Terms of one property are alternatives. The search also finds what only looks like the address, so what comes
    // is matched exactly below.
    // A quote would end its term.
    const query = emails.map((email) => `email:"${email.replaceAll('"', '')}"`).join(' ');
    const { items: users, isComplete } = await pages({
      ...ZENDESK,
      what: LIKE_THESE,
      acceptPart: true,
      maxPages: MAX_USER_PAGES,
      read: async (link: string | undefined) =>
        link === undefined
          ? there(await zendesk.get(usersPage, '/api/v2/users/search', { query, per_page: 100 }))
          : zendesk.follow(usersPage, link),
      items: (page) => page.users,
      next: (page) => page.next_page,
    });
    return alignMany(emails, users, {
      source: 'contact-centre',
      keyOf: (user) => user.email?.toLowerCase() ?? [],
      idOf: ({ id }) => id,
      matching: 'loose',
    }).map((own) =>
      // Whom the pages that were not read would have told of cannot be said to be unknown.
      own.length === 0 && !isComplete ? tooMany('contact-centre', LIKE_THESE) : own.map(toCustomer),
    );
  },
});

export const usersById = defineLoader<RestClient, string, readonly UserRecord[]>({
  name: 'usersById',
  maxBatch: MAX_BATCH,
  load: async (ids, zendesk) => {
    const page = there(await zendesk.get(usersPage, '/api/v2/users/show_many', { ids: ids.join(',') }));
    return alignMany(ids, page.users, {
      source: 'contact-centre',
      keyOf: ({ id }) => String(id),
      idOf: ({ id }) => id,
    }).map((own) => own.map(toCustomer));
  },
});

/** The organisation that a user belongs to. It is kept once for each user, so that it is forgotten with any. */
export interface OrganisationOf {
  id: string;
  userId: string;
}

export const organisations = defineLoader<RestClient, OrganisationOf, SupportOrganisation | null>({
  name: 'organisations',
  maxBatch: MAX_BATCH,
  keyText: ({ id, userId }) => `${id} ${userId}`,
  about: ({ id, userId }) => [{ type: 'SupportOrganisation', key: id }, ...aboutUsers([userId])],
  freshness: { maxAge: '1 minute' },
  load: async (keys, zendesk) => {
    const ids = keys.map(({ id }) => id);
    const page = there(
      await zendesk.get(organizationsPage, '/api/v2/organizations/show_many', {
        ids: [...new Set(ids)].join(','),
      }),
    );
    return alignOne(ids, page.organizations.map(toOrganisation), {
      source: 'contact-centre',
      keyOf: ({ id }) => id,
    });
  },
});

function aboutUsers(userIds: readonly string[]) {
  return userIds.map((value) => ({ namespace: 'zendeskUserId', value }));
}

/** A search is always there: when it is not, the address is none of a Zendesk, which is no answer about anybody. */
function there<T>(page: T | null): T {
  if (page === null)
    throw new SourceContractError(
      'contact-centre',
      'contact-centre has no Zendesk at the address it is set to.',
      { kind: 'not-found' },
    );
  return page;
}

/** What a user asked for, or is copied in on, newest first. */
export interface TicketsOfUser {
  tickets: readonly TicketRecord[];
  /** False when there are more than can be read: these are then some of them, not even the newest. */
  isComplete: boolean;
}

/** All of a user's tickets, so that all that is made of them shares one call. */
export const ticketsOfUsers = defineLoader<RestClient, string, TicketsOfUser>({
  name: 'ticketsOfUsers',
  maxBatch: MAX_BATCH,
  about: (userId) => aboutUsers([userId]),
  isComplete: ({ isComplete }) => isComplete,
  load: (userIds, zendesk) => loadTickets(userIds, zendesk, 'requester', ({ requesterId }) => [requesterId]),
});

/** What others asked for, with the user copied in. So it is about many, and forgotten whenever anybody is. */
export const ticketsCopiedToUsers = defineLoader<RestClient, string, TicketsOfUser>({
  name: 'ticketsCopiedToUsers',
  maxBatch: MAX_BATCH,
  isComplete: ({ isComplete }) => isComplete,
  load: (userIds, zendesk) => loadTickets(userIds, zendesk, 'cc', ({ copiedIds }) => copiedIds),
});

/** Of each user the tickets that have them among `usersOf`, by a search for users in that part in a ticket. */
async function loadTickets(
  userIds: readonly string[],
  zendesk: RestClient,
  part: 'requester' | 'cc',
  usersOf: (ticket: TicketRecord) => readonly string[],
): Promise<TicketsOfUser[]> {
  const read = async (ids: readonly string[]) => {
    const { records, isComplete } = await readTickets(ids, zendesk, part);
    const own = alignMany(ids, records, {
      source: 'contact-centre',
      keyOf: usersOf,
      idOf: ({ id }) => id,
      // The search by `cc` also finds the tickets that a user only follows.
      matching: part === 'cc' ? 'loose' : 'exact',
    });
    return { own: new Map(ids.map((id, i) => [id, own[i] ?? []])), isComplete };
  };
  const { own, isComplete } = await read(userIds);
  // Whoever fills pages alone stands in the way of the others, who are asked about once more.
  const ticketsOf = (id: string) => own.get(id) ?? [];
  const inTheWay = (id: string) => !isComplete && ticketsOf(id).length >= TICKETS_A_PAGE;
  const others = userIds.filter((id) => !inTheWay(id));
  if (others.length === 0 || others.length === userIds.length)
    return userIds.map((id) => ({ tickets: ticketsOf(id), isComplete }));
  const again = await read(others);
  return userIds.map((id) =>
    inTheWay(id)
      ? { tickets: ticketsOf(id), isComplete: false }
      : { tickets: again.own.get(id) ?? [], isComplete: again.isComplete },
  );
}

/** All tickets of these users, newest first; not all when there are too many. */
async function readTickets(
  userIds: readonly string[],
  zendesk: RestClient,
  part: 'requester' | 'cc',
): Promise<{ records: TicketRecord[]; isComplete: boolean }> {
  // The export promises an order by created_at but not its direction, so no page can be left out.
  const { items, isComplete } = await pages({
    ...ZENDESK,
    what: 'tickets',
    acceptPart: true,
    maxPages: MAX_TICKET_PAGES,
    read: async (link: string | undefined) =>
      link === undefined
        ? there(
            await zendesk.get(ticketsPage, '/api/v2/search/export', {
              query: userIds.map((id) => `${part}:${id}`).join(' '),
              'filter[type]': 'ticket',
              'page[size]': TICKETS_A_PAGE,
            }),
          )
        : zendesk.follow(ticketsPage, link),
    items: ({ results }) => results,
    next: nextOf,
  });
  return { records: items.map(toTicket).sort(newestFirst), isComplete };
}

export function newestFirst(one: TicketRecord, other: TicketRecord): number {
  return other.createdAt.localeCompare(one.createdAt) || other.id.localeCompare(one.id);
}

/** Where the next page is; the last one may have a link to one, too. */
function nextOf({ meta, links }: CursorPage): string | undefined {
  return meta.has_more ? (links.next ?? undefined) : undefined;
}

/** The first comments of one ticket. */
export interface CommentsOf {
  ticketId: string;
  requesterId: string;
  /** Who reads along. */
  copiedIds: readonly string[];
  first: number;
}

/** A call takes one ticket. */
export const commentsOfTickets = defineLoader<RestClient, CommentsOf, readonly TicketComment[]>({
  name: 'commentsOfTickets',
  keyText: ({ ticketId, requesterId, copiedIds, first }) =>
    [ticketId, first, requesterId, ...copiedIds].join(' '),
  about: ({ requesterId, copiedIds }) => aboutUsers([requesterId, ...copiedIds]),
  loadEach: (keys, zendesk) =>
    callEach(keys, (key) => readComments(key, zendesk), { atOnce: COMMENT_CALLS_AT_ONCE }),
});

async function readComments(
  { ticketId, requesterId, first }: CommentsOf,
  zendesk: RestClient,
): Promise<TicketComment[]> {
  const { items } = await pages({
    ...ZENDESK,
    what: 'notes of one ticket',
    maxPages: MAX_COMMENT_PAGES,
    read: (link: string | undefined) =>
      link === undefined
        ? zendesk.get(commentsPage, `/api/v2/tickets/${pathPart(ticketId)}/comments`, {
            'page[size]': Math.min(100, first + NOTES_A_PAGE),
            sort: 'created_at',
          })
        : zendesk.follow(commentsPage, link),
    // Private comments are notes between agents. Only agents may see them.
    items: ({ comments }) => comments.filter((comment) => comment.public),
    next: nextOf,
    isEnough: (read) => uniqueById(read, ({ id }) => id).length >= first,
  });
  return uniqueById(items, ({ id }) => id)
    .slice(0, first)
    .map((comment) => toComment(comment, requesterId));
}
