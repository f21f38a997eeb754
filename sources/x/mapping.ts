import type { Post, XProfile } from './schema.generated.js';
import type { WirePost, WireUser } from './wire.js';

export type XProfileRecord = Omit<XProfile, 'mentions'>;

/** X sends only the requested fields. Without this list it sends id, name and username. */
export const USER_FIELDS = [
  'created_at',
  'description',
  'location',
  'profile_image_url',
  'protected',
  'public_metrics',
  'verified',
].join(',');

export function toProfile(user: WireUser): XProfileRecord {
  const metrics = user.public_metrics;
  return {
    recordId: user.id,
    username: user.username,
    url: `https://x.com/${user.username}`,
    name: user.name ?? null,
    description: toText(user.description),
    location: toText(user.location),
    imageUrl: toText(user.profile_image_url),
    isVerified: user.verified ?? null,
    isProtected: user.protected ?? null,
    followerCount: toCount(metrics?.followers_count),
    followingCount: toCount(metrics?.following_count),
    postCount: toCount(metrics?.post_count ?? metrics?.tweet_count),
    createdAt: user.created_at == null ? null : new Date(user.created_at).toISOString(),
  };
}

export const POST_FIELDS = 'created_at,lang,public_metrics';

export function toPost(post: WirePost, username: string): Post {
  return {
    recordId: post.id,
    text: post.text,
    url: `https://x.com/${username}/status/${post.id}`,
    language: post.lang ?? null,
    likeCount: toCount(post.public_metrics?.like_count),
    replyCount: toCount(post.public_metrics?.reply_count),
    createdAt: new Date(post.created_at).toISOString(),
  };
}

/** X sends an empty text for a missing one. */
function toText(text: string | null | undefined): string | null {
  return text == null || text === '' ? null : text;
}

function toCount(count: number | null | undefined): string | null {
  return count == null ? null : String(count);
}
