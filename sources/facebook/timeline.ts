import { tooMany, type TimelineDeclaration, type TimelineItem } from '../../src/index.js';
import { conversationsOfUsers } from './loaders.js';
import { messagesOf } from './resolvers.js';
import type { FacebookMessage } from './schema.generated.js';

const MAX_TITLE = 100;
/** Later than every message. If nothing of a conversation was read, even its newest message may be missing. */
const LAST_MOMENT = '9999-12-31T23:59:59Z';

/** Meta cannot be asked for messages before a moment, so the newest messages of each conversation are read. */
export const timeline: TimelineDeclaration = {
  kinds: ['MESSAGE'],
  page: async (customer, _, { load }) => {
    const userIds = await customer.identifiers('facebookUserId');
    const conversations = await Promise.all(userIds.map((userId) => load(conversationsOfUsers, userId)));
    if (conversations.some(({ isComplete }) => !isComplete)) throw tooMany('facebook', 'conversations');
    const lists = await Promise.all(
      conversations.flatMap(({ items }) => items.map((one) => messagesOf(one, load))),
    );
    return {
      items: lists.flatMap(({ items }) => items.map(toTimelineItem)),
      readBackTo: lists.flatMap(({ items, isComplete }) =>
        isComplete ? [] : [items.at(-1)?.createdAt ?? LAST_MOMENT],
      ),
    };
  },
};

function toTimelineItem({ id, text, createdAt }: FacebookMessage): TimelineItem {
  const line = text?.replace(/\s+/g, ' ').trim() ?? null;
  return {
    kind: 'MESSAGE',
    at: createdAt,
    id,
    title: line !== null && line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE - 1)}…` : line,
  };
}
