import type { CustomerRecord } from '../../src/index.js';
import type { Conversation, FacebookProfile, FormSubmission, Message } from './schema.generated.js';
import type { GraphConversation, GraphForm, GraphLead, GraphMessage, GraphUser } from './wire.js';

/** The fields of a record. Its resolvers compute the others. */
type Stored<Type, Resolved extends keyof Type = never> = Omit<Type, 'id' | Resolved>;

export type FacebookProfileRecord = Omit<FacebookProfile, 'conversations'>;
export type MessageRecord = Stored<Message>;

/** A person as Meta describes them, which is also a customer's record. */
export interface UserRecord extends CustomerRecord {
  facebookProfile: FacebookProfileRecord;
}

export const USER_FIELDS = 'id,name,first_name,last_name,profile_pic,locale';

export function toUser(user: GraphUser): UserRecord {
  const name = user.name ?? ([user.first_name, user.last_name].filter(Boolean).join(' ') || null);
  const language = user.locale?.replace('_', '-') ?? null;
  return {
    id: user.id,
    identifiers: [],
    profile: { name, language },
    facebookProfile: {
      recordId: user.id,
      name,
      firstName: user.first_name ?? null,
      lastName: user.last_name ?? null,
      pictureUrl: user.profile_pic ?? null,
      language,
    },
  };
}

export interface ConversationRecord extends Stored<Conversation, 'messages'> {
  userId: string;
}

export const CONVERSATION_FIELDS = 'id,participants,link,updated_time,message_count,unread_count,can_reply';

export function toConversation(conversation: GraphConversation, userId: string): ConversationRecord {
  return {
    recordId: conversation.id,
    userId,
    // Meta sends only a path on its site.
    url: conversation.link == null ? null : new URL(conversation.link, 'https://www.facebook.com').href,
    updatedAt: conversation.updated_time,
    messageCount: conversation.message_count ?? null,
    unreadCount: conversation.unread_count ?? null,
    canReply: conversation.can_reply ?? null,
  };
}

export const MESSAGE_FIELDS = 'id,created_time,from,to,message';

export function toMessage(message: GraphMessage, userId: string): MessageRecord {
  return {
    recordId: message.id,
    text: message.message == null || message.message === '' ? null : message.message,
    isByCustomer: message.from?.id === userId,
    createdAt: message.created_time,
  };
}

export interface FormSubmissionRecord extends Stored<FormSubmission> {
  /** In lower case. */
  emails: readonly string[];
}

export const LEAD_FIELDS = 'id,form_id,created_time,campaign_name,field_data';

/** The names of Meta's own questions for an e-mail address. */
const EMAIL_QUESTIONS = new Set(['email', 'work_email']);

export function toFormSubmission(lead: GraphLead, form: GraphForm): FormSubmissionRecord {
  const answers = (lead.field_data ?? []).map(({ name, values }) => ({
    question: name,
    values: [...(values ?? [])],
  }));
  return {
    recordId: lead.id,
    formName: form.name ?? null,
    campaign: lead.campaign_name ?? null,
    submittedAt: lead.created_time,
    answers,
    emails: answers
      .filter(({ question }) => EMAIL_QUESTIONS.has(question))
      .flatMap(({ values }) => values.map((value) => value.trim().toLowerCase())),
  };
}
