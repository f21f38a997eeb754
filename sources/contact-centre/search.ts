import { defineLoader, MAX_SEARCH_RECORDS } from '../../src/index.js';
import type { CustomerSearch, RestClient, SearchDeclaration } from '../../src/index.js';
import { requirePage } from './loaders.js';
import { toCustomer, type UserRecord } from './mapping.js';
import { ticketAnswer, usersPage } from './wire.js';

/** The words of the name as they are written, and the phone number by its property. All of them must match. */
function queryOf({ name, phone }: CustomerSearch): string {
  // A quote or a colon would begin another kind of term, and so would a minus.
  const words = (name ?? '').replaceAll(/["':]|(^|\s)-+/g, ' ').split(' ');
  return [...words.filter((word) => word !== ''), ...(phone === undefined ? [] : [`phone:"${phone}"`])].join(
    ' ',
  );
}

/** The search of users: https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users */
const byUser: SearchDeclaration<RestClient, UserRecord> = {
  by: ['name', 'phone'],
  loader: defineLoader({
    name: 'usersBySearch',
    load: (searches, zendesk) =>
      Promise.all(
        searches.map(async (search) => {
          const query = queryOf(search);
          if (query === '') return [];
          const page = requirePage(
            await zendesk.get(usersPage, '/api/v2/users/search', { query, per_page: MAX_SEARCH_RECORDS }),
          );
          return page.users.map(toCustomer);
        }),
      ),
  }),
};

const TICKET_NUMBER = /^[1-9]\d{0,14}$/;

/** The requester of a ticket. */
const byTicket: SearchDeclaration<RestClient, UserRecord> = {
  by: ['ticketNumber'],
  loader: defineLoader({
    name: 'usersByTicket',
    load: (searches, zendesk) =>
      Promise.all(
        searches.map(async ({ ticketNumber = '' }) => {
          const number = ticketNumber.replace(/^#/, '');
          if (!TICKET_NUMBER.test(number)) return [];
          // Zendesk answers the number of an unknown ticket with 404.
          const answer = await zendesk.get(ticketAnswer, `/api/v2/tickets/${number}`);
          if (answer === null || String(answer.ticket.id) !== number) return [];
          const requester = answer.ticket.requester_id;
          const page = requirePage(
            await zendesk.get(usersPage, '/api/v2/users/show_many', { ids: String(requester) }),
          );
          return page.users.filter(({ id }) => id === requester).map(toCustomer);
        }),
      ),
  }),
};

export const searches = [byUser, byTicket];
