import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { startX } from '../../sources/x/stand-in/index.js';
import { at, listAt } from '../support/read.js';

const world = createWorld({ customers: 0 });

describe('the stand-in of X', () => {
  let standIn: StandIn;
  const get = async (path: string, from = standIn, headers: Record<string, string> = {}) => {
    const token = from.settings(from.url)['X_BEARER_TOKEN'] ?? '';
    const answer = await fetch(from.url + path, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown };
  };

  beforeAll(async () => {
    standIn = await startX(world);
  });
  afterAll(() => standIn.close());

  it('finds accounts in any case, returns their spelling, and reports unknown ones separately', async () => {
    const { status, body } = await get('/2/users/by?usernames=nobody_here,EVA_VD_MEER');
    expect(status).toBe(200);
    expect(listAt(body, 'data')).toEqual([
      { id: expect.any(String) as string, name: 'Eva van der Meer', username: 'Eva_vd_Meer' },
    ]);
    expect(at(body, 'errors', 0, 'value')).toBe('nobody_here');
    expect((await get('/2/users/by?usernames=nobody_here')).body).not.toHaveProperty('data');
  });

  it('accepts at most a hundred usernames', async () => {
    const names = Array.from({ length: 101 }, (_, i) => `u${i}`);
    expect((await get(`/2/users/by?usernames=${names.slice(1).join(',')}`)).status).toBe(200);
    expect((await get(`/2/users/by?usernames=${names.join(',')}`)).status).toBe(400);
  });

  it('sends the author of a post only on request, by both names of the field', async () => {
    const query = '/2/tweets/search/recent?query=(from:eva_vd_meer)%20@demowinkel%20-is:retweet';
    const bare = await get(query);
    expect(Object.keys(listAt(bare.body, 'data')[0] ?? {})).toEqual(['id', 'text']);
    for (const name of ['post.fields', 'tweet.fields']) {
      const { body } = await get(`${query}&expansions=author_id&${name}=created_at`);
      expect(listAt(body, 'data')[0]).toHaveProperty('created_at');
      expect(at(body, 'includes', 'users', 0, 'id')).toBe(at(body, 'data', 0, 'author_id'));
    }
  });

  it('refuses a wrong token', async () => {
    expect((await get('/2/users/by?usernames=a', standIn, { authorization: 'Bearer wrong' })).status).toBe(
      401,
    );
  });

  it('counts calls in 15 minutes for each path, and sends the end of that time in Unix time', async () => {
    let now = 1_700_000_000_000;
    const limited = await startX(world, { requestsPerWindow: 1, now: () => now });
    const first = await get('/2/users/by?usernames=a', limited);
    const second = await get('/2/users/by?usernames=a', limited);
    const other = await get('/2/tweets/search/recent?query=(from:a)%20@b%20-is:retweet', limited);
    now += 15 * 60_000;
    const third = await get('/2/users/by?usernames=a', limited);
    await limited.close();
    expect([first, second, other, third].map(({ status }) => status)).toEqual([200, 429, 200, 200]);
    expect(second.headers.get('x-rate-limit-remaining')).toBe('0');
    expect(second.headers.get('x-rate-limit-reset')).toBe('1700000900');
  });
});
