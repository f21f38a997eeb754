import { connectionOfList } from '../../src/index.js';
import { ticketsCopiedToUsers, ticketsOfUsers } from './loaders.js';
import type { Resolvers } from './schema.generated.js';
import { completeOnly, readTicketsOf } from './tickets.js';

/** Resolves schema/sources/contact-centre.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    copiedTickets: async (customer, page, context) => {
      const found = completeOnly(await readTicketsOf(customer, context, ticketsCopiedToUsers));
      const userIds = new Set(await customer.identifiers('zendeskUserId'));
      // A customer with two users may have opened a ticket as one of them, and both may be in copy on one ticket.
      const ofOthers = found.filter(({ requesterId }) => !userIds.has(requesterId));
      const unique = [...new Map(ofOthers.map((ticket) => [ticket.recordId, ticket])).values()];
      const connection = connectionOfList(unique, page, {
        name: 'Customer.copiedTickets',
        positionOf: ({ createdAt, recordId }) => [createdAt, recordId],
      });
      return Object.assign(connection, { missing: [] });
    },
    openTicketCount: async (customer, _, context) => {
      const found = await readTicketsOf(customer, context, ticketsOfUsers);
      return (
        found && {
          value: found.tickets.filter(({ isOpen }) => isOpen).length,
          isApproximate: !found.isComplete,
        }
      );
    },
  },
};
