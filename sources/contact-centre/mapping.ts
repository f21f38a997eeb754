import { SourceContractError, type CustomerRecord } from '../../src/index.js';
import type {
  SupportOrganisation,
  TicketComment,
  TicketPriority,
  TicketSatisfaction,
  TicketStatus,
} from './schema.generated.js';
import type { Comment, Organization, Ticket, User } from './wire.js';

/** A user, and which organisation they are of. */
export interface UserRecord extends CustomerRecord {
  organisationId: string | null;
}

export interface TicketRecord {
  id: string;
  requesterId: string;
  copiedIds: readonly string[];
  rating: Ticket['satisfaction_rating'];
  subject: string | null;
  status: TicketStatus;
  priority: TicketPriority | null;
  channel: string | null;
  createdAt: string;
  updatedAt: string;
}

export function toCustomer(user: User): UserRecord {
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
    organisationId: user.organization_id == null ? null : String(user.organization_id),
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
    copiedIds: copiedIds(ticket),
    rating: ticket.satisfaction_rating,
    subject: ticket.subject ?? null,
    status: STATUS[ticket.status],
    priority: ticket.priority == null ? null : PRIORITY[ticket.priority],
    channel: ticket.via?.channel ?? null,
    createdAt: new Date(ticket.created_at).toISOString(),
    updatedAt: new Date(ticket.updated_at).toISOString(),
  };
}

/** Accounts that do not tell copied users and followers apart have both in one list. */
function copiedIds(ticket: Ticket): string[] {
  const followers = new Set(ticket.follower_ids);
  const collaborators = (ticket.collaborator_ids ?? []).filter((id) => !followers.has(id));
  return [...new Set([...(ticket.email_cc_ids ?? []), ...collaborators])].map(String);
}

/** Null when nobody was asked, or nobody has answered yet. */
export function toSatisfaction(rating: TicketRecord['rating']): TicketSatisfaction | null {
  const comment = rating?.comment?.trim() || null;
  switch (rating?.score) {
    case undefined:
    case null:
    case 'unoffered':
    case 'offered':
      return null;
    case 'good':
      return { score: 'GOOD', comment };
    case 'bad':
      return { score: 'BAD', comment };
    default:
      throw new SourceContractError(
        'contact-centre',
        'contact-centre rates a ticket by a score that is not known.',
      );
  }
}

export function toOrganisation({ id, name, domain_names: domains }: Organization): SupportOrganisation {
  return { id: String(id), name: name ?? null, domains: domains ?? [] };
}

export function toComment(comment: Comment, requesterId: string): TicketComment {
  return {
    id: String(comment.id),
    body: comment.plain_body ?? comment.body ?? null,
    byCustomer: String(comment.author_id) === requesterId,
    createdAt: new Date(comment.created_at).toISOString(),
  };
}
