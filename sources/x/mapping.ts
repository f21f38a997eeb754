import type { XPost, XProfile } from './schema.generated.js';
import type { Post, User } from './wire.js';

export type XProfileRecord = Omit<XProfile, 'mentions'>;

/** Only what is asked for comes; without these it would be id, name and username. */
export const USER_FIELDS = [
  'created_at',
  'description',
  'location',
  'profile_image_url',
  'protected',
  'public_metrics',
  'verified',
].join(',');

export function toProfile(one: User): XProfileRecord {
  const metrics = one.public_metrics;
  return {
    id: one.id,
    username: one.username,
    url: `https://x.com/${one.username}`,
    name: one.name ?? null,
    description: textOf(one.description),
    location: textOf(one.location),
    imageUrl: textOf(one.profile_image_url),
    isVerified: one.verified ?? null,
    isProtected: one.protected ?? null,
    followers: countOf(metrics?.followers_count),
    following: countOf(metrics?.following_count),
    posts: countOf(metrics?.post_count ?? metrics?.tweet_count),
    createdAt: one.created_at == null ? null : new Date(one.created_at).toISOString(),
  };
}

export const POST_FIELDS = 'created_at,lang,public_metrics';

export function toPost(one: Post, username: string): XPost {
  return {
    id: one.id,
    text: one.text,
    url: `https://x.com/${username}/status/${one.id}`,
    language: one.lang ?? null,
    likes: countOf(one.public_metrics?.like_count),
    replies: countOf(one.public_metrics?.reply_count),
    createdAt: new Date(one.created_at).toISOString(),
  };
}

function textOf(text: string | null | undefined): string | null {
  return text == null || text === '' ? null : text;
}

function countOf(count: number | null | undefined): string | null {
  return count == null ? null : String(count);
}
