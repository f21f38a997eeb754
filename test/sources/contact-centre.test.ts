import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { contactCentre } from '../../sources/contact-centre/index.js';
import {
  commentsOfTickets,
  ticketsOfUsers,
  usersByEmail,
  usersById,
  type TicketsOfUser,
} from '../../sources/contact-centre/loaders.js';
import {
  contactCentreBearerToken,
  startContactCentre,
  type ContactCentreOptions,
} from '../../sources/contact-centre/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, SeedTicket, StandIn, World } from '../../sources/stand-ins/world.js';
import type { RestClient } from '../../src/connectors/rest.js';
import type { ListConnection, TicketCommentRecord } from '../../src/index.js';
import { hostileKeys, open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });

function person(email: string): Person {
  const found = world.people.find((person) => person.email === email);
  if (found?.contactCentre === undefined) throw new Error(`The contact centre does not know ${email}.`);
  return found;
}

/** The time of the first comment of a ticket. */
const START = { page: null, skip: 0 };

function idsOfComments(
  found: readonly (ListConnection<TicketCommentRecord> | Error)[],
): (readonly string[] | Error)[] {
  return found.map((page) => (page instanceof Error ? page : page.nodes.map(({ recordId }) => recordId)));
}

function newestFirst(tickets: readonly SeedTicket[]): SeedTicket[] {
  return tickets.toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || b.id - a.id);
}

/** Creates a person with this address, id and number of tickets. */
function createCaller(email: string, userId: number, ticketCount = 0): Person {
  const template = person('everywhere@example.nl');
  const [ticket] = template.contactCentre?.tickets ?? [];
  if (ticket === undefined) throw new Error('The template has no ticket.');
  const tickets = Array.from({ length: ticketCount }, (_, i) => ({
    ...ticket,
    id: userId * 10_000 + i,
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, (i * 7_919) % ticketCount)).toISOString(),
  }));
  return { ...template, email, contactCentre: { userId, verified: true, tickets } };
}

const settings = Object.fromEntries(
  Object.entries(directSettings()).filter(([variable]) => variable.startsWith('CONTACT_CENTRE')),
);

const by = (key: object, fields = 'tickets(first: 100) { nodes { recordId } }') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const busy = person('everywhere@example.nl');
const busyId = String(busy.contactCentre?.userId);
const idsOfTickets = (person: Person) => ({
  nodes: newestFirst(person.contactCentre?.tickets ?? []).map(({ id }) => ({ recordId: String(id) })),
});
const veryBusy = createCaller('a@example.nl', 1, 1_700);
const ordinary = world.people
  .filter(({ email, contactCentre }) => email.startsWith('customer-') && contactCentre !== undefined)
  .slice(0, 50);
const usersIn = ({ url }: SeenRequest) => /ids=([\d%C,]+)/.exec(url)?.[1]?.split('%2C') ?? [];

