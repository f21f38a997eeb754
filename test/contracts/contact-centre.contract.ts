import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { zendeskOrganizationId } from '../../sources/stand-ins/seed-ids.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import {
  asList,
  asObject,
  contractFile,
  nullable,
  readContract,
  type Exception,
  type Json,
} from './openapi.js';

const usersPath = '/api/v2/users/{user_id}';
const requestedPath = '/api/v2/users/{user_id}/tickets/requested';
const commentsPath = '/api/v2/tickets/{ticket_id}/comments';
const searchUsersPath = '/api/v2/users/search';
const exportPath = '/api/v2/search/export';
const countPath = '/api/v2/search/count';
const endpoints = [
  '/api/v2/users/me',
  searchUsersPath,
  '/api/v2/users/show_many',
  usersPath,
  requestedPath,
  '/api/v2/tickets/show_many',
  '/api/v2/organizations/show_many',
  '/api/v2/tickets/{ticket_id}',
  commentsPath,
  exportPath,
  countPath,
];

const nullsLeftOut = 'the specification states that Zendesk does not mark every nullable value as nullable';

const exceptions: Exception[] = [
  {
    at: ['paths', requestedPath],
    because: 'the specification lacks the tickets of a user, which are a list of tickets like any other',
    becomes: () => ({
      parameters: [{ $ref: '#/components/parameters/UserId' }],
      get: { responses: { '200': json({ $ref: '#/components/schemas/TicketsResponse' }) } },
    }),
  },
  ...[
    { path: searchUsersPath, names: ['page', 'per_page'] },
    { path: exportPath, names: ['page[after]'] },
    {
      path: commentsPath,
      names: ['page[size]', 'page[after]', 'page[before]', 'sort', 'page', 'per_page', 'sort_order'],
    },
    { path: requestedPath, names: ['page[size]', 'page[after]', 'page[before]', 'page', 'per_page'] },
  ].map(({ path, names }): Exception => ({
    at: ['paths', path, 'get', 'parameters'],
    because: 'the description of the endpoint has paging, but its list of parameters does not',
    becomes: (published) => [
      ...(Array.isArray(published) ? (published as unknown[]) : []),
      ...names.map((name) => ({ name, in: 'query', schema: {} })),
    ],
  })),
  ...endpoints.map((path): Exception => ({
    at: ['paths', path, 'get', 'responses'],
    because:
      'the specification has only successful responses; failures are as recorded, or as specified for other endpoints',
    becomes: (published) => ({
      ...failures,
      ...(typeof published === 'object' ? published : {}),
    }),
  })),
  ...[
    'assignee_id',
    'external_id',
    'forum_topic_id',
    'organization_id',
    'priority',
    'problem_id',
    'recipient',
    'satisfaction_rating',
    'type',
  ].map((name) => nullable(['components', 'schemas', 'TicketObject', 'properties', name], nullsLeftOut)),
  ...['default_group_id', 'last_login_at', 'signature'].map((name) =>
    nullable(['components', 'schemas', 'UserForAdmin', 'properties', name], nullsLeftOut),
  ),
];

const text = { type: 'string' };
const errorAndDescription = {
  type: 'object',
  required: ['error', 'description'],
  properties: { error: text, description: text },
};
const failures = {
  '400': json({
    anyOf: [
      { required: ['errors'], $ref: '#/components/schemas/Errors' },
      errorAndDescription,
      {
        type: 'object',
        required: ['error'],
        properties: {
          error: {
            type: 'object',
            required: ['title', 'message'],
            properties: { title: text, message: text },
          },
        },
      },
    ],
  }),
  '401': json({ type: 'object', required: ['error'], properties: { error: text } }),
  '404': json(errorAndDescription),
  '415': json(errorAndDescription),
  '422': json(errorAndDescription),
  '429': json(errorAndDescription),
};

const contract = readContract(contractFile('zendesk', 'support.openapi.yaml'), exceptions);

let standIn: StandIn;
let limited: StandIn;
const world = createWorld({ customers: 40 });
const known = world.people.flatMap((person) =>
  person.contactCentre === undefined ? [] : [person.contactCentre],
);
const [firstUser] = known;
const organizationIds = world.companies.map((_, index) => zendeskOrganizationId(index)).join();
const firstTicket = firstUser?.tickets[0];

beforeAll(async () => {
  standIn = await startContactCentre(world);
  limited = await startContactCentre(world, { requestsPerMinute: 700, exportsPerMinute: 1 });
});

afterAll(async () => {
  await standIn.close();
  await limited.close();
});

