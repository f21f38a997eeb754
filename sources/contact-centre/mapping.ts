import { SourceContractError } from '../../src/index.js';
import type {
  CustomerRecord,
  OrganisationRecord,
  TicketCommentRecord,
  TicketRecord,
} from '../../src/index.js';
import type { TicketPriority, TicketSatisfaction, TicketStatus } from './schema.generated.js';
import type { Comment, Organization, Ticket, User } from './wire.js';

/** A user, with the organisation that the user belongs to. */
export interface UserRecord extends CustomerRecord {
  organisationId: string | null;
}

/** A ticket, with the users it concerns. */
export interface ZendeskTicket extends TicketRecord {
  requesterId: string;
  copiedIds: readonly string[];
  rating: Ticket['satisfaction_rating'];
  status: TicketStatus;
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

export const STATUS: Record<Ticket['status'], TicketStatus> = {
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

const DONE: ReadonlySet<Ticket['status']> = new Set(['solved', 'closed']);

export function toTicket(ticket: Ticket): ZendeskTicket {
  return {
    source: 'contact-centre',
    recordId: String(ticket.id),
    number: null,
    requesterId: String(ticket.requester_id),
    copiedIds: copiedIds(ticket),
    rating: ticket.satisfaction_rating,
    subject: ticket.subject ?? null,
    status: STATUS[ticket.status],
    statusText: ticket.status,
    isOpen: !DONE.has(ticket.status),
    priority: ticket.priority == null ? null : PRIORITY[ticket.priority],
    priorityText: ticket.priority ?? null,
    channel: ticket.via?.channel ?? null,
    createdAt: new Date(ticket.created_at).toISOString(),
    updatedAt: new Date(ticket.updated_at).toISOString(),
    // Zendesk returns no such moment with a ticket.
    closedAt: null,
  };
}

/** An account without a separate list of copied users has users in copy and followers in one list. */
function copiedIds(ticket: Ticket): string[] {
  const followers = new Set(ticket.follower_ids);
  const collaborators = (ticket.collaborator_ids ?? []).filter((id) => !followers.has(id));
  return [...new Set([...(ticket.email_cc_ids ?? []), ...collaborators])].map(String);
}

/** Null when the customer was not offered a rating, or has not rated yet. */
export function toSatisfaction(rating: ZendeskTicket['rating']): TicketSatisfaction | null {
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
        'contact-centre returned a satisfaction score that is not documented.',
      );
  }
}

export function toOrganisation({ id, name, domain_names: domains }: Organization): OrganisationRecord {
  return {
    source: 'contact-centre',
    recordId: String(id),
    name: name ?? null,
    domains: domains ?? [],
    website: null,
    kind: null,
    industry: null,
    city: null,
    employeeCount: null,
  };
}

export function toComment(comment: Comment, requesterId: string): TicketCommentRecord {
  return {
    source: 'contact-centre',
    recordId: String(comment.id),
    body: comment.plain_body ?? comment.body ?? null,
    isByCustomer: String(comment.author_id) === requesterId,
    createdAt: new Date(comment.created_at).toISOString(),
  };
}