describe('Zendesk', () => {
  describeSource({
    source: contactCentre,
    found: {
      'the id of a user': {
        ...by({ zendeskUserId: busyId }),
        data: { customer: { tickets: idsOfTickets(busy) } },
      },
      'an e-mail address': {
        ...by({ email: busy.email }),
        data: { customer: { tickets: idsOfTickets(busy) } },
      },
    },
    unknown: {
      'an id': { ...by({ zendeskUserId: '17' }), data: { customer: null } },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: { customer: null } },
    },
    batches: {
      // The calls are identification and the tickets.
      'fifty customers': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { tickets(first: 100) { nodes { recordId } } } }',
        variables: { by: ordinary.map(({ email }) => ({ email })) },
        calls: 2,
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            ordinary.map((person) => ({ tickets: idsOfTickets(person) })),
          );
        },
      },
    },
    pages: {
      startStandIn: () => startContactCentre({ ...world, people: [veryBusy] }),
      ...by({ zendeskUserId: '1' }),
      data: { customer: { tickets: { nodes: idsOfTickets(veryBusy).nodes.slice(0, 100) } } },
      // The calls are identification and two pages of a thousand tickets.
      calls: 3,
    },
    operation: by({ zendeskUserId: busyId }, 'name'),
    wrongCredentials: { CONTACT_CENTRE_API_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'an id': (text) => ({ ...by({ zendeskUserId: text }), nothing: { customer: null } }),
      'an e-mail address': (text) => ({ ...by({ email: text }), nothing: { customer: null } }),
      'an address that contains the text': (text) => ({
        ...by({ email: `${text}@example.nl` }),
        nothing: { customer: null },
      }),
    },
    http: {
      urlVariable: 'CONTACT_CENTRE_URL',
      paths:
        /^\/api\/v2\/users\/(show_many\?ids=\d+|search\?query=email%3A%22[^&#%]*(%[0-9A-F]{2}[^&#%]*)*%22&per_page=100)$/,
      nothing: () => ({ body: { users: [] } }),
      rateLimit: {
        body: { error: 'TooManyRequests', description: 'Rate limit exceeded.' },
        headers: { 'retry-after': '41', 'ratelimit-remaining': '0', 'ratelimit-reset': '41' },
        retryAfter: 41,
      },
      mismatches: [
        { answer: () => ({ secret: true }), place: 'users', value: 'secret' },
        { answer: () => ({ users: [{ id: 'secret' }] }), place: 'users.0.id', value: 'secret' },
      ],
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
        variables: { by: ['1', '2', '3'].map((zendeskUserId) => ({ zendeskUserId })) },
        answer: (request) => ({
          body: {
            users: usersIn(request)
              .filter((id) => id !== '2')
              .toReversed()
              .map((id) => ({ id: Number(id), name: `name ${id}` })),
          },
        }),
        data: { customers: [{ name: 'name 1' }, null, { name: 'name 3' }] },
        errors: [],
      },
    },
  });
});

describe('the contact centre', () => {
  it.each([
    ['an API token', {}],
    ['an OAuth token', { CONTACT_CENTRE_ACCESS_TOKEN: contactCentreBearerToken }],
  ])('finds a customer by id and by address, and shows the tickets, with %s', async (_, more) => {
    const gateway = createTestGateway({ ...settings, ...more });
    const { firstName, lastName, contactCentre } = person('everywhere@example.nl');
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { name tickets(first: 2) { nodes {
        recordId subject status statusText isOpen priority channel createdAt updatedAt closedAt
        comments(first: 100) { nodes { recordId body isByCustomer createdAt } }
      } } } }`,
      { by: [{ zendeskUserId: String(contactCentre?.userId) }, { email: 'Everywhere@example.nl' }] },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const iso = (moment: string) => new Date(moment).toISOString();
    const expected = {
      name: `${firstName} ${lastName}`,
      tickets: {
        nodes: newestFirst(contactCentre?.tickets ?? [])
          .slice(0, 2)
          .map(({ id, subject, status, priority, channel, createdAt, updatedAt, comments }) => ({
            recordId: String(id),
            subject,
            status: status.toUpperCase(),
            statusText: status,
            isOpen: !['solved', 'closed'].includes(status),
            priority: priority?.toUpperCase() ?? null,
            channel,
            createdAt: iso(createdAt),
            updatedAt: iso(updatedAt),
            closedAt: null,
            comments: {
              nodes: comments
                .filter((comment) => comment.public)
                .map((comment) => ({
                  recordId: String(comment.id),
                  body: comment.body,
                  isByCustomer: comment.author === 'customer',
                  createdAt: iso(comment.createdAt),
                })),
            },
          })),
      },
    };
    expect(listAt(data, 'customers')).toEqual([expected, expected]);
  });

  it('shows many customers their tickets, in a few calls', async () => {
    const gateway = createTestGateway(settings);
    const people = world.people.filter((person) => person.contactCentre !== undefined);
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { tickets(first: 100) { nodes { recordId } } } }',
      { by: people.map(({ email }) => ({ email })) },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      people.map(({ contactCentre }) => ({
        tickets: {
          nodes: newestFirst(contactCentre?.tickets ?? []).map(({ id }) => ({ recordId: String(id) })),
        },
      })),
    );
  });

  it.each([0, 101, -1])('refuses a page of %d tickets or comments', async (first) => {
    const gateway = createTestGateway(settings);
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) {
        tickets(first: ${first}) { nodes { id } } some: tickets(first: 1) { nodes { comments(first: ${first}) { nodes { id } } } } } }`,
    );
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
  });

  it('has null fields if Zendesk refuses the credentials', async () => {
    const gateway = createTestGateway({ ...directSettings(), CONTACT_CENTRE_API_TOKEN: 'wrong' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt openTicketCount { value } } }',
    );
    await gateway.close();
    expect(data).toEqual({
      customer: { becameCustomerAt: expect.any(String) as string, openTicketCount: null },
    });
    expect(errors.map(({ path, extensions }) => [path, extensions])).toEqual([
      [
        ['customer', 'openTicketCount'],
        { code: 'SOURCE_UNAUTHENTICATED', source: 'contact-centre', retryable: false },
      ],
    ]);
  });
});

