import { joinJson, type HttpAnswer, type HttpCall } from '../../stand-ins/http.js';
import { failure, invalidAttribute, invalidEndpoint, notImitated, ok, recordNotFound } from './answers.js';
import { oldestFirst, type Directory } from './directory.js';
import { hasCursorPaging, cursorPage, isPage, offsetPage, type Page } from './paging.js';
import { agent, type TicketRecord, type ZendeskUser } from './records.js';
import { parseSearchQuery } from './search-query.js';
import { searchTickets, searchUsers } from './search.js';

export interface RouteOptions {
  directory: Directory;
  now: () => number;
}

/** Endpoints under /api/v2, as written in Zendesk's reference; each also answers with `.json` behind it. */
type Route = (call: HttpCall, id: number) => HttpAnswer;

const prefix = '/api/v2';
const mostIds = 100;

export function createRoutes({ directory, now }: RouteOptions): (call: HttpCall) => HttpAnswer {
  const users = (page: Page<ZendeskUser>): HttpAnswer =>
    ok(joinJson('{"users":[', page.rows.map(directory.userJson), `],${page.members}}`));
  const tickets = (page: Page<TicketRecord>): HttpAnswer =>
    ok(joinJson('{"tickets":[', page.rows.map(directory.ticketJson), `],${page.members}}`));

  const routes: Record<string, Route> = {
    '/users/search'(call) {
      // The help desk has no numbers of other systems.
      const matches = call.query.has('external_id')
        ? []
        : searchUsers(directory, parseSearchQuery(call.query.get('query') ?? ''));
      const page = offsetPage(call, matches, 'api/v2/users/search');
      return isPage(page) ? users(page) : page;
    },

    '/users/show_many'(call) {
      const name = call.query.has('external_ids') ? 'external_ids' : 'ids';
      const ids = idList(call, name, 'api/v2/users/show_many');
      if (!Array.isArray(ids)) return ids;
      const rows = name === 'ids' ? directory.usersByIds(ids.map(Number)) : [];
      return users({ rows, members: wholeList(rows) });
    },

    '/users/me': () => ok(joinJson('{"user":', [directory.userJson(agent)], '}')),

    '/users/{id}'(_call, id) {
      const user = directory.user(id);
      return user === undefined ? recordNotFound : ok(joinJson('{"user":', [directory.userJson(user)], '}'));
    },

    '/users/{id}/tickets/requested'(call, id) {
      if (directory.user(id) === undefined) return recordNotFound;
      const all = directory.ticketsOf(id);
      const page = hasCursorPaging(call.query)
        ? cursorPage(call, all, { maxSize: 100, list: `requested by ${id}`, forwardOnly: false, now })
        : offsetPage(call, all, 'api/v2/tickets/requested');
      return isPage(page) ? tickets(page) : page;
    },

    '/organizations/show_many'(call) {
      const name = call.query.has('external_ids') ? 'external_ids' : 'ids';
      const ids = idList(call, name, 'api/v2/organizations/show_many');
      if (!Array.isArray(ids)) return ids;
      const rows = name === 'ids' ? directory.organizationsByIds(ids.map(Number)) : [];
      return ok(
        joinJson('{"organizations":[', rows.map(directory.organizationJson), `],${wholeList(rows)}}`),
      );
    },

    '/tickets/show_many'(call) {
      const ids = idList(call, 'ids', 'api/v2/tickets/show_many');
      if (!Array.isArray(ids)) return ids;
      const rows = [...new Set(ids)]
        .flatMap((id) => directory.ticket(Number(id)) ?? [])
        .sort((a, b) => a.ticket.id - b.ticket.id);
      return tickets({ rows, members: wholeList(rows) });
    },

    '/tickets/{id}'(_call, id) {
      const ticket = directory.ticket(id);
      return ticket === undefined
        ? recordNotFound
        : ok(joinJson('{"ticket":', [directory.ticketJson(ticket)], '}'));
    },

    '/tickets/{id}/comments'(call, id) {
      const ticket = directory.ticket(id);
      if (ticket === undefined) return recordNotFound;
      const cursors = hasCursorPaging(call.query);
      const order = commentOrder(call.query, cursors);
      if (order === undefined)
        return invalidAttribute('sort', 'created_at or -created_at', 'api/v2/comments');
      const all = directory.commentsJson(ticket);
      if (order === 'newest first') all.reverse();
      const page = cursors
        ? cursorPage(call, all, { maxSize: 100, list: `comments ${order} of ${id}`, forwardOnly: false, now })
        : offsetPage(call, all, 'api/v2/comments');
      return isPage(page) ? ok(joinJson('{"comments":[', page.rows, `],${page.members}}`)) : page;
    },

    '/search/count': (call) => countOf(directory, call),

    '/search/export': (call) => exportOf(call, { directory, now }),
  };

  return (call) => {
    if (call.method !== 'GET') return invalidEndpoint;
    if (call.query.has('include')) return notImitated('sideloading by the include parameter');
    const path = call.path.replace(/\.json$/, '');
    const exact = routes[path.slice(prefix.length)];
    if (path.startsWith(prefix) && exact !== undefined) return exact(call, NaN);
    const found = /^\/api\/v2(\/[a-z]+)\/(\d{1,15})(\/[a-z/]+)?$/.exec(path);
    const [, collection = '', id = '', rest = ''] = found ?? [];
    return routes[`${collection}/{id}${rest}`]?.(call, Number(id)) ?? invalidEndpoint;
  };
}

