import type { Connection, PageArguments } from '../connection.js';
import type { Context, Customer } from './customer.js';
import type { PartOfList, PartRequest } from './merged-list.js';
import type { TicketComment, TicketPriority, TicketSatisfaction, TicketStatus } from './schema.generated.js';

/** A question or complaint, as a source maps it: `Ticket` in schema/customer.graphql. Null where the system does not know. */
export interface TicketRecord {
  /** The name of the source. */
  source: string;
  /** The system's own id. */
  recordId: string;
  number: string | null;
  subject: string | null;
  status: TicketStatus | null;
  statusText: string | null;
  isOpen: boolean;
  priority: TicketPriority | null;
  priorityText: string | null;
  channel: string | null;
  createdAt: string | null;
  updatedAt: string | null;
  closedAt: string | null;
}

/** A comment of a ticket. Its `id` is made of the source and `recordId`. */
export type TicketCommentRecord = Omit<TicketComment, 'id'>;

/** The request to a source for a part of `Customer.tickets`. */
export interface TicketsRequest extends PartRequest {
  /** Only open tickets, or only closed ones; null for both. */
  isOpen: boolean | null;
}

/** What a source adds to `Customer.tickets`. */
export interface TicketsDeclaration<R extends TicketRecord = TicketRecord> {
  /**
   * The newest tickets of all the customer's records in the source; one call for a page if possible. A source whose system
   * cannot find the requested ones returns `UnsortedItems`.
   */
  page(customer: Customer, request: TicketsRequest, context: Context): Promise<PartOfList<R>>;
  /** Also for tickets of this source in other lists. Default: null. */
  satisfaction?(ticket: R): TicketSatisfaction | null;
  /** Also for tickets of this source in other lists. Default: null. */
  comments?(ticket: R, page: PageArguments, context: Context): Promise<Connection<TicketCommentRecord>>;
}
