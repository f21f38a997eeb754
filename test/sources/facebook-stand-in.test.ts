import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFacebook } from '../../sources/facebook/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { at, listAt } from '../support/read.js';

const world = createWorld({ customers: 30 });
const eva = world.people.find(({ email }) => email === 'everywhere@example.nl')?.facebook;
const userId = eva?.userId ?? '';

describe('the stand-in of Facebook', () => {
  let standIn: StandIn;
  let authorized: string;
  let page: string;

  const request = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${standIn.url}/v23.0/${path}`, init);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown };
  };
  const get = (path: string, query = '') => request(`${path}?${authorized}&${query}`);
  const batch = (requests: unknown) =>
    request(`?${authorized}`, { method: 'POST', body: JSON.stringify({ batch: requests }) });

  beforeAll(async () => {
    standIn = await startFacebook(world);
    const settings = standIn.settings(standIn.url);
    const { FACEBOOK_PAGE_TOKEN: token = '', FACEBOOK_APP_SECRET: secret = '' } = settings;
    const proof = createHmac('sha256', secret).update(token).digest('hex');
    authorized = `access_token=${token}&appsecret_proof=${proof}`;
    page = settings['FACEBOOK_PAGE_ID'] ?? '';
  });
  afterAll(() => standIn.close());

  it('knows the page as "me", and sends only the requested fields', async () => {
    expect(await get('me', 'fields=name').then(({ body }) => body)).toEqual({
      id: page,
      name: 'Demo Winkel',
    });
    expect(await get(userId, 'fields=first_name,locale').then(({ body }) => body)).toEqual({
      id: userId,
      first_name: 'Eva',
      locale: 'nl_NL',
    });
  });

  it('refuses a wrong token and a wrong proof by code', async () => {
    expect(await request(`me?access_token=wrong`)).toMatchObject({
      status: 400,
      body: { error: { code: 190 } },
    });
    expect(await request(`me?${authorized.replace(/proof=.*/, 'proof=wrong')}`)).toMatchObject({
      status: 400,
      body: { error: { code: 100 } },
    });
  });

  it('answers the parts of a batch in order, each as text with its own code', async () => {
    const { status, body } = await batch([
      { method: 'GET', relative_url: `${userId}?fields=id` },
      { method: 'GET', relative_url: 'v23.0/17' },
      { method: 'DELETE', relative_url: userId },
    ]);
    expect(status).toBe(200);
    const parts = listAt(body).map((item) => [
      at(item, 'code'),
      JSON.parse(String(at(item, 'body'))) as unknown,
    ]);
    expect(parts).toMatchObject([
      [200, { id: userId }],
      [400, { error: { code: 100, error_subcode: 33 } }],
      [400, { error: { code: 100 } }],
    ]);
  });

  it('accepts at most fifty requests in a batch', async () => {
    const requests = Array.from({ length: 51 }, () => ({ method: 'GET', relative_url: 'me' }));
    expect((await batch(requests.slice(1))).status).toBe(200);
    expect((await batch(requests)).status).toBe(400);
    expect((await batch('none')).status).toBe(400);
  });

  it('has an empty page, with a link to the next one, after each full page', async () => {
    const ids: unknown[] = [];
    const sizes: number[] = [];
    let after = '';
    for (;;) {
      const { body } = await get(`${page}/leadgen_forms`, `limit=2${after}`);
      ids.push(...listAt(body, 'data').map((item) => at(item, 'id')));
      sizes.push(listAt(body, 'data').length);
      if (at(body, 'paging', 'next') === undefined) break;
      after = `&after=${String(at(body, 'paging', 'cursors', 'after'))}`;
    }
    expect(sizes).toEqual([2, 0, 1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('counts each part of a batch, and returns the time to wait', async () => {
    const limited = await startFacebook(world, { requestsPerHour: 2, now: () => 1_000 });
    const parts = Array.from({ length: 3 }, () => ({ method: 'GET', relative_url: 'me' }));
    const answer = await fetch(`${limited.url}/v23.0/?${authorized}`, {
      method: 'POST',
      body: JSON.stringify({ batch: parts }),
    });
    const codes = listAt(await answer.json()).map((item) => at(item, 'code'));
    await limited.close();
    expect(codes).toEqual([200, 200, 400]);
    const usage: unknown = JSON.parse(answer.headers.get('x-business-use-case-usage') ?? '');
    expect(at(usage, page, 0, 'estimated_time_to_regain_access')).toBe(60);
  });
});
