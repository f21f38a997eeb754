import { tooMany, type SourceDefinition } from '../../src/index.js';
import { conversationsOfUsers } from './loaders.js';
import { messagesOf } from './resolvers.js';
import type { FacebookMessage } from './schema.generated.js';

type TimelineDeclaration = NonNullable<SourceDefinition['timeline']>;
type TimelineItem = Awaited<ReturnType<TimelineDeclaration['page']>>[number];

const MAX_TITLE = 100;

/** Meta cannot be asked for messages before a moment, so pages are cut from the newest messages of each conversation. */
export const timeline: TimelineDeclaration = {
  kinds: ['MESSAGE'],
  page: async (customer, { first, before, since }, { load }) => {
    const userIds = await customer.identifiers('facebookUserId');
    const conversations = await Promise.all(userIds.map((userId) => load(conversationsOfUsers, userId)));
    if (conversations.some(({ isWhole }) => !isWhole)) throw tooMany('facebook', 'conversations');
    const lists = await Promise.all(
      conversations.flatMap(({ items }) => items.map((one) => messagesOf(one, load))),
    );
    const items = lists
      .flatMap((list) => list.items.map(toTimelineItem))
      .filter(
        ({ at, id }) =>
          (since === null || at >= since) &&
          (before === null || at < before.at || (at === before.at && id < before.id)),
      )
      .sort((one, other) => downwards(one.at, other.at) || downwards(one.id, other.id))
      .slice(0, first);
    // What was not read of a conversation is older than all that was; it is missed when the page reaches as far back.
    const reached = items.length < first ? (since ?? '') : (items.at(-1)?.at ?? '');
    const isMissed = lists.some((list) => {
      const oldest = list.items.at(-1);
      return !list.isWhole && oldest !== undefined && toTimelineItem(oldest).at >= reached;
    });
    if (isMissed) throw tooMany('facebook', 'messages');
    return items;
  },
};

function toTimelineItem({ id, text, createdAt }: FacebookMessage): TimelineItem {
  const line = text?.replace(/\s+/g, ' ').trim() ?? null;
  return {
    kind: 'MESSAGE',
    // With as many decimals as the moments that it is compared with.
    at: createdAt.replace('Z', '000Z'),
    id,
    title: line !== null && line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE - 1)}…` : line,
  };
}

function downwards(one: string, other: string): number {
  return one === other ? 0 : one < other ? 1 : -1;
}
