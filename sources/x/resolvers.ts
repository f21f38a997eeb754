import { pageSize, tooMany } from '../../src/index.js';
import { mentionsBy, profiles } from './loaders.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/x.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    xProfile: async (customer, _, { load }) => {
      // X knows accounts and no customers: a system that does says which one is theirs.
      const [username] = await customer.heldValues('xUsername');
      return username === undefined ? null : load(profiles, username);
    },
  },
  XProfile: {
    mentions: async ({ username }, { first }, { load }) => {
      const size = pageSize(first);
      const { posts, isComplete } = await load(mentionsBy, username.toLowerCase());
      if (posts.length < size && !isComplete) throw tooMany('x', 'posts');
      return posts.slice(0, size);
    },
  },
};
