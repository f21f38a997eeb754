import type { SourceDefinition } from '../../src/index.js';
import type { TicketRecord } from './mapping.js';
import { ticketsOf } from './resolvers.js';

type TimelineDeclaration = NonNullable<SourceDefinition['timeline']>;
type TimelineItem = Awaited<ReturnType<TimelineDeclaration['page']>>[number];

/** Zendesk's search gives no order that a page could go on from, so pages are cut from all tickets. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, { kinds, first, before, since }, context) =>
    (await ticketsOf(customer, context))
      .map(toTimelineItem)
      .filter(
        ({ kind, at, id }) =>
          kinds.has(kind) &&
          (since === null || at >= since) &&
          (before === null || at < before.at || (at === before.at && id < before.id)),
      )
      .sort((one, other) => downwards(one.at, other.at) || downwards(one.id, other.id))
      .slice(0, first),
};

function toTimelineItem({ id, channel, createdAt, subject, status }: TicketRecord): TimelineItem {
  return {
    // What is said on the phone is kept as a ticket of this channel.
    kind: channel === 'voice' ? 'CALL' : 'TICKET',
    // With as many decimals as the moments that it is compared with.
    at: createdAt.replace('Z', '000Z'),
    id,
    title: subject,
    status,
  };
}

function downwards(one: string, other: string): number {
  return one === other ? 0 : one < other ? 1 : -1;
}