function exportOf(call: HttpCall, { directory, now }: RouteOptions): HttpAnswer {
  const type = call.query.get('filter[type]');
  const query = call.query.get('query');
  if (query === null) return invalidAttribute('query', 'present', 'api/v2/search/export');
  if (type === null || !/^(ticket|user|organization|group)$/.test(type)) {
    return invalidAttribute('filter[type]', 'ticket, organization, user or group', 'api/v2/search/export');
  }
  if (type !== 'ticket') return notImitated(`the export of ${type} records`);
  const search = parseSearchQuery(query);
  if (search.wanted.has('type')) {
    return failure(422, {
      error: 'invalid',
      description: 'Invalid search: type is not allowed in the query',
    });
  }
  const all = searchTickets(directory, search).sort((a, b) => oldestFirst(b, a));
  const page = cursorPage(call, all, { maxSize: 1000, list: `search ${query}`, forwardOnly: true, now });
  if (!isPage(page)) return page;
  const results = page.rows.map(directory.ticketResultJson);
  return ok(joinJson('{"results":[', results, `],"facets":null,${page.members}}`));
}

function countOf(directory: Directory, call: HttpCall): HttpAnswer {
  const query = call.query.get('query');
  if (query === null) return invalidAttribute('query', 'present', 'api/v2/search/count');
  const search = parseSearchQuery(query);
  const [type, ...others] = search.wanted.get('type') ?? [];
  if (type !== 'ticket' || others.length > 0) return notImitated('the count of other records than tickets');
  return ok(JSON.stringify({ count: searchTickets(directory, search).length }));
}

function commentOrder(query: URLSearchParams, cursors: boolean): 'oldest first' | 'newest first' | undefined {
  const wish = cursors ? (query.get('sort') ?? 'created_at') : (query.get('sort_order') ?? 'asc');
  if (wish === (cursors ? 'created_at' : 'asc')) return 'oldest first';
  return wish === (cursors ? '-created_at' : 'desc') ? 'newest first' : undefined;
}

function idList(call: HttpCall, name: string, action: string): string[] | HttpAnswer {
  const ids = (call.query.get(name) ?? '').split(',').filter((id) => id !== '');
  if (ids.length === 0) return invalidAttribute(name, 'present', action);
  if (ids.length > mostIds) {
    return failure(400, {
      error: 'TooManyValues',
      description: `Parameter ${name} takes at most ${mostIds} values, ${ids.length} were sent`,
    });
  }
  return ids;
}

function wholeList(rows: readonly unknown[]): string {
  return `"next_page":null,"previous_page":null,"count":${rows.length}`;
}
