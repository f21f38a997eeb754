import { expect, it } from 'vitest';
import { toPost, toProfile } from '../../sources/x/mapping.js';
import { post, user } from '../../sources/x/wire.js';

const id = '9223372036854775807';

it('a profile of X has each field in its place', () => {
  const fields = {
    ...{ name: 'Anna', description: 'Bakes', location: 'Ede', profile_image_url: 'https://x.example/a.png' },
    ...{ verified: false, protected: true, created_at: '2026-10-01T12:00:00+02:00' },
    public_metrics: { followers_count: 1, following_count: 0, post_count: 3, tweet_count: 4 },
  };
  expect(toProfile(user.parse({ id, username: 'anna_x', ...fields }))).toEqual({
    ...{ recordId: id, username: 'anna_x', url: 'https://x.com/anna_x', name: 'Anna', description: 'Bakes' },
    ...{ location: 'Ede', imageUrl: 'https://x.example/a.png', isVerified: false, isProtected: true },
    ...{ followerCount: '1', followingCount: '0', postCount: '3', createdAt: '2026-10-01T10:00:00.000Z' },
  });
});

it.each<[object, object]>([
  [{}, { followerCount: null, followingCount: null, postCount: null, isVerified: null, isProtected: null }],
  [{}, { name: null, description: null, location: null, imageUrl: null, createdAt: null }],
  [
    { description: '', location: '', profile_image_url: '' },
    { description: null, location: null, imageUrl: null },
  ],
  [{ public_metrics: { tweet_count: 4 } }, { postCount: '4' }],
  [{ public_metrics: { post_count: 0, tweet_count: 4 } }, { postCount: '0' }],
])('a profile of X with only %j has %j', (fields, expected) => {
  expect(toProfile(user.parse({ id, username: 'anna_x', ...fields }))).toMatchObject(expected);
});

it('a post of X has each field in its place', () => {
  const plain = { id, text: 'Hello', author_id: '7', created_at: '2026-10-01T12:00:00Z' };
  const fields = { lang: 'nl', public_metrics: { like_count: 0, reply_count: 2 } };
  const read = { recordId: id, text: 'Hello', url: `https://x.com/anna_x/status/${id}` };
  const createdAt = '2026-10-01T12:00:00.000Z';
  expect(toPost(post.parse({ ...plain, ...fields }), 'anna_x')).toEqual({
    ...{ ...read, language: 'nl', likeCount: '0', replyCount: '2', createdAt },
  });
  expect(toPost(post.parse(plain), 'anna_x')).toEqual({
    ...{ ...read, language: null, likeCount: null, replyCount: null, createdAt },
  });
});
