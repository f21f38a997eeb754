import { z } from 'zod';

/** The part of the responses of Zendesk Support that is read: https://developer.zendesk.com/api-reference/ticketing/ */

/** 13 to 14 digits, below 2^53. */
const id = z.int();

const moment = z.iso.datetime({ offset: true });

export const user = z.object({
  id,
  name: z.string().nullish(),
  email: z.string().nullish(),
  phone: z.string().nullish(),
  verified: z.boolean().nullish(),
  locale: z.string().nullish(),
  organization_id: id.nullish(),
  updated_at: moment.nullish(),
});
export type User = z.infer<typeof user>;

export const usersPage = z.object({ users: z.array(user), next_page: z.string().nullish() });

export const organization = z.object({
  id,
  name: z.string().nullish(),
  domain_names: z.array(z.string()).nullish(),
});
export type Organization = z.infer<typeof organization>;

export const organizationsPage = z.object({ organizations: z.array(organization) });

export const ticket = z.object({
  id,
  requester_id: id,
  subject: z.string().nullish(),
  status: z.enum(['new', 'open', 'pending', 'hold', 'solved', 'closed']),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).nullish(),
  collaborator_ids: z.array(id).nullish(),
  follower_ids: z.array(id).nullish(),
  email_cc_ids: z.array(id).nullish(),
  /** The score is checked when the field is resolved: an unknown one then fails that field, and not all tickets. */
  satisfaction_rating: z.object({ score: z.unknown().optional(), comment: z.string().nullish() }).nullish(),
  via: z.object({ channel: z.string().nullish() }).nullish(),
  created_at: moment,
  updated_at: moment,
});
export type Ticket = z.infer<typeof ticket>;

/** One ticket. Only its requester is read. */
export const ticketAnswer = z.object({ ticket: z.object({ id, requester_id: id }) });

/** Whether a page by cursor is the last one. The last page may have a link and a cursor, too. */
const cursors = {
  meta: z.object({ has_more: z.boolean(), after_cursor: z.string().nullish() }),
  links: z.object({ next: z.string().nullish() }),
};

export const ticketsPage = z.object({ results: z.array(ticket), ...cursors });
/** The tickets of an export. Only their requester is read. */
export const ticketRequesters = z.object({ results: z.array(z.object({ requester_id: id })), ...cursors });
export const searchCount = z.object({ count: z.int().min(0) });
export type CursorPage = Pick<z.infer<typeof ticketsPage>, 'meta' | 'links'>;

export const comment = z.object({
  id,
  author_id: id,
  plain_body: z.string().nullish(),
  body: z.string().nullish(),
  public: z.boolean(),
  created_at: moment,
});
export type Comment = z.infer<typeof comment>;

export const commentsPage = z.object({ comments: z.array(comment), ...cursors });
