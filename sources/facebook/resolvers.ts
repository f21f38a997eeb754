import {
  connection,
  connectionOfList,
  globalId,
  pageSize,
  tooMany,
  type Context,
  type PageArguments,
} from '../../src/index.js';
import { conversationPages, formSubmissions, messagePages, type ListPage } from './loaders.js';
import type { ConversationRecord, MessageRecord } from './mapping.js';
import type { Resolvers } from './schema.generated.js';
import { itemsAfter, readCursor, toCursor } from './walk.js';

/** The names of the lists in their cursors. */
const CONVERSATIONS = 'FacebookProfile.conversations';
const MESSAGES = 'Conversation.messages';
const FORM_SUBMISSIONS = 'Customer.formSubmissions';

/** Answers schema/sources/facebook.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    formSubmissions: async (customer, { first, after }, { load }) => {
      const emails = new Set(await customer.heldValues('email'));
      const { items, isComplete } =
        emails.size === 0 ? { items: [], isComplete: true } : await load(formSubmissions, 'all');
      const submissions = items.filter((submission) => submission.emails.some((email) => emails.has(email)));
      const page = connectionOfList(
        submissions,
        { first, after },
        {
          name: FORM_SUBMISSIONS,
          positionOf: ({ submittedAt, recordId }) => [submittedAt, recordId],
        },
      );
      // A list that was read in part cannot show that it has no more items.
      if (!isComplete && !page.pageInfo.hasNextPage) throw tooMany('facebook', 'form submissions');
      return page;
    },
  },
  FacebookProfile: {
    conversations: ({ recordId }, page, { load }) =>
      pageOf(
        {
          name: CONVERSATIONS,
          what: 'conversations',
          readPage: conversationReader(recordId, load),
          positionOf: ({ updatedAt, recordId: id }) => ({ at: updatedAt, id }),
        },
        page,
      ),
  },
  Conversation: {
    id: ({ recordId }) => globalId('Conversation', recordId),
    messages: (conversation, page, { load }) =>
      pageOf(
        {
          name: MESSAGES,
          what: 'messages',
          readPage: messageReader(conversation, load),
          positionOf: ({ createdAt, recordId: id }) => ({ at: createdAt, id }),
        },
        page,
      ),
  },
  Message: { id: ({ recordId }) => globalId('Message', recordId) },
  FormSubmission: { id: ({ recordId }) => globalId('FormSubmission', recordId) },
};

/** One page of a list that Meta pages by its own cursors. */
async function pageOf<Item>(
  list: Parameters<typeof itemsAfter<Item>>[0] & { name: string },
  { first, after }: PageArguments,
) {
  const size = pageSize(first);
  const found = await itemsAfter(list, readCursor(list.name, after), size + 1);
  return connection(found, size, {
    nodeOf: ({ item }) => item,
    cursorOf: ({ position }) => toCursor(list.name, position),
  });
}

/** Reads the pages of a user's conversations, by Meta's cursor. */
export function conversationReader(
  userId: string,
  load: Context['load'],
): (cursor: string | null) => Promise<ListPage<ConversationRecord>> {
  return (cursor) => load(conversationPages, { userId, cursor });
}

/** Reads the pages of a conversation's messages, by Meta's cursor. */
export function messageReader(
  { recordId, userId }: ConversationRecord,
  load: Context['load'],
): (cursor: string | null) => Promise<ListPage<MessageRecord>> {
  return (cursor) => load(messagePages, { conversationId: recordId, userId, cursor });
}
