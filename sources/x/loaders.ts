import type { z } from 'zod';
import {
  alignMany,
  alignOne,
  callEach,
  defineLoader,
  pages,
  SourceContractError,
  SourceUnavailableError,
  type Connector,
  type SettingClient,
  type PagedList,
  type RestClient,
  type CombinedClient,
} from '../../src/index.js';
import { POST_FIELDS, toPost, toProfile, USER_FIELDS, type XProfileRecord } from './mapping.js';
import type { Post } from './schema.generated.js';
import { postsPage, users, type WireProblem } from './wire.js';

/** The API, and the username of the organisation's account. */
export type XClient = CombinedClient<{ api: Connector<RestClient>; organisation: Connector<SettingClient> }>;

/** `usernames` takes 100: the published contract, /2/users/by. */
const MAX_USERS_PER_CALL = 100;

export const profiles = defineLoader<XClient, string, XProfileRecord | null>({
  name: 'profiles',
  maxBatch: MAX_USERS_PER_CALL,
  about: (username) => [{ namespace: 'xUsername', value: username }],
  load: async (usernames, { api }) => {
    const answer = requireAnswer(
      await api.get(users, '/2/users/by', { usernames: usernames.join(','), 'user.fields': USER_FIELDS }),
    );
    const found = alignOne(usernames, answer.data ?? [], {
      source: 'x',
      keyOf: ({ username }) => username.toLowerCase(),
    });
    const failed = new Set((answer.errors ?? []).filter(isFailure).map(({ value }) => toUsername(value)));
    return found.map((user, i) => {
      if (user !== null) return toProfile(user);
      // X also reports an unknown or suspended account as an error.
      return failed.has(usernames[i] ?? '')
        ? new SourceUnavailableError('x', 'x could not read an account.', { kind: 'server-error' })
        : null;
    });
  },
});

/** Whether a problem in a partial answer is X's own failure. */
function isFailure({ type }: WireProblem): boolean {
  return /\/(internal-error|field-hydration-failure|resource-unavailable)$/.test(type);
}

function toUsername(value: WireProblem['value']): string {
  return String(value ?? '').toLowerCase();
}

/** 20 usernames fit into a query of 512 characters, the limit of the smaller plans. */
const MAX_AUTHORS_PER_CALL = 20;
const POSTS_PER_PAGE = 100;
const MAX_PAGES = 3;

/** The newest posts of each author. `isComplete` is false if there are older ones. */
export const newestMentions = defineLoader<XClient, string, PagedList<Post>>({
  name: 'newestMentions',
  maxBatch: MAX_AUTHORS_PER_CALL,
  freshness: { maxAge: '5 minutes' },
  about: (username) => [{ namespace: 'xUsername', value: username }],
  load: async (usernames, client) => {
    const { items, isComplete } = await searchMentions(client, { usernames, maxPages: MAX_PAGES });
    // The search sorts the posts of all authors by time. So a post that was not read is older than those that were.
    return alignPosts(usernames, items).map((posts) => ({ items: posts, isComplete }));
  },
});

/** The posts of one author that are older than a post. */
export interface OlderMentionsKey {
  username: string;
  /** The id of that post. Null for the newest posts. */
  beforeId: string | null;
}

export const olderMentions = defineLoader<XClient, OlderMentionsKey, PagedList<Post>>({
  name: 'olderMentions',
  freshness: { maxAge: '5 minutes' },
  keyText: ({ username, beforeId }) => JSON.stringify([username, beforeId]),
  about: ({ username }) => [{ namespace: 'xUsername', value: username }],
  loadEach: (keys, client) =>
    callEach(keys, async ({ username, beforeId }) => {
      const { items, isComplete } = await searchMentions(client, {
        usernames: [username],
        maxPages: 1,
        ...(beforeId !== null && { beforeId }),
      });
      if (beforeId !== null && items.some(({ post }) => BigInt(post.recordId) >= BigInt(beforeId)))
        throw new SourceContractError('x', 'x sent posts that are newer than requested by until_id.', {
          kind: 'wrong-record',
        });
      const [posts = []] = alignPosts([username], items);
      return { items: posts, isComplete };
    }),
});

interface AuthoredPost {
  /** In lower case. */
  author: string;
  post: Post;
}

/** Searches the last seven days for posts that mention the organisation, newest first. */
function searchMentions(
  { api, organisation }: XClient,
  { usernames, maxPages, beforeId }: { usernames: readonly string[]; maxPages: number; beforeId?: string },
): Promise<PagedList<AuthoredPost>> {
  const authors = usernames.map((username) => `from:${username}`).join(' OR ');
  return pages({
    source: 'x',
    what: 'posts',
    acceptPart: true,
    maxPages,
    read: async (nextToken: string | undefined) =>
      requireAnswer(
        await api.get(postsPage, '/2/tweets/search/recent', {
          query: `(${authors}) @${organisation.value} -is:retweet`,
          max_results: POSTS_PER_PAGE,
          sort_order: 'recency',
          until_id: beforeId,
          'post.fields': POST_FIELDS,
          // The username of an author is a field of the expanded author.
          expansions: 'author_id',
          'user.fields': 'username',
          next_token: nextToken,
        }),
      ),
    items: readPosts,
    next: ({ meta }) => meta?.next_token,
  });
}

function alignPosts(usernames: readonly string[], posts: readonly AuthoredPost[]): Post[][] {
  return alignMany(usernames, posts, {
    source: 'x',
    keyOf: ({ author }) => author,
    idOf: ({ post }) => post.recordId,
  }).map((authored) => authored.map(({ post }) => post));
}

function readPosts({ data = [], includes }: z.infer<typeof postsPage>): AuthoredPost[] {
  const usernames = new Map((includes?.users ?? []).map(({ id, username }) => [id, username]));
  return (data ?? []).map((post) => {
    const username = usernames.get(post.author_id);
    if (username === undefined)
      throw new SourceContractError('x', 'x sent a post without its author, at: includes.users.', {
        kind: 'wrong-record',
      });
    return { author: username.toLowerCase(), post: toPost(post, username) };
  });
}

/** Both paths exist in every version of the API, so a 404 means that the address is wrong. */
function requireAnswer<T>(answer: T | null): T {
  if (answer === null)
    throw new SourceContractError('x', 'x has no API v2 at the address in X_URL.', { kind: 'not-found' });
  return answer;
}
