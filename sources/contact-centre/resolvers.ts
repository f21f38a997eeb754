import { pageSize, tooMany, type Context, type Customer } from '../../src/index.js';
import { identity } from './identity.js';
import {
  commentsOfTickets,
  newestFirst,
  organisations,
  ticketsCopiedToUsers,
  ticketsOfUsers,
  type TicketsOfUser,
} from './loaders.js';
import { toSatisfaction, type TicketRecord } from './mapping.js';
import type { Resolvers, TicketStatus } from './schema.generated.js';

const DONE: ReadonlySet<TicketStatus> = new Set(['SOLVED', 'CLOSED']);

/** Answers schema/sources/contact-centre.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    tickets: async (customer, { first }, context) => {
      const size = pageSize(first);
      return (await ticketsOf(customer, context)).slice(0, size);
    },
    copiedTickets: async (customer, { first }, context) => {
      const size = pageSize(first);
      const found = await readTicketsOf(customer, context, ticketsCopiedToUsers);
      const userIds = new Set(await customer.identifiers('zendeskUserId'));
      // A customer with two records may have asked by one of them; several may be copied in on one ticket.
      const others = allOf(found).filter(({ requesterId }) => !userIds.has(requesterId));
      return [...new Map(others.map((ticket) => [ticket.id, ticket])).values()].slice(0, size);
    },
    supportOrganisation: async (customer, _, { load }) => {
      const keys = (await customer.records(identity)).flatMap(({ id: userId, organisationId: id }) =>
        id === null ? [] : [{ id, userId }],
      );
      return keys[0] === undefined ? null : load(organisations, keys[0]);
    },
    openTicketCount: async (customer, _, context) => {
      const found = await readTicketsOf(customer, context, ticketsOfUsers);
      return (
        found && {
          value: found.tickets.filter(({ status }) => !DONE.has(status)).length,
          isApproximate: !found.isComplete,
        }
      );
    },
  },
  Ticket: {
    satisfaction: ({ rating }) => toSatisfaction(rating),
    comments: async ({ id, requesterId, copiedIds }, { first }, { load }) => [
      ...(await load(commentsOfTickets, { ticketId: id, requesterId, copiedIds, first: pageSize(first) })),
    ],
  },
};

/** All tickets of a customer, newest first. */
export async function ticketsOf(customer: Customer, context: Context): Promise<readonly TicketRecord[]> {
  return allOf(await readTicketsOf(customer, context, ticketsOfUsers));
}

/** Some of them only would look as if they were all. */
function allOf(found: TicketsOfUser | null): readonly TicketRecord[] {
  if (found?.isComplete === false) throw tooMany('contact-centre', 'tickets');
  return found?.tickets ?? [];
}

/** Of all of the customer's records together; null when the contact centre has none. */
async function readTicketsOf(
  customer: Customer,
  { load }: Context,
  loader: typeof ticketsOfUsers,
): Promise<TicketsOfUser | null> {
  const userIds = await customer.identifiers('zendeskUserId');
  if (userIds.length === 0) return null;
  const found = await Promise.all(userIds.map((userId) => load(loader, userId)));
  return {
    tickets: found.flatMap(({ tickets }) => tickets).sort(newestFirst),
    isComplete: found.every(({ isComplete }) => isComplete),
  };
}
