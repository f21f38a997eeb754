import { pageSize, tooMany, type Context, type PagedList } from '../../src/index.js';
import { conversationsOfUsers, leadsOfPage, messagesOfConversations } from './loaders.js';
import type { FacebookConversationRecord } from './mapping.js';
import type { FacebookMessage, Resolvers } from './schema.generated.js';

/** Answers schema/sources/facebook.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    facebookLeads: async (customer, { first }, { load }) => {
      const size = pageSize(first);
      const emails = new Set(await customer.heldValues('email'));
      if (emails.size === 0) return [];
      const all = await load(leadsOfPage, 'all');
      const own = all.items
        .filter((lead) => lead.emails.some((email) => emails.has(email)))
        .sort((one, other) => other.createdAt.localeCompare(one.createdAt) || other.id.localeCompare(one.id));
      return firstOf({ items: own, isComplete: all.isComplete }, size, 'leads');
    },
  },
  FacebookProfile: {
    conversations: async ({ id }, { first }, { load }) =>
      firstOf(await load(conversationsOfUsers, id), pageSize(first), 'conversations'),
  },
  FacebookConversation: {
    messages: async (conversation, { first }, { load }) =>
      firstOf(await messagesOf(conversation, load), pageSize(first), 'messages'),
  },
};

export function messagesOf(
  { id, userId }: FacebookConversationRecord,
  load: Context['load'],
): Promise<PagedList<FacebookMessage>> {
  return load(messagesOfConversations, { conversationId: id, userId });
}

/** Of a list that was not read to its end nobody can say that it has no more. */
export function firstOf<T>({ items, isComplete }: PagedList<T>, size: number, what: string): T[] {
  if (items.length < size && !isComplete) throw tooMany('facebook', what);
  return items.slice(0, size);
}
