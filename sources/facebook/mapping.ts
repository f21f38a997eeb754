import type { CustomerRecord } from '../../src/index.js';
import type {
  FacebookConversation,
  FacebookLead,
  FacebookMessage,
  FacebookProfile,
} from './schema.generated.js';
import type { Conversation, Form, Lead, Message, User } from './wire.js';

export type FacebookProfileRecord = Omit<FacebookProfile, 'conversations'>;

/** What Meta tells of somebody, as a customer's record too. */
export interface UserRecord extends CustomerRecord {
  facebookProfile: FacebookProfileRecord;
}

export const USER_FIELDS = 'id,name,first_name,last_name,profile_pic,locale';

export function toUser(one: User): UserRecord {
  const name = one.name ?? ([one.first_name, one.last_name].filter(Boolean).join(' ') || null);
  const language = one.locale?.replace('_', '-') ?? null;
  return {
    id: one.id,
    identifiers: [],
    profile: { name, language },
    facebookProfile: {
      id: one.id,
      name,
      firstName: one.first_name ?? null,
      lastName: one.last_name ?? null,
      pictureUrl: one.profile_pic ?? null,
      language,
    },
  };
}

export interface FacebookConversationRecord extends Omit<FacebookConversation, 'messages'> {
  userId: string;
}

export const CONVERSATION_FIELDS = 'id,participants,link,updated_time,message_count,unread_count,can_reply';

export function toConversation(one: Conversation, userId: string): FacebookConversationRecord {
  return {
    id: one.id,
    userId,
    // It is a path on the site.
    url: one.link == null ? null : new URL(one.link, 'https://www.facebook.com').href,
    updatedAt: one.updated_time,
    messageCount: one.message_count ?? null,
    unreadCount: one.unread_count ?? null,
    canReply: one.can_reply ?? null,
  };
}

export const MESSAGE_FIELDS = 'id,created_time,from,to,message';

export function toMessage(one: Message, userId: string): FacebookMessage {
  return {
    id: one.id,
    text: one.message == null || one.message === '' ? null : one.message,
    byCustomer: one.from?.id === userId,
    createdAt: one.created_time,
  };
}

export interface LeadRecord extends FacebookLead {
  /** In lower case. */
  emails: readonly string[];
}

export const LEAD_FIELDS = 'id,form_id,created_time,campaign_name,field_data';

/** The names that Meta's own questions for an address have. */
const EMAIL_QUESTIONS = new Set(['email', 'work_email']);

export function toLead(one: Lead, form: Form): LeadRecord {
  const answers = (one.field_data ?? []).map(({ name, values }) => ({
    question: name,
    values: [...(values ?? [])],
  }));
  return {
    id: one.id,
    form: form.name ?? null,
    campaign: one.campaign_name ?? null,
    createdAt: one.created_time,
    answers,
    emails: answers
      .filter(({ question }) => EMAIL_QUESTIONS.has(question))
      .flatMap(({ values }) => values.map((value) => value.trim().toLowerCase())),
  };
}