const successes = [
  '/api/v2/users/me.json',
  `${searchUsersPath}?query=email:everywhere@example.nl%20email:nobody@example.nl`,
  `${searchUsersPath}.json?query=role:end-user&page=2&per_page=10`,
  `/api/v2/users/show_many?ids=${known.map(({ userId }) => userId).join()},17`,
  '/api/v2/users/show_many.json?external_ids=a,b',
  `/api/v2/users/${String(firstUser?.userId)}`,
  `/api/v2/users/${String(firstUser?.userId)}/tickets/requested?page[size]=2`,
  `/api/v2/users/${String(firstUser?.userId)}/tickets/requested.json?page=1&per_page=2`,
  `/api/v2/tickets/show_many?ids=${known
    .flatMap(({ tickets }) => tickets.map(({ id }) => id))
    .slice(0, 100)
    .join()}`,
  `/api/v2/organizations/show_many?ids=${organizationIds},17`,
  '/api/v2/organizations/show_many.json?external_ids=a,b',
  `/api/v2/tickets/${String(firstTicket?.id)}.json`,
  `/api/v2/tickets/${String(firstTicket?.id)}/comments?page[size]=100&sort=-created_at`,
  `/api/v2/tickets/${String(firstTicket?.id)}/comments?sort_order=desc`,
  `${exportPath}?query=requester:${String(firstUser?.userId)}&filter[type]=ticket&page[size]=2`,
  `${exportPath}?query=requester:17&filter[type]=ticket`,
  `${exportPath}?query=status:open%20created>=2020-01-01T00:00:00Z&filter[type]=ticket`,
  `${countPath}?query=type:ticket%20status:open`,
  `${exportPath}?query=cc:${String(firstUser?.userId)}%20cc:17&filter[type]=ticket`,
];

const hundredAndOne = Array.from({ length: 101 }, (_, index) => index + 1).join();
const refusals = [
  { status: 400, target: `${searchUsersPath}?query=a&page=none` },
  { status: 400, target: `/api/v2/users/show_many?ids=${hundredAndOne}` },
  { status: 400, target: `/api/v2/users/show_many?external_ids=${hundredAndOne}` },
  { status: 400, target: `/api/v2/tickets/show_many?ids=${hundredAndOne}` },
  { status: 400, target: `/api/v2/organizations/show_many?ids=${hundredAndOne}` },
  { status: 400, target: '/api/v2/organizations/show_many' },
  { status: 400, target: `${exportPath}?query=requester:1&filter[type]=ticket&page[after]=bm9uc2Vuc2U=` },
  { status: 400, target: `${exportPath}?query=requester:1&filter[type]=ticket&page[size]=1001` },
  { status: 400, target: `/api/v2/users/${String(firstUser?.userId)}/tickets/requested?page[size]=101` },
  { status: 400, target: `/api/v2/tickets/${String(firstTicket?.id)}/comments?page[size]=10&sort=body` },
  { status: 404, target: '/api/v2/users/17' },
  { status: 404, target: '/api/v2/users/17/tickets/requested' },
  { status: 404, target: '/api/v2/tickets/17' },
  { status: 404, target: '/api/v2/tickets/17/comments' },
  { status: 422, target: `${exportPath}?query=type:ticket&filter[type]=ticket` },
];

