import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { contactCentreBearerToken, startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { ContactCentrePart, Person, StandIn } from '../../sources/stand-ins/world.js';

const world = createWorld({ customers: 150 });
const callers = world.people.filter(isCaller);
const everywhere = callerOf('everywhere@example.nl');

type Caller = Person & { contactCentre: ContactCentrePart };

function isCaller(person: Person): person is Caller {
  return person.contactCentre !== undefined;
}

function callerOf(email: string): Caller {
  const person = callers.find((caller) => caller.email === email);
  if (person === undefined) throw new Error(`The contact centre does not know ${email}.`);
  return person;
}

/** Creates a person whose address is similar to that of another person. */
function almost(person: Caller, email: string, userId: number): Caller {
  return {
    ...person,
    email,
    phone: '+31600000001',
    contactCentre: { ...person.contactCentre, userId, tickets: [] },
  };
}

const nearMisses = [
  almost(everywhere, 'everywhere+shop@example.nl', 1_000_000_000_001),
  almost(everywhere, 'everywhere@example.nl.example', 1_000_000_000_002),
];

let time = Date.parse('2026-11-01T12:00:00Z');
let standIn: StandIn;
beforeAll(async () => {
  standIn = await startContactCentre(
    { ...world, people: [...world.people, ...nearMisses] },
    { now: () => time },
  );
});
afterAll(async () => {
  await standIn.close();
});

describe('the stand-in of the contact centre', () => {
  test('finds people by several addresses at once', async () => {
    const query = 'email:customer-1@example.nl email:"customer-2@example.nl" email:nobody@example.nl';
    const { body } = await get('/api/v2/users/search', { query });
    expect(emailsIn(body).sort()).toEqual(['customer-1@example.nl', 'customer-2@example.nl']);
    expect(body.count).toBe(2);
  });

  test('also finds people whose address begins with the requested one or has a tag', async () => {
    const { body } = await get('/api/v2/users/search.json', { query: 'email:Everywhere@example.nl' });
    expect(emailsIn(body)).toEqual([
      'everywhere+shop@example.nl',
      'everywhere@example.nl.example',
      'everywhere@example.nl',
    ]);
  });

  test('finds people by phone number, with any notation of the country', async () => {
    const national = everywhere.phone.replace('+31', '0');
    for (const phone of [everywhere.phone, national]) {
      const { body } = await get('/api/v2/users/search', { query: `phone:${phone}` });
      expect(emailsIn(body), phone).toEqual(['everywhere@example.nl']);
    }
  });

  test('returns people by number in pages of at most 100', async () => {
    const seen: string[] = [];
    let target: string | null = '/api/v2/users/search.json?query=role:end-user&per_page=1000';
    let pages = 0;
    while (target !== null) {
      const { body } = await get(target);
      expect(body.users?.length).toBeLessThanOrEqual(100);
      seen.push(...emailsIn(body));
      target = body.next_page?.slice(standIn.url.length) ?? null;
      pages += 1;
    }
    expect(pages).toBe(2);
    expect(new Set(seen).size).toBe(callers.length + nearMisses.length);
  });

  test('shows a hundred records by id, omits unknown ones and refuses more than a hundred', async () => {
    const ids = callers.slice(0, 99).map(({ contactCentre }) => contactCentre.userId);
    const { body } = await get('/api/v2/users/show_many', { ids: [...ids, 17].join() });
    expect(body.users?.map(({ id }) => id)).toEqual([...ids].sort((a, b) => a - b));

    for (const collection of ['users', 'tickets', 'organizations']) {
      const refused = await get(`/api/v2/${collection}/show_many`, { ids: [...ids, 17, 18].join() });
      expect(refused.status, collection).toBe(400);
    }
  });

  test('exports the tickets of many people, newest first, over several pages', async () => {
    const some = callers.slice(0, 60);
    const query = some.map(({ contactCentre }) => `requester:${contactCentre.userId}`).join(' ');
    const tickets = await exportAll(query, 50);

    expect(tickets.length).toBeGreaterThan(100);
    expect(tickets.map(({ id }) => id).sort()).toEqual(
      some.flatMap(({ contactCentre }) => contactCentre.tickets.map(({ id }) => id)).sort(),
    );
    const moments = tickets.map(({ created_at: createdAt }) => createdAt);
    expect(moments).toEqual([...moments].sort().reverse());
  });

  test('exports only tickets with one of the requested statuses', async () => {
    const query = `requester:${everywhere.contactCentre.userId} status:open status:closed`;
    const open = everywhere.contactCentre.tickets.filter(
      ({ status }) => status === 'open' || status === 'closed',
    );
    expect((await exportAll(query, 100)).map(({ id }) => id).sort()).toEqual(open.map(({ id }) => id).sort());
  });

  test('exports and counts the tickets of a time and of states in their order', async () => {
    const moment = '2026-06-01T00:00:00Z';
    const query = `created>=${moment} status<solved`;
    const expected = callers
      .flatMap(({ contactCentre: { tickets } }) => tickets)
      .filter(
        ({ createdAt, status }) =>
          Date.parse(createdAt) >= Date.parse(moment) && status !== 'solved' && status !== 'closed',
      )
      .map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(0);
    expect((await exportAll(query, 100)).map(({ id }) => id).sort()).toEqual(expected.sort());
    const { body } = await get('/api/v2/search/count', { query: `type:ticket ${query}` });
    expect(body.count).toBe(expected.length);
    expect(await exportAll(`created<${moment} created>=${moment}`, 100)).toEqual([]);
  });

  test('exports the tickets that are copied to a user, with and without other conditions', async () => {
    const { userId } = everywhere.contactCentre;
    const all = callers
      .flatMap(({ contactCentre: { tickets } }) => tickets)
      .filter(({ copiedTo }) => copiedTo?.includes(userId) === true);
    expect(all.length).toBeGreaterThan(0);
    for (const query of [`cc:${userId} cc:17`, `cc:${callerOf('shared@example.nl').email} cc:${userId}`])
      expect((await exportAll(query, 1)).map(({ id }) => id).sort(), query).toEqual(
        all.map(({ id }) => id).sort(),
      );
    expect(await exportAll(`requester:${userId} cc:${userId}`, 100)).toEqual([]);
  });

  test('shows the organisations of users, each once and without unknown ones', async () => {
    const { body: people } = await get('/api/v2/users/show_many', {
      ids: callers
        .slice(0, 50)
        .map(({ contactCentre }) => contactCentre.userId)
        .join(),
    });
    const ids = (people.users ?? []).flatMap(({ organization_id: id }) =>
      typeof id === 'number' ? [id] : [],
    );
    const { body } = await get('/api/v2/organizations/show_many', { ids: [...ids, 17].join() });
    expect(body.organizations?.map(({ id }) => id)).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  test('refuses an export with a wrong or old cursor, or with a type in its query', async () => {
    const parameters = {
      query: `requester:${everywhere.contactCentre.userId}`,
      'filter[type]': 'ticket',
      'page[size]': '2',
    };
    const { body } = await get('/api/v2/search/export', parameters);
    const next = { ...parameters, 'page[after]': body.meta?.after_cursor ?? '' };
    expect((await get('/api/v2/search/export', next)).status).toBe(200);
    expect((await get('/api/v2/search/export', { ...next, query: 'requester:1' })).status).toBe(400);
    time += 61 * 60_000;
    expect((await get('/api/v2/search/export', next)).status).toBe(400);
    expect((await get('/api/v2/search/export', { ...parameters, query: 'type:ticket' })).status).toBe(422);
  });

  test("lists a person's tickets and a ticket's comments by cursor", async () => {
    const { userId, tickets } = everywhere.contactCentre;
    const first = await get(`/api/v2/users/${userId}/tickets/requested`, { 'page[size]': '3' });
    expect(first.body.tickets).toHaveLength(3);
    expect(first.body.meta?.has_more).toBe(true);
    const rest = await get(first.body.links?.next?.slice(standIn.url.length) ?? '');
    expect(rest.body.tickets).toHaveLength(tickets.length - 3);
    expect(rest.body.meta?.has_more).toBe(false);

    const chatty = tickets.find(({ comments }) => comments.length > 1);
    const path = `/api/v2/tickets/${String(chatty?.id)}/comments`;
    const inOrder = await get(path, { 'page[size]': '100' });
    const reversed = await get(path, { 'page[size]': '100', sort: '-created_at' });
    expect(inOrder.body.comments?.map(({ id }) => id)).toEqual(chatty?.comments.map(({ id }) => id));
    expect(reversed.body.comments?.map(({ id }) => id)).toEqual(
      chatty?.comments.map(({ id }) => id).reverse(),
    );
  });

  test('accepts only the e-mail address with its token, and the access token', async () => {
    const path = `/api/v2/users/${everywhere.contactCentre.userId}`;
    expect((await get(path)).status).toBe(200);
    expect((await get(path, {}, { authorization: `Bearer ${contactCentreBearerToken}` })).status).toBe(200);
    const refused = await get(path, {}, { authorization: 'Bearer wrong' });
    expect(refused.status).toBe(401);
    expect(refused.body).toEqual({ error: "Couldn't authenticate you" });
  });

  test('answers with an anonymous user if a request has a wrong token', async () => {
    const answer = await get('/api/v2/users/me', {}, { authorization: 'Bearer wrong' });
    expect(answer).toMatchObject({ status: 200, body: { user: { name: 'Anonymous user' } } });
  });

  test('refuses a request that does not accept JSON', async () => {
    expect((await get('/api/v2/users/17', {}, { accept: '*/*' })).status).toBe(415);
  });

  test('answers with the time to wait above a limit, and starts a new count after a minute', async () => {
    let now = 0;
    const limited = await startContactCentre(world, {
      requestsPerMinute: 3,
      exportsPerMinute: 1,
      now: () => now,
    });
    const search = { query: 'requester:1', 'filter[type]': 'ticket' };
    expect((await get('/api/v2/search/export', search, {}, limited)).status).toBe(200);
    now += 20_000;
    const refused = await get('/api/v2/search/export', search, {}, limited);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');

    const last = await get('/api/v2/users/17', {}, {}, limited);
    expect(last.status).toBe(404);
    expect(last.headers.get('x-rate-limit-remaining')).toBe('0');
    expect((await get('/api/v2/users/17', {}, {}, limited)).status).toBe(429);
    now += 40_000;
    expect((await get('/api/v2/search/export', search, {}, limited)).status).toBe(200);
    await limited.close();
  });
});

const records = z.array(z.looseObject({ id: z.number() })).optional();
const answerBody = z.looseObject({
  users: z.array(z.looseObject({ id: z.number(), email: z.string() })).optional(),
  results: z.array(z.looseObject({ id: z.number(), created_at: z.string() })).optional(),
  tickets: records,
  organizations: records,
  comments: records,
  count: z.number().optional(),
  next_page: z.string().nullish(),
  meta: z.object({ has_more: z.boolean(), after_cursor: z.string().nullable() }).loose().optional(),
  links: z.object({ next: z.string().nullable() }).loose().optional(),
});
type Body = z.infer<typeof answerBody>;

async function get(
  path: string,
  query: Record<string, string> = {},
  headers: Record<string, string> = {},
  at: StandIn = standIn,
): Promise<{ status: number; headers: Headers; body: Body }> {
  const {
    CONTACT_CENTRE_URL: url,
    CONTACT_CENTRE_EMAIL: email,
    CONTACT_CENTRE_API_TOKEN: token,
  } = at.settings(at.url);
  const target = new URL(path, url);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  const basic = Buffer.from(`${String(email)}/token:${String(token)}`).toString('base64');
  const answer = await fetch(target, {
    headers: { accept: 'application/json', authorization: `Basic ${basic}`, ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: answerBody.parse(await answer.json()) };
}

function emailsIn({ users = [] }: Body): string[] {
  return users.map(({ email }) => email);
}

async function exportAll(query: string, size: number): Promise<{ id: number; created_at: string }[]> {
  const all: { id: number; created_at: string }[] = [];
  let after: string | null | undefined;
  for (;;) {
    const { body } = await get('/api/v2/search/export', {
      query,
      'filter[type]': 'ticket',
      'page[size]': String(size),
      ...(typeof after === 'string' && { 'page[after]': after }),
    });
    all.push(...(body.results ?? []));
    if (body.meta?.has_more !== true) return all;
    after = body.meta.after_cursor;
  }
}
