import type { CustomerRecord } from '../../src/index.js';
import type { TicketComment, TicketPriority, TicketStatus } from './schema.generated.js';
import type { Comment, Ticket, User } from './wire.js';

export interface TicketRecord {
  id: string;
  requesterId: string;
  subject: string | null;
  status: TicketStatus;
  priority: TicketPriority | null;
  channel: string | null;
  createdAt: string;
  updatedAt: string;
}

export function toCustomer(user: User): CustomerRecord {
  return {
    id: String(user.id),
    identifiers: [
      { namespace: 'email', value: user.email, verified: user.verified ?? false },
      { namespace: 'phone', value: user.phone },
    ],
    profile: {
      name: user.name ?? null,
      language: user.locale ?? null,
      updatedAt: user.updated_at ?? null,
    },
  };
}

const STATUS: Record<Ticket['status'], TicketStatus> = {
  new: 'NEW',
  open: 'OPEN',
  pending: 'PENDING',
  hold: 'HOLD',
  solved: 'SOLVED',
  closed: 'CLOSED',
};

const PRIORITY: Record<NonNullable<Ticket['priority']>, TicketPriority> = {
  low: 'LOW',
  normal: 'NORMAL',
  high: 'HIGH',
  urgent: 'URGENT',
};

export function toTicket(ticket: Ticket): TicketRecord {
  return {
    id: String(ticket.id),
    requesterId: String(ticket.requester_id),
    subject: ticket.subject ?? null,
    status: STATUS[ticket.status],
    priority: ticket.priority == null ? null : PRIORITY[ticket.priority],
    channel: ticket.via?.channel ?? null,
    createdAt: new Date(ticket.created_at).toISOString(),
    updatedAt: new Date(ticket.updated_at).toISOString(),
  };
}

export function toComment(comment: Comment, requesterId: string): TicketComment {
  return {
    id: String(comment.id),
    body: comment.plain_body ?? comment.body ?? null,
    byCustomer: String(comment.author_id) === requesterId,
    createdAt: new Date(comment.created_at).toISOString(),
  };
}
