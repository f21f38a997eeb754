import type { TimelineDeclaration, TimelineItem } from '../../src/index.js';
import type { ZendeskTicket } from './mapping.js';
import { ticketsOf } from './tickets.js';

/** Zendesk's search has no order in which a page could be continued, so all tickets are read. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, _, context) => ({
    items: (await ticketsOf(customer, context)).map(toTimelineItem),
    readBackTo: [],
  }),
};

function toTimelineItem({ recordId, channel, createdAt, subject, status }: ZendeskTicket): TimelineItem {
  // Zendesk stores a phone call as a ticket of this channel.
  const kind = channel === 'voice' ? 'CALL' : 'TICKET';
  return { kind, at: createdAt, id: recordId, title: subject, status };
}
