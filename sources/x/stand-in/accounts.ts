import type { World } from '../../stand-ins/world.js';
import type { XPart } from '../../stand-ins/seed-x.js';

export interface Account extends XPart {
  name: string;
}

/** By username in lower case. */
export function createAccounts(world: World): ReadonlyMap<string, Account> {
  return new Map(
    world.people.flatMap(({ x, firstName, lastName }) =>
      x === undefined
        ? []
        : [[x.username.toLowerCase(), { ...x, name: `${firstName} ${lastName}` }] as const],
    ),
  );
}

export function userAnswer(account: Account, fields: readonly string[]): Record<string, unknown> {
  const all: Record<string, unknown> = {
    created_at: moment(account.createdAt),
    description: account.description,
    // X leaves out an empty location.
    ...(account.location !== '' && { location: account.location }),
    profile_image_url: `https://pbs.twimg.com/profile_images/${account.userId}/normal.png`,
    protected: false,
    public_metrics: {
      followers_count: account.followers,
      following_count: account.following,
      post_count: account.posts.length,
      listed_count: 0,
    },
    verified: account.isVerified,
  };
  return {
    id: account.userId,
    name: account.name,
    username: account.username,
    ...pick(all, fields),
  };
}

export function postAnswer(
  account: Account,
  post: XPart['posts'][number],
  fields: readonly string[],
): Record<string, unknown> {
  const all: Record<string, unknown> = {
    author_id: account.userId,
    created_at: moment(post.createdAt),
    lang: 'nl',
    public_metrics: {
      repost_count: 0,
      reply_count: post.replies,
      like_count: post.likes,
      quote_count: 0,
      bookmark_count: 0,
      impression_count: post.likes * 31,
    },
  };
  return { id: post.id, text: post.text, ...pick(all, fields) };
}

function pick(all: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(fields.filter((name) => name in all).map((name) => [name, all[name]]));
}

/** With milliseconds, as X writes times. */
function moment(text: string): string {
  return new Date(text).toISOString();
}
