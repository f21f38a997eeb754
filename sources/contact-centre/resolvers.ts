import { pageSize } from '../../src/index.js';
import { commentsOfTickets, ticketsOfUsers } from './loaders.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/contact-centre.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    tickets: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const userId = await customer.identifier('zendeskUserId');
      return userId === null ? [] : [...(await load(ticketsOfUsers, { userId, first: size }))];
    },
  },
  Ticket: {
    comments: async ({ id, requesterId }, { first }, { load }) => [
      ...(await load(commentsOfTickets, { ticketId: id, requesterId, first: pageSize(first) })),
    ],
  },
};