describe('the contact centre with chosen records', () => {
  let standIn: StandIn | undefined;
  let client: Opened<RestClient>;

  const start = async (people: Person[], options?: ContactCentreOptions): Promise<StandIn> => {
    const changedWorld: World = { ...world, people };
    standIn = await startContactCentre(changedWorld, options);
    client = open<RestClient>(contactCentre.connector, standIn.settings(standIn.url));
    return standIn;
  };
  afterEach(async () => {
    await client.close();
    await standIn?.close();
  });
  const idsOf = (found: readonly (readonly { id: string }[] | Error)[]) =>
    found.map((item) => (item instanceof Error ? item : item.map(({ id }) => id)));

  it('does not treat a similar address as the requested one', async () => {
    const near = ['jan+a@example.nl', 'jan@example.nl.example', 'jan@example.nlx', 'an@example.nl'];
    await start(near.map((email, i) => createCaller(email, 100 + i)));
    expect(idsOf(await usersByEmail.load(['jan@example.nl', 'jan@example.nlx'], client))).toEqual([
      [],
      ['102'],
    ]);
  });

  it('reads further pages until it finds the requested address', async () => {
    const near = Array.from({ length: 250 }, (_, i) => createCaller(`jan+${i}@example.nl`, 100 + i));
    await start([...near, createCaller('jan@example.nl', 999)]);
    expect(idsOf(await usersByEmail.load(['jan@example.nl', 'piet@example.nl'], client))).toEqual([
      ['999'],
      [],
    ]);
  });

  it('does not report a user as unknown if it could not read all pages', async () => {
    const near = Array.from({ length: 1_100 }, (_, i) => createCaller(`jan+${i}@example.nl`, 100 + i));
    await start([...near, createCaller('jan@example.nl', 9_999)]);
    const [found, late] = await usersByEmail.load(['jan+3@example.nl', 'jan@example.nl'], client);
    expect(found).toMatchObject([{ id: '103' }]);
    expect(late).toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  it.each(Object.entries(hostileKeys))(
    'finds nobody by an address of %s, and finds the other customers of the batch',
    async (_, key) => {
      await start([createCaller('jan@example.nl', 100)]);
      const outcome = await usersByEmail
        .load([key, 'jan@example.nl'], client)
        .catch((error: unknown) => error);
      // An address that cannot be sent is refused. Another address finds no record, and does not affect others.
      if (outcome instanceof Error)
        expect(outcome).toMatchObject({
          code: expect.stringMatching(/^(BAD_USER_INPUT|SOURCE_CONTRACT)$/) as string,
        });
      else expect(idsOf(outcome as never)).toEqual([[], ['100']]);
    },
  );

  it('finds users by id, each once, for any order of the answer', async () => {
    await start([
      createCaller('a@example.nl', 3),
      createCaller('b@example.nl', 1),
      createCaller('c@example.nl', 2),
    ]);
    expect(idsOf(await usersById.load(['3', '007', '1', '2'], client))).toEqual([['3'], [], ['1'], ['2']]);
  });

  const ticketIdsOf = (found: readonly (TicketsOfUser | Error)[]) =>
    found.map((item) =>
      item instanceof Error
        ? item
        : { ids: item.tickets.map(({ recordId }) => recordId).sort(), isComplete: item.isComplete },
    );
  const expected = (person: Person) =>
    (person.contactCentre?.tickets ?? []).map(({ id }) => String(id)).sort();

  it('reads all tickets if the export has several pages', async () => {
    const [busy, quiet, silent] = [
      createCaller('a@example.nl', 1, 1_700),
      createCaller('b@example.nl', 2, 900),
      createCaller('c@example.nl', 3),
    ];
    await start([busy, quiet, silent]);
    expect(ticketIdsOf(await ticketsOfUsers.load(['1', '2', '3'], client))).toEqual([
      { ids: expected(busy), isComplete: true },
      { ids: expected(quiet), isComplete: true },
      { ids: [], isComplete: true },
    ]);
  });

  it('reports that a user has more tickets than can be read, and shows those of other users', async () => {
    const quiet = createCaller('b@example.nl', 2, 3);
    await start([createCaller('a@example.nl', 1, 5_001), quiet, createCaller('c@example.nl', 3)]);
    const [busy, ...others] = await ticketsOfUsers.load(['1', '2', '3'], client);
    expect(busy).toMatchObject({ isComplete: false });
    expect(ticketIdsOf(others)).toEqual([
      { ids: expected(quiet), isComplete: true },
      { ids: [], isComplete: true },
    ]);
  });

  it('reports that tickets are missing even if no single user has too many', async () => {
    await start(Array.from({ length: 6 }, (_, i) => createCaller(`${i}@example.nl`, i + 1, 900)));
    const keys = Array.from({ length: 6 }, (_, i) => String(i + 1));
    for (const item of await ticketsOfUsers.load(keys, client))
      expect(item).toMatchObject({ isComplete: false });
  });

  it('computes list, count and timeline from one answer, and counts at least the tickets that it read', async () => {
    const few = createCaller('few@example.nl', 1, 30);
    const tickets = (few.contactCentre?.tickets ?? []).map((ticket, i) => ({
      ...ticket,
      channel: i % 3 === 0 ? ('voice' as const) : ('web' as const),
      status: (['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const)[i % 6] ?? 'new',
    }));
    const zendesk = await start([
      { ...few, contactCentre: { userId: 1, verified: true, tickets } },
      createCaller('many@example.nl', 2, 5_001),
    ]);
    const control = await faultControl([zendesk]);
    const gateway = createTestGateway(zendesk.settings(control.sources['contact-centre']?.url ?? ''));
    const query = `query($email: String!, $after: String) { customer(by: { email: $email }) {
      tickets(first: 3) { nodes { recordId } missing { source code } }
      openTicketCount { value isApproximate }
      timeline(first: 4, after: $after) {
        nodes { recordId kind title status amount { amount } } pageInfo { endCursor hasNextPage } missing { source code }
      }
      calls: timeline(first: 100, kinds: [CALL]) { nodes { recordId } }
    } }`;
    const { data, errors } = await gateway.query(query, { email: 'few@example.nl' });
    expect(errors).toEqual([]);
    // The calls are identification and the tickets.
    expect(control.counters()['contact-centre']?.calls).toBe(2);
    const all = newestFirst(tickets);
    expect(at(data, 'customer', 'tickets')).toEqual({
      nodes: all.slice(0, 3).map(({ id }) => ({ recordId: String(id) })),
      missing: [],
    });
    expect(at(data, 'customer', 'openTicketCount')).toEqual({ value: 20, isApproximate: false });
    expect(at(data, 'customer', 'timeline', 'nodes')).toEqual(
      all.slice(0, 4).map(({ id, channel, subject, status }) => ({
        recordId: String(id),
        kind: channel === 'voice' ? 'CALL' : 'TICKET',
        title: subject,
        status: status.toUpperCase(),
        amount: null,
      })),
    );
    expect(at(data, 'customer', 'calls', 'nodes')).toEqual(
      all.filter(({ channel }) => channel === 'voice').map(({ id }) => ({ recordId: String(id) })),
    );
    const after = at(data, 'customer', 'timeline', 'pageInfo', 'endCursor');
    const next = await gateway.query(query, { email: 'few@example.nl', after });
    expect(listAt(next.data, 'customer', 'timeline', 'nodes').map((node) => at(node, 'recordId'))).toEqual(
      all.slice(4, 8).map(({ id }) => String(id)),
    );

    const many = await gateway.query(query, { email: 'many@example.nl' });
    await gateway.close();
    await control.close();
    expect(many.errors).toEqual([]);
    expect(at(many.data, 'customer')).toMatchObject({
      tickets: { nodes: [], missing: [{ source: 'CONTACT_CENTRE', code: 'SOURCE_CONTRACT' }] },
      openTicketCount: { isApproximate: true },
      timeline: { nodes: [], missing: [{ source: 'CONTACT_CENTRE', code: 'SOURCE_CONTRACT' }] },
    });
  });

  /** Creates a person with one ticket that has these comments, public or not. */
  const discussion = (publicOrNot: readonly boolean[]): Person => {
    const person = createCaller('everywhere@example.nl', 100, 1);
    const [ticket] = person.contactCentre?.tickets ?? [];
    const [comment] = ticket?.comments ?? [];
    if (person.contactCentre === undefined || ticket === undefined || comment === undefined)
      throw new Error('The template has no comment.');
    const comments = publicOrNot.map((shown, i) => ({
      ...comment,
      id: i + 1,
      public: shown,
      body: shown ? `comment ${i}` : 'an internal note',
      createdAt: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    }));
    return {
      ...person,
      contactCentre: { ...person.contactCentre, tickets: [{ ...ticket, id: 1, comments }] },
    };
  };
  const commentsOf = (first: number) =>
    commentsOfTickets.load(
      [{ ticketId: '1', requesterId: '100', copiedIds: [], first, position: START }],
      client,
    );

  it('never shows notes between agents', async () => {
    await start([discussion([true, false, true, false])]);
    const found = await commentsOf(100);
    expect(JSON.stringify(found)).not.toContain('business');
    expect(idsOfComments(found)).toEqual([['1', '3']]);
  });

  it('reads further notes until it has the requested number of comments', async () => {
    await start([discussion([true, ...Array.from({ length: 60 }, () => false), true, true])]);
    expect(idsOfComments(await commentsOf(2))).toEqual([['1', '62']]);
    expect(idsOfComments(await commentsOf(1))).toEqual([['1']]);
    expect(idsOfComments(await commentsOf(5))).toEqual([['1', '62', '63']]);
  });

  it('returns an error instead of an empty list if it could not read all comments', async () => {
    await start([discussion([...Array.from({ length: 200 }, () => false), true])]);
    expect(await commentsOf(1)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
  });

  it('returns no comments of a deleted ticket, and returns those of another ticket', async () => {
    const contactCentrePart = person('everywhere@example.nl').contactCentre;
    const ticket = contactCentrePart?.tickets[0];
    await start([person('everywhere@example.nl')]);
    const key = {
      requesterId: String(contactCentrePart?.userId),
      copiedIds: [],
      first: 100,
      position: START,
    };
    const found = await commentsOfTickets.load(
      [
        { ...key, ticketId: '404' },
        { ...key, ticketId: String(ticket?.id) },
        { ...key, ticketId: '..' },
      ],
      client,
    );
    expect(found.map((page) => (page instanceof Error ? page.name : page.nodes.length))).toEqual([
      0,
      ticket?.comments.filter((comment) => comment.public).length,
      'Error',
    ]);
  });

  it('reports the time of Retry-After', async () => {
    const limited = await start([person('everywhere@example.nl')], {
      requestsPerMinute: 1,
      now: () => 1_000,
    });
    const gateway = createTestGateway(limited.settings(limited.url));
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { name openTicketCount { value } } }',
    );
    await gateway.close();
    expect(at(data, 'customer', 'name')).toEqual(expect.any(String));
    expect(at(data, 'customer', 'openTicketCount')).toBeNull();
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'SOURCE_RATE_LIMITED', source: 'contact-centre', retryable: true },
    ]);
    // The time is sixty seconds after the answer.
    expect(errors[0]?.extensions.retryAfter).toBeGreaterThan(50);
    expect(errors[0]?.extensions.retryAfter).toBeLessThanOrEqual(60);
  });
});

