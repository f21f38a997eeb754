import { z } from 'zod';

/** The parts of Meta's answers that are read: https://developers.facebook.com/docs/graph-api/reference */

/** `2026-10-01T12:00:00+0000`: the zone has no colon. */
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)$/)
  .transform((text) => new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')).toISOString());

const id = z.string().min(1);

export const graphError = z.object({
  error: z.object({ code: z.int(), message: z.string().optional(), error_subcode: z.int().optional() }),
});
export type GraphError = z.infer<typeof graphError>['error'];

/** An answer for each request, in their order. Null if a request was not finished in time. The body is JSON as text. */
export const batchAnswers = z.array(z.object({ code: z.int(), body: z.string().nullish() }).nullable());

export const user = z.object({
  id,
  name: z.string().nullish(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  profile_pic: z.string().nullish(),
  locale: z.string().nullish(),
});
export type GraphUser = z.infer<typeof user>;

/** A page may hold fewer items than requested, or none, although there is a next page. */
const paging = z
  .object({ cursors: z.object({ after: z.string().nullish() }).nullish(), next: z.string().nullish() })
  .nullish();
const pageOf = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), paging });
export interface GraphPage<T> {
  data: T[];
  paging?: z.infer<typeof paging>;
}

/** Meta's cursor of the next page. Null if this page is the last one. */
export function nextCursor({ paging }: GraphPage<unknown>): string | null {
  return paging?.next == null ? null : (paging.cursors?.after ?? null);
}

/** The people and pages that take part in a conversation or message. */
const parties = z.object({ data: z.array(z.object({ id })) }).nullish();

export const conversation = z.object({
  id,
  participants: parties,
  link: z.string().nullish(),
  updated_time: moment,
  message_count: z.int().nullish(),
  unread_count: z.int().nullish(),
  can_reply: z.boolean().nullish(),
});
export type GraphConversation = z.infer<typeof conversation>;
export const conversationsPage = pageOf(conversation);

export const message = z.object({
  id,
  created_time: moment,
  message: z.string().nullish(),
  from: z.object({ id }).nullish(),
  to: parties,
});
export type GraphMessage = z.infer<typeof message>;
export const messagesPage = pageOf(message);

export const form = z.object({ id, name: z.string().nullish() });
export type GraphForm = z.infer<typeof form>;
export const formsPage = pageOf(form);

export const lead = z.object({
  id,
  form_id: id.nullish(),
  created_time: moment,
  campaign_name: z.string().nullish(),
  field_data: z.array(z.object({ name: z.string(), values: z.array(z.string()).nullish() })).nullish(),
});
export type GraphLead = z.infer<typeof lead>;
export const leadsPage = pageOf(lead);
