import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createXPart, organisationOnX, type XPart } from '../../sources/stand-ins/seed-x.js';
import { worldNow } from '../../sources/stand-ins/seed-time.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, StandIn } from '../../sources/stand-ins/world.js';
import { x } from '../../sources/x/index.js';
import { newestMentions, olderMentions, profiles, type XClient } from '../../sources/x/loaders.js';
import { startX, type XOptions } from '../../sources/x/stand-in/index.js';
import type { SourceDefinition } from '../../src/index.js';
import { failure, hostileKeys, open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { knownPeople } from './known-people.js';

const world = createWorld({ customers: 0 });
const eva = world.people.find(({ email }) => email === 'everywhere@example.nl');
if (eva?.x === undefined) throw new Error('X does not know everywhere@example.nl.');
const evaOnX = eva.x;
const template: Person = eva;

const sevenDaysAgo = Date.parse(worldNow) - 7 * 86_400_000;
const mentionsOf = ({ posts }: XPart) =>
  posts.filter(
    ({ text, createdAt }) => text.includes(`@${organisationOnX}`) && Date.parse(createdAt) >= sevenDaysAgo,
  );

/** Creates a person with this username, and this many posts that mention the organisation. */
function createAccount(username: string, place: number, mentions = 0): Person {
  const posts = Array.from({ length: mentions }, (_, i) => ({
    // Later posts of X have higher ids.
    id: String(1_980_000_000_000_000_000n + BigInt(place * 10_000 - i)),
    text: `@${organisationOnX} nummer ${i}`,
    likes: i,
    replies: 0,
    createdAt: new Date(Date.parse(worldNow) - i * 60_000 - place).toISOString(),
  }));
  return { ...template, email: `${username}@example.nl`, x: { ...createXPart(place, username), posts } };
}

describe('X', () => {
  let standIn: StandIn;
  let control: FaultControl;
  let gateway: TestGateway;

  const start = async (people: Person[] = world.people, options: XOptions = {}) => {
    standIn = await startX({ ...world, people }, options);
    control = await faultControl([standIn]);
  };
  /** Opens a gateway with customers whose usernames another system holds. */
  const gatewayWith = (
    usernames: Record<string, string | null>,
    { limits = {}, environment = {} }: { limits?: object; environment?: object } = {},
  ): TestGateway => {
    const known = knownPeople(
      Object.fromEntries(
        Object.entries(usernames).map(([email, value]) => [
          email,
          { identifiers: [{ namespace: 'xUsername', value }] },
        ]),
      ),
      { xUsername: 'shown' },
    );
    const source = { ...x, limits: { ...x.limits, timeout: LONG_TIMEOUT, ...limits } } as SourceDefinition;
    gateway = createTestGateway(
      { ...standIn.settings(control.sources['x']?.url ?? ''), ...known.environment, ...environment },
      { sources: [known.source, source], sdl: known.sdl, clock: fakeClock() },
    );
    return gateway;
  };
  const calls = () => control.counters()['x']?.calls;
  afterEach(async () => {
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('shows the profile of the username that a system holds, and the posts about the organisation', async () => {
    await start();
    const { data, errors } = await gatewayWith({
      'eva@example.nl': `https://x.com/${evaOnX.username}`,
    }).query(
      `{ customer(by: { email: "eva@example.nl" }) { xProfile {
        recordId username url name description isVerified isProtected followerCount followingCount postCount createdAt
        mentions(first: 2) { nodes { recordId text url language likeCount replyCount createdAt } }
      } } }`,
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'xProfile')).toEqual({
      recordId: evaOnX.userId,
      username: 'Eva_vd_Meer',
      url: 'https://x.com/Eva_vd_Meer',
      name: 'Eva van der Meer',
      description: evaOnX.description,
      isVerified: evaOnX.isVerified,
      isProtected: false,
      followerCount: String(evaOnX.followers),
      followingCount: String(evaOnX.following),
      postCount: String(evaOnX.posts.length),
      createdAt: new Date(evaOnX.createdAt).toISOString(),
      mentions: {
        nodes: mentionsOf(evaOnX)
          .slice(0, 2)
          .map(({ id, text, likes, replies, createdAt }) => ({
            recordId: id,
            text,
            url: `https://x.com/Eva_vd_Meer/status/${id}`,
            language: 'nl',
            likeCount: String(likes),
            replyCount: String(replies),
            createdAt: new Date(createdAt).toISOString(),
          })),
      },
    });
  });

  it('is not used for identities: a username neither finds nor links customers', async () => {
    await start();
    const { errors } = await gatewayWith({}).query('{ customer(by: { xUsername: "eva_vd_meer" }) { id } }');
    expect(errors[0]?.message).toContain('xUsername');
    expect(calls()).toBe(0);
  });

  it('loads a hundred customers in one call, and the posts of each twenty in one', async () => {
    const people = Array.from({ length: 100 }, (_, i) => createAccount(`user_${i}`, i + 1, 1));
    await start(people);
    const emails = people.map(({ email }) => email);
    gatewayWith(
      Object.fromEntries(people.map(({ email, x: account }) => [email, account?.username ?? null])),
    );
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { xProfile { username mentions { nodes { text } } } } }',
      { by: emails.map((email) => ({ email })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      people.map((_, i) => ({
        xProfile: {
          username: `user_${i}`,
          mentions: { nodes: [{ text: `@${organisationOnX} nummer 0` }] },
        },
      })),
    );
    expect(calls()).toBe(1 + 5);
  });

  it('shows the known customers of a list, and null for unknown ones', async () => {
    await start();
    const { data, errors } = await gatewayWith({
      'eva@example.nl': evaOnX.username,
      'gone@example.nl': 'nobody_here',
      'without@example.nl': null,
    }).query('query($by: [CustomerKey!]!) { customers(by: $by) { xProfile { recordId } } }', {
      by: ['eva@example.nl', 'gone@example.nl', 'without@example.nl'].map((email) => ({ email })),
    });
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([
      { xProfile: { recordId: evaOnX.userId } },
      { xProfile: null },
      { xProfile: null },
    ]);
    expect(calls()).toBe(1);
  });

  it.each([0, 101])('refuses a page of %d posts', async (first) => {
    await start();
    const { errors } = await gatewayWith({ 'eva@example.nl': evaOnX.username }).query(
      `{ customer(by: { email: "eva@example.nl" }) { xProfile { mentions(first: ${first}) { nodes { recordId } } } } }`,
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('is not called again after it rejected the credentials', async () => {
    await start();
    const { data, errors } = await gatewayWith(
      { 'eva@example.nl': evaOnX.username },
      { environment: { X_BEARER_TOKEN: 'wrong-secret' } },
    ).query('{ customer(by: { email: "eva@example.nl" }) { isPerson xProfile { recordId } } }');
    expect(data).toEqual({ customer: { isPerson: null, xProfile: null } });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'SOURCE_UNAUTHENTICATED', source: 'x', retryable: false },
    ]);
    expect(JSON.stringify(errors)).not.toContain('wrong-secret');
    expect(calls()).toBe(1);
  });

  it('reports when its window of 15 minutes ends, after its calls are used up', async () => {
    await start([createAccount('user_1', 1), createAccount('user_2', 2)], { requestsPerWindow: 0 });
    const { errors } = await gatewayWith({ 'a@example.nl': 'user_1' }, { limits: { retries: 0 } }).query(
      '{ customer(by: { email: "a@example.nl" }) { xProfile { recordId } } }',
    );
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'SOURCE_RATE_LIMITED', source: 'x', retryable: true },
    ]);
    expect(errors[0]?.extensions.retryAfter).toBeGreaterThan(890);
    expect(errors[0]?.extensions.retryAfter).toBeLessThanOrEqual(901);
  });

  it.each([
    ['hang', 'SOURCE_TIMEOUT', true],
    ['reset', 'SOURCE_UNAVAILABLE', true],
    ['garbage', 'SOURCE_CONTRACT', false],
    ['rate-limit', 'SOURCE_RATE_LIMITED', true],
  ] as const)('fails only its own fields if it has the fault "%s"', async (fault, code, retryable) => {
    await start();
    gatewayWith({ 'eva@example.nl': evaOnX.username }, { limits: { timeout: '250 ms', retries: 0 } });
    await control.set('x', { fault });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "eva@example.nl" }) { isPerson xProfile { recordId } } }',
    );
    expect(data).toEqual({ customer: { isPerson: null, xProfile: null } });
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([{ code, source: 'x', retryable }]);
  });

  it.each(Object.entries(hostileKeys))('finds nobody by %s instead of a username', async (_, key) => {
    await start();
    const { data, errors } = await gatewayWith({ 'eva@example.nl': key }).query(
      '{ customer(by: { email: "eva@example.nl" }) { xProfile { recordId } } }',
    );
    expect([data, errors]).toEqual([{ customer: { xProfile: null } }, []]);
    // Most of these texts are not valid usernames.
    expect(calls()).toBeLessThanOrEqual(/\w/.test(key) && key.length < 16 ? 1 : 0);
  });

  describe('during a search for posts', () => {
    let client: Opened<XClient>;
    const load = async (usernames: string[]) => {
      gatewayWith({});
      client = open<XClient>(x.connector, standIn.settings(standIn.url), { source: 'x' });
      try {
        return await newestMentions.load(usernames, client);
      } finally {
        await client.close();
      }
    };

    it('reads further pages', async () => {
      await start([createAccount('busy', 1, 150), createAccount('quiet', 2, 2), createAccount('silent', 3)]);
      const [busy, quiet, silent] = await load(['busy', 'quiet', 'silent']);
      expect(busy).toMatchObject({ isComplete: true });
      expect(listAt(busy, 'items')).toHaveLength(150);
      expect(listAt(quiet, 'items').map((item) => at(item, 'text'))).toEqual(
        [0, 1].map((i) => `@${organisationOnX} nummer ${i}`),
      );
      expect(silent).toEqual({ items: [], isComplete: true });
    });

    it('reports that there are more posts than can be read', async () => {
      await start([createAccount('busy', 1, 350), createAccount('quiet', 2, 2)]);
      const [busy] = await load(['busy', 'quiet']);
      expect(busy).toMatchObject({ isComplete: false });
      expect(listAt(busy, 'items').length).toBeGreaterThanOrEqual(298);
    });
  });
});