describe('the comments of many tickets of the contact centre', () => {
  it('are loaded for eight tickets at a time, each with its comments', async () => {
    const waiting: (() => void)[] = [];
    const server = await startServer(({ url }, response) => {
      waiting.push(() => {
        const id = Number(/tickets\/(\d+)/.exec(url)?.[1]);
        const comment = { id, author_id: 1, body: 'b', public: true, created_at: '2026-01-01T00:00:00Z' };
        sendJson(response, { comments: [comment], meta: { has_more: false }, links: { next: null } });
      });
    });
    const client = open<RestClient>(contactCentre.connector, { ...settings, CONTACT_CENTRE_URL: server.url });
    const keys = Array.from({ length: 24 }, (_, i) => ({
      ticketId: String(i),
      requesterId: '1',
      copiedIds: [],
      first: 5,
      position: START,
    }));
    const loading = commentsOfTickets.load(keys, client);
    for (let answered = 0; answered < keys.length; answered += 8) {
      await expect.poll(() => waiting.length).toBe(8);
      for (const answer of waiting.splice(0)) answer();
    }
    const found = await loading;
    await client.close();
    await server.close();
    expect(idsOfComments(found)).toEqual(keys.map(({ ticketId }) => [ticketId]));
  });
});

describe('the contact centre as a source of identities', () => {
  it('marks the address as verified but not the phone, and shows the time of the last change', async () => {
    const client = open<RestClient>(contactCentre.connector, settings);
    const emails = ['same-phone-1@example.nl', 'same-phone-2@example.nl'];
    const found = await usersByEmail.load(emails, client);
    await client.close();
    expect(found).toMatchObject(
      emails.map((email) => {
        const { phone, firstName, lastName, contactCentre } = person(email);
        return [
          {
            id: String(contactCentre?.userId),
            identifiers: [
              { namespace: 'email', value: email, verified: true },
              { namespace: 'phone', value: phone },
            ],
            profile: {
              name: `${firstName} ${lastName}`,
              language: 'nl',
              updatedAt: expect.stringMatching(/^20\d\d-.*Z$/) as string,
            },
          },
        ];
      }),
    );
    expect(JSON.stringify(found)).not.toMatch(/"phone"[^}]*"verified"/);
  });
});

