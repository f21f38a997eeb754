import { z } from 'zod';

/**
 * The parts of X's answers that are read: https://docs.x.com/x-api. Ids have 64 bits and are sent as text. The published
 * contract calls a former tweet a post, but some members still have the old name.
 */

const id = z.string().regex(/^\d{1,19}$/);
const moment = z.iso.datetime({ offset: true });
const count = z.int().nonnegative().nullish();

export const user = z.object({
  id,
  username: z.string().regex(/^\w{1,15}$/),
  name: z.string().nullish(),
  description: z.string().nullish(),
  location: z.string().nullish(),
  profile_image_url: z.string().nullish(),
  verified: z.boolean().nullish(),
  protected: z.boolean().nullish(),
  created_at: moment.nullish(),
  public_metrics: z
    .object({ followers_count: count, following_count: count, post_count: count, tweet_count: count })
    .nullish(),
});
export type WireUser = z.infer<typeof user>;

/** The reason for a missing part of an answer. */
const problem = z.object({
  type: z.string(),
  resource_type: z.string().nullish(),
  value: z.union([z.string(), z.number()]).nullish(),
});
export type WireProblem = z.infer<typeof problem>;

/** If nothing was found, there is no `data`. */
export const users = z.object({ data: z.array(user).nullish(), errors: z.array(problem).nullish() });

export const post = z.object({
  id,
  text: z.string(),
  author_id: id,
  lang: z.string().nullish(),
  created_at: moment,
  public_metrics: z.object({ like_count: count, reply_count: count }).nullish(),
});
export type WirePost = z.infer<typeof post>;

export const postsPage = z.object({
  data: z.array(post).nullish(),
  includes: z.object({ users: z.array(user.pick({ id: true, username: true })).nullish() }).nullish(),
  meta: z.object({ next_token: z.string().nullish() }).nullish(),
});
