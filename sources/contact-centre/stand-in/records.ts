import type { SeedCompany, SeedTicket } from '../../stand-ins/world.js';

export interface ZendeskUser {
  id: number;
  name: string;
  email: string;
  phone: string | null;
  role: 'end-user' | 'agent';
  verified: boolean;
  organizationId: number | null;
  createdAt: string;
  updatedAt: string;
}

/** The agent who answers all tickets. The id is outside the range of the seed data's customers. */
export const agent: ZendeskUser = {
  id: 1_800_000_000_017,
  name: 'Anouk Brouwer',
  email: 'anouk.brouwer@klantcontact.example',
  phone: null,
  role: 'agent',
  verified: true,
  organizationId: null,
  createdAt: '2019-02-04T08:00:00Z',
  updatedAt: '2025-09-01T07:30:00Z',
};

const groupId = 360_000_000_417;
const brandId = 360_000_000_219;

/** Members without a value are null and not left out, even if the published specification does not allow null. */
export function userRecord(user: ZendeskUser, baseUrl: string): object {
  const isAgent = user.role === 'agent';
  return {
    id: user.id,
    url: `${baseUrl}/api/v2/users/${user.id}.json`,
    name: user.name,
    email: user.email,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
    time_zone: 'Amsterdam',
    iana_time_zone: 'Europe/Amsterdam',
    phone: user.phone,
    shared_phone_number: user.phone === null ? null : false,
    photo: null,
    locale_id: 1005,
    locale: 'nl',
    organization_id: user.organizationId,
    role: user.role,
    verified: user.verified,
    external_id: null,
    tags: [],
    alias: '',
    active: true,
    shared: false,
    shared_agent: false,
    last_login_at: null,
    two_factor_auth_enabled: null,
    signature: null,
    details: '',
    notes: '',
    role_type: null,
    custom_role_id: null,
    moderator: isAgent,
    ticket_restriction: isAgent ? null : 'requested',
    only_private_comments: false,
    restricted_agent: !isAgent,
    suspended: false,
    default_group_id: isAgent ? groupId : null,
    report_csv: isAgent,
    user_fields: {},
  };
}

export interface ZendeskOrganization {
  id: number;
  name: string;
  company: SeedCompany;
}

export function organizationRecord({ id, name, company }: ZendeskOrganization, baseUrl: string): object {
  return {
    url: `${baseUrl}/api/v2/organizations/${id}.json`,
    id,
    name,
    shared_tickets: false,
    shared_comments: false,
    external_id: null,
    created_at: company.updatedAt,
    updated_at: company.updatedAt,
    // With domains, Zendesk assigns users to the organisation by their address. Many organisations have none.
    domain_names: id % 4 === 0 ? [] : [company.domain, ...(id % 4 === 1 ? [`mail.${company.domain}`] : [])],
    details: null,
    notes: null,
    group_id: null,
    tags: [],
    organization_fields: {},
  };
}

export interface TicketRecord {
  requesterId: number;
  organizationId: number | null;
  ticket: SeedTicket;
}

export function ticketRecord({ ticket, requesterId, organizationId }: TicketRecord, baseUrl: string): object {
  const copiedTo = ticket.copiedTo ?? [];
  return {
    url: `${baseUrl}/api/v2/tickets/${ticket.id}.json`,
    id: ticket.id,
    external_id: null,
    via: via(ticket),
    created_at: ticket.createdAt,
    updated_at: ticket.updatedAt,
    type: null,
    subject: ticket.subject,
    raw_subject: ticket.subject,
    description: ticket.description,
    priority: ticket.priority,
    status: ticket.status,
    recipient: null,
    requester_id: requesterId,
    submitter_id: requesterId,
    assignee_id: ticket.status === 'new' ? null : agent.id,
    organization_id: organizationId,
    group_id: groupId,
    // Copied and following users in one list, from before Zendesk had separate lists.
    collaborator_ids: copiedTo,
    follower_ids: [],
    email_cc_ids: copiedTo,
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: ticket.comments.some((comment) => comment.public),
    due_at: null,
    tags: [],
    custom_fields: [],
    satisfaction_rating: satisfactionRating(ticket),
    sharing_agreement_ids: [],
    followup_ids: [],
    brand_id: brandId,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: false,
  };
}

export function commentRecord(
  comment: SeedTicket['comments'][number],
  { ticket, requesterId }: Pick<TicketRecord, 'ticket' | 'requesterId'>,
): object {
  return {
    id: comment.id,
    type: 'Comment',
    author_id: comment.author === 'customer' ? requesterId : agent.id,
    body: comment.body,
    html_body: `<div class="zd-comment" dir="auto">${escapeHtml(comment.body)}</div>`,
    plain_body: comment.body,
    public: comment.public,
    attachments: [],
    audit_id: comment.id - 1,
    via: via(ticket),
    created_at: comment.createdAt,
    metadata: { system: {}, custom: {} },
  };
}

/** The id is null until a customer has answered. */
function satisfactionRating({ id, rating }: SeedTicket): object {
  if (rating === undefined) return { score: 'unoffered' };
  const { score, comment } = rating;
  return score === 'offered' ? { score } : { id: id + 1, score, comment };
}

function via({ channel }: SeedTicket): object {
  return { channel, source: { from: {}, to: {}, rel: null } };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