describe('Zendesk Support', () => {
  test.each(successes)('answers %s according to the contract', async (target) => {
    await expectAnswer(200, target);
  });

  test.each(refusals)('answers $status to $target according to the contract', async ({ status, target }) => {
    await expectAnswer(status, target);
  });

  test.each(successes.filter((target) => !target.includes('/users/me')))(
    'refuses %s without credentials, and without the right Accept header',
    async (target) => {
      await expectAnswer(401, target, { headers: { authorization: '' } });
      await expectAnswer(401, target, { headers: { authorization: 'Basic bm9ib2R5' } });
      await expectAnswer(415, target, { headers: { accept: 'text/html' } });
    },
  );

  test('refuses search exports above their own limit, and all requests above the common limit', async () => {
    const search = `${exportPath}?query=requester:1&filter[type]=ticket`;
    await expectAnswer(200, search, { at: limited });
    const { headers } = await expectAnswer(429, search, { at: limited });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    for (let call = 0; call < 700; call++) await fetchJson(limited, '/api/v2/users/17');
    for (const target of successes) await expectAnswer(429, target, { at: limited });
  });

  test('answers requests for missing records like the recorded exchange', async () => {
    const [recorded] = recordedExchanges('organizations_test_delete_not_found_organization.json');
    const { body } = await fetchJson(standIn, '/api/v2/tickets/17.json');
    expect(body).toEqual(recorded?.response);
  });

  test('refuses a wrong token like the recorded exchange', async () => {
    const [recorded] = recordedExchanges('authentication_test_incorrect_token.json');
    const wrong = { authorization: 'Bearer wrong' };
    const { status, body } = await fetchJson(standIn, '/api/v2/users/me.json', wrong);
    expect(status).toBe(recorded?.status);
    expect(body).toEqual(recorded?.response);
  });

  test('sends the recorded rate headers, with the recorded limit', async () => {
    const [recorded] = recordedExchanges('organizations_test_search_organization.json');
    const { headers } = await fetchJson(limited, '/api/v2/users/17');
    const names = recorded?.headerNames.filter((name) => name.includes('rate-limit')) ?? [];
    expect(names).toHaveLength(5);
    for (const name of names) expect(headers.get(name), name).toMatch(/^\d+$/);
    expect(headers.get('x-rate-limit')).toBe('700');
  });

  test('returns numbered pages with the recorded members', async () => {
    const [recorded] = recordedExchanges('organizations_test_search_organization.json');
    const { body } = await fetchJson(standIn, `${searchUsersPath}?query=email:everywhere@example.nl`);
    const [, ...members] = Object.keys(recorded?.response ?? {});
    expect(Object.keys(body)).toEqual(['users', ...members]);
  });

  test('returns an organisation with the recorded members', async () => {
    const [recorded] = recordedExchanges('organizations_test_search_organization.json');
    const { body } = await fetchJson(standIn, `/api/v2/organizations/show_many?ids=${organizationIds}`);
    expect(Object.keys(body)).toEqual(Object.keys(recorded?.response ?? {}));
    const members = (answer: Json | undefined) => Object.keys(asObject(asList(answer?.['organizations'])[0]));
    expect(members(body)).toEqual(members(recorded?.response));
  });

  test('returns pages by cursor like the recorded exchanges: the last page links to an empty one', async () => {
    const [lastRecorded, emptyRecorded] = recordedExchanges('organizations_test_list_all.json');
    const list = `/api/v2/users/${String(firstUser?.userId)}/tickets/requested.json?page[size]=100`;
    const last = await fetchJson(standIn, list);
    expect(shapeOf(last.body['meta'])).toEqual(shapeOf(lastRecorded?.response['meta']));
    expect(shapeOf(last.body['links'])).toEqual(shapeOf(lastRecorded?.response['links']));

    const next = String(asObject(last.body['links'])['next']);
    const empty = await fetchJson(standIn, next.slice(standIn.url.length));
    expect(empty.body['tickets']).toEqual([]);
    expect(empty.body['meta']).toEqual(emptyRecorded?.response['meta']);
    expect(empty.body['links']).toEqual(emptyRecorded?.response['links']);
  });
});

async function expectAnswer(
  status: number,
  target: string,
  { headers = {}, at = standIn }: { headers?: Record<string, string>; at?: StandIn } = {},
): Promise<{ headers: Headers }> {
  const answer = await fetchJson(at, target, headers);
  expect(answer.status, JSON.stringify(answer.body).slice(0, 300)).toBe(status);
  // Every endpoint can also be called with the suffix .json, which the contract omits.
  const [path = '', query = ''] = target.split('?');
  const plain = `${path.replace(/\.json$/, '')}?${query}`;
  expect(contract.problems({ method: 'GET', target: plain, status, body: answer.body })).toEqual([]);
  return answer;
}

async function fetchJson(
  at: StandIn,
  target: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Json }> {
  const { CONTACT_CENTRE_EMAIL: email, CONTACT_CENTRE_API_TOKEN: token } = at.settings(at.url);
  const basic = Buffer.from(`${String(email)}/token:${String(token)}`).toString('base64');
  const answer = await fetch(at.url + target, {
    headers: { accept: 'application/json', authorization: `Basic ${basic}`, ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: asObject(await answer.json()) };
}

interface Recorded {
  status: unknown;
  response: Json;
  headerNames: string[];
}

function recordedExchanges(name: string): Recorded[] {
  const file: unknown = JSON.parse(readFileSync(contractFile('zendesk', 'recorded', name), 'utf8'));
  return asList(file).map((exchange) => {
    const { status, response, rawHeaders } = asObject(exchange);
    const headers = asList(rawHeaders).map(String);
    return {
      status,
      response: asObject(response),
      headerNames: headers.filter((_, index) => index % 2 === 0).map((header) => header.toLowerCase()),
    };
  });
}

/** The members of a value, with the kind of each. */
function shapeOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, member]) => [name, member === null ? 'null' : typeof member]),
  );
}

function json(schema: unknown): object {
  return { content: { 'application/json': { schema } } };
}
