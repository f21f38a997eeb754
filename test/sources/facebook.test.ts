import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { facebook } from '../../sources/facebook/index.js';
import type { FacebookClient } from '../../sources/facebook/batch.js';
import {
  conversationPages,
  formSubmissions,
  messagePages,
  usersById,
} from '../../sources/facebook/loaders.js';
import { startFacebook, type FacebookOptions } from '../../sources/facebook/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import {
  createFacebookPart,
  facebookUserId,
  leadForms,
  type FacebookPart,
} from '../../sources/stand-ins/seed-facebook.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, StandIn } from '../../sources/stand-ins/world.js';
import type { SourceDefinition } from '../../src/index.js';
import { failure, hostileKeys, open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { knownPeople } from './known-people.js';

const world = createWorld({ customers: 0 });
const found = world.people.find(({ email }) => email === 'everywhere@example.nl');
if (found?.facebook === undefined) throw new Error('Facebook does not know everywhere@example.nl.');
const eva: Person & { facebook: FacebookPart } = { ...found, facebook: found.facebook };

/** Creates a person with one conversation of `messageCount` messages, a minute apart, and with `leadCount` leads. */
function createUser(place: number, messageCount = 0, leadCount = 0): typeof eva {
  const part = createFacebookPart(place, { isRich: false });
  const moment = (i: number) => new Date(Date.UTC(2026, 8, 1, 0, i)).toISOString();
  const messages = Array.from({ length: messageCount }, (_, i) => ({
    id: `m_${place}_${String(i).padStart(4, '0')}`,
    byCustomer: i % 2 === 0,
    text: `message ${i}`,
    createdAt: moment(i),
  }));
  const conversation = { id: `t_${place}`, updatedAt: moment(messageCount), unreadCount: 0, messages };
  const leads = Array.from({ length: leadCount }, (_, i) => ({
    id: String(place * 10_000 + i),
    formId: leadForms[i % 3]?.id ?? '',
    interest: 'Tuin',
    createdAt: moment(i),
  }));
  return {
    ...eva,
    email: `user-${place}@example.nl`,
    facebook: { ...part, conversations: messageCount === 0 ? [] : [conversation], leads },
  };
}

const isoOf = (moment: string | undefined) => new Date(moment ?? '').toISOString();

describe('Facebook', () => {
  let standIn: StandIn;
  let control: FaultControl;
  let gateway: TestGateway;

  const start = async (people: Person[] = world.people, options: FacebookOptions = {}) => {
    standIn = await startFacebook({ ...world, people }, options);
    control = await faultControl([standIn]);
  };
  const gatewayWith = ({
    limits = {},
    environment = {},
    emails = [],
  }: { limits?: object; environment?: object; emails?: string[] } = {}): TestGateway => {
    const known = knownPeople(Object.fromEntries(emails.map((email) => [email, {}])));
    const source = {
      ...facebook,
      limits: { ...facebook.limits, timeout: LONG_TIMEOUT, ...limits },
    } as SourceDefinition;
    gateway = createTestGateway(
      { ...standIn.settings(control.sources['facebook']?.url ?? ''), ...known.environment, ...environment },
      { sources: [known.source, source], sdl: known.sdl, clock: fakeClock() },
    );
    return gateway;
  };
  const calls = () => control.counters()['facebook']?.calls;
  afterEach(async () => {
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('finds a customer by the page-scoped id, and shows the messages', async () => {
    await start();
    const { data, errors } = await gatewayWith().query(
      `query($id: String!) { customer(by: { facebookUserId: $id }) {
        name language identifiers { namespace value isVerified }
        facebookProfile {
          recordId name firstName lastName pictureUrl language
          conversations(first: 1) { nodes { recordId url messageCount unreadCount canReply updatedAt
            messages(first: 2) { nodes { recordId text isByCustomer createdAt } } } }
        }
      } }`,
      { id: eva.facebook.userId },
    );
    expect(errors).toEqual([]);
    const [conversation] = eva.facebook.conversations;
    expect(at(data, 'customer')).toEqual({
      name: 'Eva van der Meer',
      language: 'nl-NL',
      identifiers: [{ namespace: 'facebookUserId', value: eva.facebook.userId, isVerified: true }],
      facebookProfile: {
        recordId: eva.facebook.userId,
        name: 'Eva van der Meer',
        firstName: 'Eva',
        lastName: 'van der Meer',
        pictureUrl: eva.facebook.pictureUrl,
        language: 'nl-NL',
        conversations: {
          nodes: [
            {
              recordId: conversation?.id,
              url: expect.stringContaining('https://www.facebook.com/') as string,
              messageCount: conversation?.messages.length,
              unreadCount: conversation?.unreadCount,
              canReply: true,
              updatedAt: isoOf(conversation?.updatedAt),
              messages: {
                nodes: conversation?.messages
                  .slice(-2)
                  .reverse()
                  .map(({ id, text, byCustomer, createdAt }) => ({
                    recordId: id,
                    text,
                    isByCustomer: byCustomer,
                    createdAt: isoOf(createdAt),
                  })),
              },
            },
          ],
        },
      },
    });
    // The calls are identification, the conversations, and the messages.
    expect(calls()).toBe(3);
  });

  it('finds submitted forms by e-mail address, newest first', async () => {
    await start();
    const { data, errors } = await gatewayWith({ emails: [eva.email, 'nobody@example.nl'] }).query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { formSubmissions { nodes {
        recordId formName campaign submittedAt answers { question values } } } } }`,
      { by: [{ email: eva.email }, { email: 'nobody@example.nl' }] },
    );
    expect(errors).toEqual([]);
    const leads = eva.facebook.leads.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
    expect(listAt(data, 'customers')).toEqual([
      {
        formSubmissions: {
          nodes: leads.map(({ id, formId, campaign, interest, createdAt }) => ({
            recordId: id,
            formName: leadForms.find((form) => form.id === formId)?.name,
            campaign: campaign ?? null,
            submittedAt: isoOf(createdAt),
            answers: expect.arrayContaining([
              { question: 'email', values: [eva.email] },
              { question: 'waar_heb_je_interesse_in?', values: [interest] },
            ]) as unknown,
          })),
        },
      },
      { formSubmissions: { nodes: [] } },
    ]);
    // The calls are the forms, and the leads of all forms.
    expect(calls()).toBe(2);
  });

  it('loads fifty customers in one call', async () => {
    const people = Array.from({ length: 100 }, (_, i) => createUser(i + 1, 2));
    await start(people);
    const { data, errors } = await gatewayWith().query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { facebookProfile {
        recordId conversations { nodes { messages { nodes { text } } } } } } }`,
      { by: people.map(({ facebook }) => ({ facebookUserId: facebook.userId })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      people.map(({ facebook }) => ({
        facebookProfile: {
          recordId: facebook.userId,
          conversations: { nodes: [{ messages: { nodes: [{ text: 'message 1' }, { text: 'message 0' }] } }] },
        },
      })),
    );
    expect(calls()).toBe(2 + 2 + 2);
  });

  it('shows messages in the timeline, in pages', async () => {
    const busy = createUser(1, 150);
    await start([busy]);
    gatewayWith();
    const texts: unknown[] = [];
    let after: unknown = null;
    for (let page = 0; page < 4; page += 1) {
      const { data, errors } = await gateway.query(
        `query($id: String!, $after: String) { customer(by: { facebookUserId: $id }) {
          timeline(first: 40, after: $after, kinds: [MESSAGE]) {
            nodes { kind source recordId title } pageInfo { endCursor hasNextPage } missing { source }
          } } }`,
        { id: busy.facebook.userId, after },
      );
      expect(errors).toEqual([]);
      const nodes = listAt(data, 'customer', 'timeline', 'nodes');
      for (const node of nodes) expect(node).toMatchObject({ kind: 'MESSAGE', source: 'FACEBOOK' });
      texts.push(...nodes.map((node) => at(node, 'title')));
      after = at(data, 'customer', 'timeline', 'pageInfo', 'endCursor');
    }
    expect(texts).toEqual(Array.from({ length: 150 }, (_, i) => `message ${149 - i}`));
  });

  it('shows the newest 900 of very many messages in the timeline, and reports that older ones are missing', async () => {
    const busy = createUser(1, 1_050);
    await start([busy]);
    gatewayWith();
    let after: unknown = null;
    const missing: unknown[] = [];
    const counts: number[] = [];
    for (let page = 0; page < 11; page += 1) {
      const { data } = await gateway.query(
        `query($id: String!, $after: String) { customer(by: { facebookUserId: $id }) {
          timeline(first: 100, after: $after) { nodes { title } missing { code } pageInfo { endCursor } } } }`,
        { id: busy.facebook.userId, after },
      );
      missing.push(listAt(data, 'customer', 'timeline', 'missing').map((item) => at(item, 'code')));
      counts.push(listAt(data, 'customer', 'timeline', 'nodes').length);
      after = at(data, 'customer', 'timeline', 'pageInfo', 'endCursor') ?? after;
    }
    // Twenty pages are read, and every second page is empty. So 1,000 messages are read, and the last page is
    // incomplete.
    expect(counts).toEqual([...Array<number>(9).fill(100), 0, 0]);
    expect(missing).toEqual([...Array<string[]>(9).fill([]), ['SOURCE_CONTRACT'], ['SOURCE_CONTRACT']]);
  });

  it('finds nobody by an unknown id, and finds the other customers of the batch', async () => {
    await start();
    const { data, errors } = await gatewayWith().query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { facebookProfile { recordId } } }',
      { by: [{ facebookUserId: '9812345' }, { facebookUserId: eva.facebook.userId }] },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([null, { facebookProfile: { recordId: eva.facebook.userId } }]);
    expect(calls()).toBe(1);
  });

  it.each([
    ['FACEBOOK_PAGE_TOKEN', 'the token'],
    ['FACEBOOK_APP_SECRET', 'the proof of the app’s secret'],
  ])('is not called again after it rejected %s', async (variable) => {
    await start();
    const { data, errors } = await gatewayWith({ environment: { [variable]: 'wrong-secret' } }).query(
      'query($id: String!) { customer(by: { facebookUserId: $id }) { name } }',
      { id: eva.facebook.userId },
    );
    expect(data).toEqual({ customer: null });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'SOURCE_UNAUTHENTICATED', source: 'facebook', retryable: false },
    ]);
    expect(JSON.stringify(errors)).not.toContain('wrong-secret');
    expect(calls()).toBe(1);
  });

  it('fails only the parts of a batch beyond the rate limit, and reports the limit', async () => {
    await start(world.people, { requestsPerHour: 1 });
    const { data, errors } = await gatewayWith({ limits: { retries: 0 } }).query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
      { by: [{ facebookUserId: eva.facebook.userId }, { facebookUserId: '9812345' }] },
    );
    expect(listAt(data, 'customers')).toEqual([{ name: 'Eva van der Meer' }, null]);
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'SOURCE_RATE_LIMITED', source: 'facebook', retryable: true },
    ]);
  });

  it.each([
    ['hang', 'SOURCE_TIMEOUT', true],
    ['reset', 'SOURCE_UNAVAILABLE', true],
    ['garbage', 'SOURCE_CONTRACT', false],
    ['rate-limit', 'SOURCE_RATE_LIMITED', true],
  ] as const)('fails only its own fields if it has the fault "%s"', async (fault, code, retryable) => {
    await start();
    gatewayWith({ limits: { timeout: '250 ms', retries: 0 }, emails: [eva.email] });
    await control.set('facebook', { fault });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "${eva.email}" }) { isPerson formSubmissions { nodes { id } } } }`,
    );
    expect(data).toEqual({ customer: { isPerson: null, formSubmissions: null } });
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code, source: 'facebook', retryable },
    ]);
  });

  it.each([0, 101])('refuses a page of %d items', async (first) => {
    await start();
    const { errors } = await gatewayWith().query(
      `query($id: String!) { customer(by: { facebookUserId: $id }) {
        formSubmissions(first: ${first}) { nodes { id } } facebookProfile { conversations(first: ${first}) { nodes { id } } } } }`,
      { id: eva.facebook.userId },
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
  });

  describe('with loaders that are called directly', () => {
    let client: Opened<FacebookClient>;
    const connect = () => {
      gatewayWith();
      client = open<FacebookClient>(facebook.connector, standIn.settings(standIn.url), {
        source: 'facebook',
      });
    };
    afterEach(() => client.close());

    it('reads further pages, even after empty ones', async () => {
      await start([createUser(1, 350, 1_100), createUser(2, 3, 1)]);
      connect();
      const keys = [1, 2].map((place) => ({
        conversationId: `t_${place}`,
        userId: facebookUserId(place),
        cursor: null,
      }));
      const messages = await messagePages.load(keys, client);
      expect(messages.map((page) => [listAt(page, 'items').length, at(page, 'next') === null])).toEqual([
        [100, false],
        [3, true],
      ]);
      const [leads] = await formSubmissions.load(['all'], client);
      expect([listAt(leads, 'items').length, at(leads, 'isComplete')]).toEqual([1_101, true]);
    });

    it.each(Object.entries(hostileKeys))('does not treat %s as the id of a person', async (_, key) => {
      await start();
      connect();
      const outcome = await usersById.load([key], client).catch((error: unknown) => [error]);
      const [item] = outcome;
      if (item instanceof Error) expect(at(item, 'code')).toMatch(/^(BAD_USER_INPUT|SOURCE_CONTRACT)$/);
      else expect(item).toEqual([]);
      const about = await conversationPages
        .load([{ userId: key, cursor: null }], client)
        .catch((error: unknown) => [error as Error]);
      if (about[0] instanceof Error)
        expect(at(about[0], 'code')).toMatch(/^(BAD_USER_INPUT|SOURCE_CONTRACT)$/);
      else expect(about).toEqual([{ items: [], next: null }]);
    });
  });
});

describe('an answer at the address of Facebook', () => {
  let server: SmallServer;
  let answer: (request: SeenRequest) => { status?: number; body: unknown };
  let client: Opened<FacebookClient>;

  beforeEach(async () => {
    server = await startServer((request, response) => {
      const { status = 200, body } = answer(request);
      sendJson(response, body, { status });
    });
    client = open<FacebookClient>(
      facebook.connector,
      {
        FACEBOOK_URL: `${server.url}/v23.0`,
        FACEBOOK_PAGE_TOKEN: 'token',
        FACEBOOK_APP_SECRET: 'secret',
        FACEBOOK_PAGE_ID: '42',
      },
      { source: 'facebook' },
    );
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const part = (code: number, body: unknown) => ({ code, body: JSON.stringify(body) });
  const graphError = (code: number) => ({ error: { message: 'secret', type: 'OAuthException', code } });

  it.each([4, 17, 32, 613, 80_001])(
    'is a rate-limit error if its code is %d, in a single answer or in a batch',
    async (code) => {
      answer = () => ({ status: 400, body: graphError(code) });
      expect((await failure(usersById.load(['1'], client))).code).toBe('SOURCE_RATE_LIMITED');
      answer = () => ({ body: [part(400, graphError(code)), part(200, { id: '2' })] });
      const [limited, other] = await usersById.load(['1', '2'], client);
      expect(limited).toMatchObject({ code: 'SOURCE_RATE_LIMITED' });
      expect(other).toMatchObject([{ id: '2' }]);
    },
  );

  it.each([
    [190, 'SOURCE_UNAUTHENTICATED'],
    [10, 'SOURCE_FORBIDDEN'],
    [200, 'SOURCE_FORBIDDEN'],
    [1, 'SOURCE_UNAVAILABLE'],
    [2, 'SOURCE_UNAVAILABLE'],
    [2500, 'SOURCE_CONTRACT'],
  ])('with the code %d is reported as %s', async (code, expected) => {
    answer = () => ({ status: 400, body: graphError(code) });
    const error = await failure(usersById.load(['1'], client));
    expect([error.code, error.message.includes('secret')]).toEqual([expected, false]);
    answer = () => ({ body: [part(400, graphError(code))] });
    const [item] = await usersById.load(['1'], client);
    expect(item).toMatchObject({ code: expected });
  });

  it('fails only the unfinished or invalid part of a batch', async () => {
    answer = () => ({
      body: [
        null,
        { code: 200, body: '<html>secret</html>' },
        part(200, { id: 4, name: 'secret' }),
        part(500, {}),
        part(200, { id: '6' }),
        part(200, { id: 'somebody else' }),
        part(404, graphError(803)),
      ],
    });
    const parts = await usersById.load(['1', '2', '3', '4', '6', '7', '8'], client);
    expect(
      parts.map((part) => (part instanceof Error ? at(part, 'code') : part.map(({ id }) => id))),
    ).toEqual([
      'SOURCE_UNAVAILABLE',
      'SOURCE_CONTRACT',
      'SOURCE_CONTRACT',
      'SOURCE_UNAVAILABLE',
      ['6'],
      'SOURCE_CONTRACT',
      [],
    ]);
    expect(JSON.stringify(parts.map(String))).not.toContain('secret');
  });

  it('is an error, not the end of a list, if Facebook no longer accepts the cursor', async () => {
    const invalid = part(400, graphError(100));
    answer = () => ({ body: [invalid, invalid] });
    const cursors = [null, 'QVFIUmV...'];
    const lists = [
      await conversationPages.load(
        cursors.map((cursor) => ({ userId: '7', cursor })),
        client,
      ),
      await messagePages.load(
        cursors.map((cursor) => ({ conversationId: 't_1', userId: '7', cursor })),
        client,
      ),
    ];
    for (const [first, second] of lists) {
      expect(first).toEqual({ items: [], next: null });
      expect(second).toMatchObject({ code: 'SOURCE_CONTRACT', kind: 'incomplete' });
    }
  });

  it('contains a lead by address in any case, and reports more leads than can be read', async () => {
    let pages = 0;
    const page = (data: readonly object[], isLast: boolean) => {
      const after = `after ${(pages += 1)}`;
      return part(200, { data, paging: { cursors: { after }, ...(isLast ? {} : { next: 'more' }) } });
    };
    const lead = {
      id: '1',
      created_time: '2026-10-01T12:00:00+0000',
      field_data: [{ name: 'email', values: [' Jan@Example.NL '] }],
    };
    answer = ({ body }) => ({
      body: [body.includes('leadgen_forms') ? page([{ id: '7' }], true) : page([lead], false)],
    });
    const [leads] = await formSubmissions.load(['all'], client);
    expect(leads).toMatchObject({
      items: [{ recordId: '1', emails: ['jan@example.nl'] }],
      isComplete: false,
    });
  });

  it.each([
    ['no list', { data: [] }],
    ['fewer answers than requests', []],
  ])('is refused completely if it contains %s', async (_, body) => {
    answer = () => ({ body });
    expect((await failure(usersById.load(['1'], client))).code).toBe('SOURCE_CONTRACT');
  });

  it('follows a request with the token in a header, the proof of the secret, and escaped keys in paths', async () => {
    answer = () => ({ body: [part(200, { data: [] })] });
    await conversationPages.load([{ userId: '7', cursor: null }], client);
    await messagePages.load([{ conversationId: 't_1/../me?x', userId: '7', cursor: null }], client);
    await client.graph.ping();
    const proof = createHmac('sha256', 'secret').update('token').digest('hex');
    expect(server.seen.map(({ url }) => url)).toEqual([
      `/v23.0/?appsecret_proof=${proof}`,
      `/v23.0/?appsecret_proof=${proof}`,
      `/v23.0/me?fields=id&appsecret_proof=${proof}`,
    ]);
    for (const { headers } of server.seen) expect(headers.authorization).toBe('Bearer token');
    const urls = server.seen.slice(0, 2).map(({ body }) => at(JSON.parse(body), 'batch', 0, 'relative_url'));
    expect(urls[0]).toMatch(/^42\/conversations\?user_id=7&fields=id%2Cparticipants%2Clink/);
    expect(urls[1]).toMatch(/^t_1%2F\.\.%2Fme%3Fx\/messages\?fields=/);
  });
});
