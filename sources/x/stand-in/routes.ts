import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import { worldNow } from '../../stand-ins/seed-time.js';
import type { World } from '../../stand-ins/world.js';
import { invalid, notImitated, ok } from './answers.js';
import { createAccounts, postAnswer, userAnswer, type Account } from './accounts.js';

const maxUsernames = 100;
const usernamePattern = /^[A-Za-z0-9_]{1,15}$/;
const sevenDaysMs = 7 * 24 * 60 * 60_000;

export function createRoutes(world: World): (call: HttpCall) => HttpAnswer {
  const accounts = createAccounts(world);
  return (call) => {
    if (call.method !== 'GET') return notImitated(call.method);
    if (call.path === '/2/users/by') return usersBy(accounts, call.query);
    if (call.path === '/2/tweets/search/recent') return searchRecent(accounts, call.query);
    return notImitated('this path');
  };
}

/** The order is that of the accounts, not of the request. Clients must match by the username. */
function usersBy(accounts: ReadonlyMap<string, Account>, query: URLSearchParams): HttpAnswer {
  const usernames = listIn(query, 'usernames');
  if (usernames.length < 1 || usernames.length > maxUsernames)
    return invalid('usernames', `usernames must have from 1 to ${maxUsernames} items`);
  for (const username of usernames)
    if (!usernamePattern.test(username))
      return invalid(
        'usernames',
        `The usernames query parameter value does not match ${usernamePattern.source}`,
      );
  const requested = new Set(usernames.map((username) => username.toLowerCase()));
  const data = [...accounts.values()]
    .filter(({ username }) => requested.has(username.toLowerCase()))
    .map((account) => userAnswer(account, listIn(query, 'user.fields')));
  const errors = usernames
    .filter((username) => !accounts.has(username.toLowerCase()))
    .map((value) => ({
      value,
      detail: `Could not find user with usernames: [${value}].`,
      title: 'Not Found Error',
      resource_type: 'user',
      parameter: 'usernames',
      resource_id: value,
      type: 'https://api.x.com/2/problems/resource-not-found',
    }));
  return ok({ ...(data.length > 0 && { data }), ...(errors.length > 0 && { errors }) });
}

function searchRecent(accounts: ReadonlyMap<string, Account>, query: URLSearchParams): HttpAnswer {
  const text = query.get('query') ?? '';
  if (text.length < 1 || text.length > 4_096) return invalid('query', 'query has from 1 to 4096 characters');
  const [, authors, mentioned] = /^\((from:\w+(?: OR from:\w+)*)\) @(\w+) -is:retweet$/.exec(text) ?? [];
  if (authors === undefined || mentioned === undefined) return notImitated('such a query');
  const limit = query.get('max_results') ?? '10';
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 10 || Number(limit) > 100)
    return invalid('max_results', 'max_results is a number from 10 to 100');
  const token = query.get('next_token') ?? query.get('pagination_token') ?? 'p0';
  const [, start] = /^p(\d{1,9})$/.exec(token) ?? [];
  if (start === undefined) return invalid('next_token', 'next_token is not valid');

  const untilId = query.get('until_id');
  if (untilId !== null && !/^\d{1,19}$/.test(untilId)) return invalid('until_id', 'until_id is not valid');

  const names = authors.split(' OR ').map((value) => value.replace('from:', '').toLowerCase());
  const mention = new RegExp(`@${mentioned}\\b`, 'i');
  const since = Date.parse(worldNow) - sevenDaysMs;
  const matches = [...new Set(names)]
    .flatMap((name) => {
      const account = accounts.get(name);
      return account === undefined ? [] : account.posts.map((post) => ({ account, post }));
    })
    .filter(({ post }) => mention.test(post.text) && Date.parse(post.createdAt) >= since)
    .filter(({ post }) => untilId === null || BigInt(post.id) < BigInt(untilId))
    .sort((a, b) => Date.parse(b.post.createdAt) - Date.parse(a.post.createdAt));
  const page = matches.slice(Number(start), Number(start) + Number(limit));
  const end = Number(start) + page.length;
  const isExpanded = listIn(query, 'expansions').includes('author_id');
  const fields = [...listIn(query, 'post.fields'), ...listIn(query, 'tweet.fields')];
  if (isExpanded) fields.push('author_id');
  const meta = {
    ...(page.length > 0 && { newest_id: page[0]?.post.id, oldest_id: page.at(-1)?.post.id }),
    result_count: page.length,
    ...(end < matches.length && { next_token: `p${end}` }),
  };
  const users = [...new Set(page.map(({ account }) => account))];
  return ok({
    ...(page.length > 0 && { data: page.map(({ account, post }) => postAnswer(account, post, fields)) }),
    ...(isExpanded &&
      users.length > 0 && {
        includes: { users: users.map((user) => userAnswer(user, listIn(query, 'user.fields'))) },
      }),
    meta,
  });
}

function listIn(query: URLSearchParams, name: string): string[] {
  return (query.get(name) ?? '').split(',').filter((value) => value !== '');
}
