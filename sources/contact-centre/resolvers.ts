import { pageSize, SourceContractError, type Context, type Customer } from '../../src/index.js';
import { commentsOfTickets, newestFirst, ticketsOfUsers, type TicketsOfUser } from './loaders.js';
import type { TicketRecord } from './mapping.js';
import type { Resolvers, TicketStatus } from './schema.generated.js';

const DONE: ReadonlySet<TicketStatus> = new Set(['SOLVED', 'CLOSED']);

/** Answers schema/sources/contact-centre.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    tickets: async (customer, { first }, context) => {
      const size = pageSize(first);
      return (await ticketsOf(customer, context)).slice(0, size);
    },
    openTicketCount: async (customer, _, context) => {
      const found = await readTicketsOf(customer, context);
      return (
        found && {
          value: found.tickets.filter(({ status }) => !DONE.has(status)).length,
          approximate: !found.isWhole,
        }
      );
    },
  },
  Ticket: {
    comments: async ({ id, requesterId }, { first }, { load }) => [
      ...(await load(commentsOfTickets, { ticketId: id, requesterId, first: pageSize(first) })),
    ],
  },
};

/** All tickets of a customer, newest first. */
export async function ticketsOf(customer: Customer, context: Context): Promise<readonly TicketRecord[]> {
  const found = await readTicketsOf(customer, context);
  if (found?.isWhole === false)
    throw new SourceContractError(
      'contact-centre',
      'contact-centre holds more tickets than can be read at once.',
    );
  return found?.tickets ?? [];
}

/** Of all of the customer's records together; null when the contact centre has none. */
async function readTicketsOf(customer: Customer, { load }: Context): Promise<TicketsOfUser | null> {
  const userIds = await customer.identifiers('zendeskUserId');
  if (userIds.length === 0) return null;
  const found = await Promise.all(userIds.map((userId) => load(ticketsOfUsers, userId)));
  return {
    tickets: found.flatMap(({ tickets }) => tickets).sort(newestFirst),
    isWhole: found.every(({ isWhole }) => isWhole),
  };
}
