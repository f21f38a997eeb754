import { pageSize, tooMany } from '../../src/index.js';
import type { Context, Customer, TicketsDeclaration } from '../../src/index.js';
import { commentsOfTickets, positionOfCursor, ticketsOfUsers, type TicketsOfUser } from './loaders.js';
import { toSatisfaction, type ZendeskTicket } from './mapping.js';

/** Zendesk's search has no order in which a page could be continued, so all tickets are read. */
export const tickets: TicketsDeclaration<ZendeskTicket> = {
  page: async (customer, _, context) => ({ items: await ticketsOf(customer, context), readBackTo: [] }),
  satisfaction: ({ rating }) => toSatisfaction(rating),
  comments: ({ recordId: ticketId, requesterId, copiedIds }, { first, after }, { load }) => {
    const position = after == null ? { page: null, skip: 0 } : positionOfCursor(ticketId, after);
    return load(commentsOfTickets, { ticketId, requesterId, copiedIds, first: pageSize(first), position });
  },
};

/** All tickets of a customer. */
export async function ticketsOf(customer: Customer, context: Context): Promise<readonly ZendeskTicket[]> {
  return completeOnly(await readTicketsOf(customer, context, ticketsOfUsers));
}

/** Throws when only some of the tickets were read: they would look like all of them. */
export function completeOnly(found: TicketsOfUser | null): readonly ZendeskTicket[] {
  if (found?.isComplete === false) throw tooMany('contact-centre', 'tickets');
  return found?.tickets ?? [];
}

/** The tickets of all the customer's users together; null when the contact centre does not know the customer. */
export async function readTicketsOf(
  customer: Customer,
  { load }: Context,
  loader: typeof ticketsOfUsers,
): Promise<TicketsOfUser | null> {
  const userIds = await customer.identifiers('zendeskUserId');
  if (userIds.length === 0) return null;
  const found = await Promise.all(userIds.map((userId) => load(loader, userId)));
  return {
    tickets: found.flatMap(({ tickets: ofUser }) => ofUser),
    isComplete: found.every(({ isComplete }) => isComplete),
  };
}
