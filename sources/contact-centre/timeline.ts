import type { TimelineDeclaration, TimelineItem } from '../../src/index.js';
import type { TicketRecord } from './mapping.js';
import { ticketsOf } from './resolvers.js';

/** Zendesk's search has no order that a page could go on from, so all tickets are read. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, _, context) => ({
    items: (await ticketsOf(customer, context)).map(toTimelineItem),
    readBackTo: [],
  }),
};

function toTimelineItem({ id, channel, createdAt, subject, status }: TicketRecord): TimelineItem {
  // What is said on the phone is kept as a ticket of this channel.
  return { kind: channel === 'voice' ? 'CALL' : 'TICKET', at: createdAt, id, title: subject, status };
}