describe('an answer at the address of X', () => {
  let server: SmallServer;
  let body: unknown;
  let status = 200;
  let client: Opened<XClient>;

  beforeEach(async () => {
    status = 200;
    server = await startServer((_, response) => {
      sendJson(response, body, { status });
    });
    client = open<XClient>(
      x.connector,
      { X_URL: server.url, X_BEARER_TOKEN: 'token', X_ORGANISATION: 'shop' },
      { source: 'x' },
    );
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it.each([
    ['with the current name', { post_count: 12, tweet_count: 11 }],
    ['with the former name', { tweet_count: 12 }],
  ])('has its number of posts: %s', async (_, metrics) => {
    body = { data: [{ id: '12', username: 'bea', public_metrics: metrics }] };
    expect(await profiles.load(['bea'], client)).toMatchObject([{ postCount: '12' }]);
  });

  it('may lack some of the requested accounts, each of them separately', async () => {
    body = {
      data: [{ id: '12', name: 'Bea', username: 'BEA' }],
      errors: [
        { type: 'https://api.x.com/2/problems/resource-not-found', resource_type: 'user', value: 'gone' },
        { type: 'https://api.x.com/2/problems/internal-error', value: 'Broken' },
      ],
    };
    const found = await profiles.load(['gone', 'bea', 'broken', 'absent'], client);
    expect(
      found.map((item) => (item instanceof Error ? at(item, 'code') : (item?.recordId ?? null))),
    ).toEqual([null, '12', 'SOURCE_UNAVAILABLE', null]);
  });

  it.each([
    ['an invalid id', { data: [{ id: 'secret', username: 'a' }] }, 'data.0.id'],
    ['an invalid username', { data: [{ id: '1', username: '../secret' }] }, 'data.0.username'],
    ['an invalid list', { data: 'secret' }, 'data'],
  ])('is refused with its place and without its values if it has %s', async (_, sent, place) => {
    body = sent;
    const error = await failure(profiles.load(['a'], client));
    expect([error.code, error.message.includes(place), error.message.includes('secret')]).toEqual([
      'SOURCE_CONTRACT',
      true,
      false,
    ]);
  });

  it('is refused if it has a post without an author', async () => {
    body = { data: [{ id: '1', text: 'secret', author_id: '2', created_at: '2026-11-01T12:00:00.000Z' }] };
    const error = await failure(newestMentions.load(['a'], client));
    expect(error.code).toBe('SOURCE_CONTRACT');
    expect(error.message).not.toContain('secret');
  });

  it('is refused if it has newer posts than requested', async () => {
    body = {
      data: [{ id: '9', text: 'new', author_id: '2', created_at: '2026-11-01T12:00:00.000Z' }],
      includes: { users: [{ id: '2', username: 'a' }] },
    };
    const [outcome] = await olderMentions.load([{ username: 'a', beforeId: '8' }], client);
    expect(outcome).toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  it.each([
    [402, 'SOURCE_FORBIDDEN'],
    [403, 'SOURCE_FORBIDDEN'],
    [404, 'SOURCE_CONTRACT'],
    [503, 'SOURCE_UNAVAILABLE'],
  ])('with the status %d is reported as %s', async (sent, code) => {
    [status, body] = [sent, { title: 'no' }];
    expect((await failure(profiles.load(['a'], client))).code).toBe(code);
  });

  it('follows a request that names every field and is short enough for the smallest plan', async () => {
    body = {};
    const names = Array.from({ length: 20 }, (_, i) => `abcdefghijklm${String(i).padStart(2, '0')}`);
    await profiles.load(['a', 'b'], client);
    await newestMentions.load(names, client);
    const [users, search] = server.seen.map(({ url }) => new URL(url, server.url).searchParams);
    expect(users?.get('usernames')).toBe('a,b');
    expect(users?.get('user.fields')).toContain('public_metrics');
    expect(search?.get('query')).toBe(
      `(${names.map((name) => `from:${name}`).join(' OR ')}) @shop -is:retweet`,
    );
    // The longest name of an organisation has eleven characters more.
    expect((search?.get('query')?.length ?? 0) + 11).toBeLessThanOrEqual(512);
  });
});
