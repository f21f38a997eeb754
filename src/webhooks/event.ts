/** What can happen in a source system, in one list for all of them. */
export const EVENT_TYPES = [
  'order.placed',
  'order.paid',
  'order.shipped',
  'order.cancelled',
  'cart.abandoned',
  'cart.changed',
  'ticket.opened',
  'ticket.changed',
  'ticket.solved',
  'contact.changed',
  'contact.deleted',
  'consent.given',
  'consent.withdrawn',
  'invoice.changed',
  'invoice.overdue',
  'lead.created',
  'message.received',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What happened in a source system: the attributes of CloudEvents 1.0, and as little of the person as will do. */
export interface SourceEvent {
  /** The system's own id of what it sent; with the source it tells an event from all others. */
  id: string;
  /** The name of the source. */
  source: string;
  type: EventType;
  /** When it happened, ISO 8601 in UTC. */
  time: string;
  /** The record's id in the source. A text: ids above 2^53 stay exact. */
  subject?: string;
  /** Whom it is about, by namespace. Empty when the system tells no more than the record. */
  identifiers: Readonly<Record<string, readonly string[]>>;
  /** What conditions of triggers need: amounts, numbers, states. Never who the person is. */
  data: Readonly<Record<string, string | number | boolean | null>>;
}