describe('an answer at the address of the contact centre', () => {
  let server: SmallServer;
  let answer: (request: SeenRequest) => { status?: number; body: unknown };

  beforeAll(async () => {
    server = await startServer((request, response) => {
      const { status = 200, body } = answer(request);
      sendJson(response, body, { status });
    });
  });
  afterAll(() => server.close());

  const user = { id: 1, name: 'Jan', email: 'everywhere@example.nl' };
  const ticket = {
    id: 1,
    requester_id: 1,
    status: 'open',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  };
  const export_ = (item: object) => ({ results: [item], meta: { has_more: false }, links: { next: null } });
  const isSearch = (url: string) => url.startsWith('/api/v2/users/');

  it.each([
    ['is not from Zendesk', () => ({ status: 404, body: {} })],
    ['answers another shape', () => ({ body: { something: 'else' } })],
    [
      'has a ticket with an unknown status',
      ({ url }: SeenRequest) => ({
        body: isSearch(url) ? { users: [user] } : export_({ ...ticket, status: 'secret' }),
      }),
    ],
    [
      'has an invalid time',
      ({ url }: SeenRequest) => ({
        body: isSearch(url) ? { users: [user] } : export_({ ...ticket, created_at: 'secret' }),
      }),
    ],
    [
      'leads to another system for the next page',
      ({ url }: SeenRequest) => ({
        body: isSearch(url)
          ? { users: [user] }
          : { results: [], meta: { has_more: true }, links: { next: 'http://secret.example/' } },
      }),
    ],
  ])('fails only the fields of the contact centre, without a value, if it %s', async (_, answering) => {
    answer = answering;
    const gateway = createTestGateway({ ...directSettings(), CONTACT_CENTRE_URL: server.url });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt openTicketCount { value } } }',
    );
    await gateway.close();
    expect(data).toEqual({
      customer: { becameCustomerAt: expect.any(String) as string, openTicketCount: null },
    });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'openTicketCount'], 'SOURCE_CONTRACT'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('secret');
  });
});
