import type { z } from 'zod';
import {
  alignMany,
  alignOne,
  defineLoader,
  pages,
  SourceContractError,
  SourceUnavailableError,
  type Connector,
  type GivenClient,
  type RestClient,
  type SeveralClient,
} from '../../src/index.js';
import { POST_FIELDS, toPost, toProfile, USER_FIELDS, type XProfileRecord } from './mapping.js';
import type { XPost } from './schema.generated.js';
import { postsPage, users, type Problem } from './wire.js';

/** The API, and the username of our own account. */
export type XClient = SeveralClient<{ api: Connector<RestClient>; organisation: Connector<GivenClient> }>;

/** `usernames` takes 100: the published contract, /2/users/by. */
const MAX_USERS = 100;

export const profiles = defineLoader<XClient, string, XProfileRecord | null>({
  name: 'profiles',
  maxBatch: MAX_USERS,
  about: (username) => [{ namespace: 'xUsername', value: username }],
  load: async (usernames, { api }) => {
    const answer = there(
      await api.get(users, '/2/users/by', { usernames: usernames.join(','), 'user.fields': USER_FIELDS }),
    );
    const found = alignOne(usernames, answer.data ?? [], {
      source: 'x',
      keyOf: ({ username }) => username.toLowerCase(),
    });
    const failed = new Set((answer.errors ?? []).filter(isFailure).map(({ value }) => nameOf(value)));
    return found.map((one, i) => {
      if (one !== null) return toProfile(one);
      // That there is no such account, or that it was suspended, is told as an error too.
      return failed.has(usernames[i] ?? '')
        ? new SourceUnavailableError('x', 'x cannot tell of an account at the moment.', {
            kind: 'server-error',
          })
        : null;
    });
  },
});

/** Of the problems that X tells of beside what it found, those that are X's own. */
function isFailure({ type }: Problem): boolean {
  return /\/(internal-error|field-hydration-failure|resource-unavailable)$/.test(type);
}

function nameOf(value: Problem['value']): string {
  return String(value ?? '').toLowerCase();
}

/** What an account wrote that mentions ours, newest first. */
export interface MentionsBy {
  posts: readonly XPost[];
  /** False when there is more than was read: these are then the newest. */
  isComplete: boolean;
}

/** That many names fit into a query of 512 characters, which is what the smaller plans allow. */
const MAX_AUTHORS = 20;
const POSTS_A_PAGE = 100;
const MAX_PAGES = 3;

export const mentionsBy = defineLoader<XClient, string, MentionsBy>({
  name: 'mentionsBy',
  maxBatch: MAX_AUTHORS,
  freshness: { maxAge: '5 minutes' },
  about: (username) => [{ namespace: 'xUsername', value: username }],
  load: async (usernames, { api, organisation }) => {
    const authors = usernames.map((username) => `from:${username}`).join(' OR ');
    const query = `(${authors}) @${organisation.value} -is:retweet`;
    const { items, isComplete } = await pages({
      source: 'x',
      what: 'posts',
      acceptPart: true,
      maxPages: MAX_PAGES,
      read: async (next: string | undefined) =>
        there(
          await api.get(postsPage, '/2/tweets/search/recent', {
            query,
            max_results: POSTS_A_PAGE,
            sort_order: 'recency',
            'post.fields': POST_FIELDS,
            // Who wrote a post comes with the author itself.
            expansions: 'author_id',
            'user.fields': 'username',
            next_token: next,
          }),
        ),
      items: postsIn,
      next: ({ meta }) => meta?.next_token,
    });
    // Posts of all come newest first, so what was not read is older than anything that was.
    return alignMany(usernames, items, {
      source: 'x',
      keyOf: ({ author }) => author,
      idOf: ({ post }) => post.id,
    }).map((own) => ({
      posts: own.map(({ post }) => post),
      isComplete,
    }));
  },
});

/** The posts of a page, each with the username of its author in lower case. */
function postsIn({ data = [], includes }: z.infer<typeof postsPage>): { author: string; post: XPost }[] {
  const names = new Map((includes?.users ?? []).map(({ id, username }) => [id, username]));
  return (data ?? []).map((post) => {
    const name = names.get(post.author_id);
    if (name === undefined)
      throw new SourceContractError('x', 'x sent a post without its author, at: includes.users.', {
        kind: 'wrong-record',
      });
    return { author: name.toLowerCase(), post: toPost(post, name) };
  });
}

/** Both paths are always there. */
function there<T>(answer: T | null): T {
  if (answer === null)
    throw new SourceContractError('x', 'x has no API at the address it is set to.', { kind: 'not-found' });
  return answer;
}
