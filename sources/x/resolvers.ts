import {
  connection,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  tooMany,
  type Context,
} from '../../src/index.js';
import { newestMentions, olderMentions, profiles } from './loaders.js';
import type { Post, Resolvers } from './schema.generated.js';

/** The name of the list in its cursors. */
const MENTIONS = 'XProfile.mentions';

/** Answers schema/sources/x.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    xProfile: async (customer, _, { load }) => {
      // X knows accounts but no customers. Another system's record names the customer's account.
      const [username] = await customer.heldValues('xUsername');
      return username === undefined ? null : load(profiles, username);
    },
  },
  XProfile: {
    mentions: async ({ username }, { first, after }, { load }) => {
      const size = pageSize(first);
      const found = await mentionsAfter(username.toLowerCase(), readCursor(after), size + 1, load);
      return connection(found, size, {
        nodeOf: ({ post }) => post,
        cursorOf: ({ position }) => encodeCursor(MENTIONS, [position.at, String(position.count)]),
      });
    },
  },
};

/** A post's position in its author's posts. The post's id is masked for some callers, so it is not part of a cursor. */
interface Position {
  at: string;
  /** How many posts of this moment come before this one. */
  count: number;
}

/** Up to `count` posts after a position: the newest posts in a batch with other authors, then older ones by one author. */
async function mentionsAfter(
  username: string,
  after: Position | null,
  count: number,
  load: Context['load'],
): Promise<{ post: Post; position: Position }[]> {
  const found: { post: Post; position: Position }[] = [];
  let { items, isComplete } = await load(newestMentions, username);
  let last: Position & { id: string | null } = { at: '', count: 0, id: null };
  for (;;) {
    for (const post of items) {
      const { createdAt: at, recordId: id } = post;
      last = { at, count: at === last.at ? last.count + 1 : 0, id };
      const isAfter = after === null || at < after.at || (at === after.at && last.count > after.count);
      if (isAfter) found.push({ post, position: { at, count: last.count } });
    }
    if (isComplete || found.length >= count) return found.slice(0, count);
    const older = await load(olderMentions, { username, beforeId: last.id });
    if (older.items.length === 0 && !older.isComplete) throw tooMany('x', 'posts');
    ({ items, isComplete } = older);
  }
}

function readCursor(after: string | null | undefined): Position | null {
  if (after == null) return null;
  const [at = '', count = ''] = decodeCursor(MENTIONS, after, 2);
  if (!/^\d{1,9}$/.test(count)) throw invalidCursor();
  return { at, count: Number(count) };
}
