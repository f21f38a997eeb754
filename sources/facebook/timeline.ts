import {
  tooMany,
  type TimelineRequest,
  type TimelineDeclaration,
  type TimelineItem,
} from '../../src/index.js';
import type { MessageRecord } from './mapping.js';
import { conversationReader, messageReader } from './resolvers.js';
import { newestItems } from './walk.js';

const MAX_TITLE_LENGTH = 100;
const MAX_CONVERSATION_PAGES = 5;
const MAX_MESSAGE_PAGES = 20;
/** Later than every message. If no message of a conversation was read, even the newest one may be missing. */
const LAST_MOMENT = '9999-12-31T23:59:59Z';

/** Meta cannot search messages by time, so each conversation is read from its newest message back to the end of the page. */
export const timeline: TimelineDeclaration = {
  kinds: ['MESSAGE'],
  page: async (customer, request, { load }) => {
    const userIds = await customer.identifiers('facebookUserId');
    const conversations = await Promise.all(
      userIds.map((userId) =>
        newestItems(conversationReader(userId, load), {
          maxPages: MAX_CONVERSATION_PAGES,
          isEnough: () => false,
        }),
      ),
    );
    if (conversations.some(({ isComplete }) => !isComplete)) throw tooMany('facebook', 'conversations');
    const lists = await Promise.all(
      conversations
        .flatMap(({ items }) => items)
        .map((conversation) =>
          newestItems(messageReader(conversation, load), {
            maxPages: MAX_MESSAGE_PAGES,
            isEnough: (messages) => coversPage(messages, request),
          }),
        ),
    );
    return {
      items: lists.flatMap(({ items }) => items.map(toTimelineItem)),
      readBackTo: lists.flatMap(({ items, isComplete }) =>
        isComplete ? [] : [items.at(-1)?.createdAt ?? LAST_MOMENT],
      ),
    };
  },
};

/** Whether no older message of the conversation can be on the page. Messages come newest first. */
function coversPage(messages: readonly MessageRecord[], { first, before, since }: TimelineRequest): boolean {
  const oldest = messages.at(-1)?.createdAt;
  if (oldest === undefined) return false;
  if (since !== null && oldest < since) return true;
  const lastOnPage = messages.filter(({ createdAt }) => before === null || createdAt < before.at)[first - 1];
  return lastOnPage !== undefined && oldest < lastOnPage.createdAt;
}

function toTimelineItem({ recordId, text, createdAt }: MessageRecord): TimelineItem {
  const line = text?.replace(/\s+/g, ' ').trim() ?? null;
  return {
    kind: 'MESSAGE',
    at: createdAt,
    id: recordId,
    title: line !== null && line.length > MAX_TITLE_LENGTH ? `${line.slice(0, MAX_TITLE_LENGTH - 1)}…` : line,
  };
}
