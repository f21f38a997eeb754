import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { POST_FIELDS, USER_FIELDS } from '../../sources/x/mapping.js';
import { startX } from '../../sources/x/stand-in/index.js';
import { contractFile, readContract, type Exception } from './openapi.js';

/** Replaces the schema `{code, message}` of errors. X sends problem objects, and a list of errors with status 429. */
const errorsOf = (path: string): Exception => ({
  at: ['paths', path, 'get', 'responses', 'default', 'content', 'application/json', 'schema'],
  becomes: (published) => ({
    anyOf: [
      published,
      {
        type: 'object',
        required: ['title', 'detail', 'type'],
        properties: { title: { type: 'string' }, detail: { type: 'string' }, type: { type: 'string' } },
      },
      {
        type: 'object',
        required: ['errors'],
        properties: { errors: { type: 'array', items: published } },
      },
    ],
  }),
  because:
    'X answers with problem objects, and status 429 with a list of errors, according to its pages on response codes.',
});

const contract = readContract(contractFile('x', 'openapi.json'), [
  errorsOf('/2/users/by'),
  errorsOf('/2/tweets/search/recent'),
]);
const world = createWorld({ customers: 0 });

let standIn: StandIn;
let limited: StandIn;
beforeAll(async () => {
  standIn = await startX(world);
  limited = await startX(world, { requestsPerWindow: 0 });
});
afterAll(async () => {
  await standIn.close();
  await limited.close();
});

async function expectAnswer(
  status: number,
  target: string,
  { at = standIn, token = at.settings(at.url)['X_BEARER_TOKEN'] }: { at?: StandIn; token?: string } = {},
): Promise<{ headers: Headers; body: unknown }> {
  const answer = await fetch(at.url + target, { headers: { authorization: `Bearer ${token ?? ''}` } });
  const body: unknown = await answer.json();
  expect(answer.status).toBe(status);
  expect(contract.problems({ method: 'GET', target, status, body })).toEqual([]);
  return { headers: answer.headers, body };
}

const search =
  '/2/tweets/search/recent?query=(from:Eva_vd_Meer%20OR%20from:twee_winkels)%20@DemoWinkel%20-is:retweet';

describe('X', () => {
  test.each([
    '/2/users/by?usernames=Eva_vd_Meer',
    `/2/users/by?usernames=eva_vd_meer,nobody_here,twee_winkels&user.fields=${USER_FIELDS}`,
    '/2/users/by?usernames=nobody_here',
    search,
    `${search}&max_results=10&sort_order=recency&post.fields=${POST_FIELDS}&expansions=author_id&user.fields=username`,
    '/2/tweets/search/recent?query=(from:nobody_here)%20@DemoWinkel%20-is:retweet',
  ])('answers %s according to the contract', async (target) => {
    const { headers } = await expectAnswer(200, target);
    for (const name of ['limit', 'remaining', 'reset'])
      expect(headers.get(`x-rate-limit-${name}`)).toMatch(/^\d+$/);
    await expectAnswer(401, target, { token: 'wrong' });
    await expectAnswer(429, target, { at: limited });
  });

  test.each([
    '/2/users/by?usernames=a-b',
    `/2/users/by?usernames=${Array.from({ length: 101 }, (_, i) => `u${i}`).join(',')}`,
    `${search}&max_results=9`,
    `${search}&next_token=nonsense`,
  ])('refuses %s according to the contract', async (target) => {
    await expectAnswer(400, target);
  });

  test('finds some accounts and reports the others as errors in the same answer', async () => {
    const { body } = await expectAnswer(200, '/2/users/by?usernames=eva_vd_meer,nobody_here');
    expect(body).toMatchObject({
      data: [{ username: 'Eva_vd_Meer' }],
      errors: [{ value: 'nobody_here', type: 'https://api.x.com/2/problems/resource-not-found' }],
    });
  });
});
