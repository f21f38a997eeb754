import type { ServerResponse } from 'node:http';
import { sendJson, type SeenRequest } from '../../../src/testing/small-server.js';
import { pageOf, type PagingName } from './pages.js';

/** A REST system for tests of connecting one: a library with members and their loans. */

export const LIBRARY_TOKEN = 'secret-library-token';

export interface LibraryRules {
  paging?: PagingName;
  /** The maximum number of ids in one call. */
  maxKeys?: number;
  /** The answer to a list of keys that is too long. */
  refusal?: 400 | 414 | 422 | 'named' | 'cut off' | 'as an error with status 200';
  /** How an unknown key is answered by `/members/{id}`. */
  unknownKey?: 404 | null | 'empty' | 'error with status 200' | 500 | 'other record';
  /** How a search compares addresses. `similar` also finds them without their last letters. */
  search?: 'exact' | 'any case' | 'similar';
  /** Whether a search for an unknown address returns another record. */
  returnsOtherRecord?: boolean;
  maxPage?: number;
  headers?: Readonly<Record<string, string>>;
}

export interface LibraryMember {
  id: number;
  email: string;
  mobile_phone: string;
  first_name: string;
  last_name: string;
  status: string;
  joined_at: string;
  birth_date: string;
  card_number: string;
  spent: string;
  currency: string;
  address: { street: string; postcode: string; city: string };
  devices: { code: string; seen_at: string }[];
  tags: string[];
  note: string | null;
}

export const MEMBERS: readonly LibraryMember[] = Array.from({ length: 70 }, (_, i) => ({
  id: 51_017 + i * 3,
  email: `reader${i}.jansen@example.nl`,
  mobile_phone: `+316123${String(10_000 + i)}`,
  first_name: 'Anna',
  last_name: `de Vries ${i}`,
  status: i % 3 === 0 ? 'ended' : 'active',
  joined_at: `2025-0${1 + (i % 9)}-01T10:00:00Z`,
  birth_date: `19${10 + i}-02-03`,
  card_number: `LC-${80_000 + i}`,
  spent: `${10 + i}.50`,
  currency: 'EUR',
  address: { street: `Kade ${i}`, postcode: '1234 AB', city: 'Utrecht' },
  devices: [{ code: `D${i}`, seen_at: '2026-01-02T03:04:05Z' }],
  tags: ['gold'],
  note: i % 2 === 0 ? null : 'Likes poetry',
}));

const LOANS = Array.from({ length: 130 }, (_, n) => ({
  loan_number: `L${1000 + n}`,
  borrowed_at: new Date(Date.UTC(2026, 0, 1 + n)).toISOString(),
  title: `Book ${n}`,
  fine: n % 2 === 0 ? 150 : 0,
  currency: 'EUR',
}));

export function loansOf({ id }: LibraryMember): typeof LOANS {
  return id === MEMBERS[0]?.id ? LOANS : LOANS.slice(0, 3);
}

export function librarySystem(rules: LibraryRules = {}) {
  const { paging = 'cursor in the body', maxPage = 100, headers = {} } = rules;
  /** A list without further pages, in the form of the pages. */
  const listed = (rows: readonly LibraryMember[]): unknown =>
    pageOf(paging, { url: new URL('http://library/api/members'), rows, size: 1_000, origin: '' }).body;
  const pages = (request: SeenRequest, url: URL, rows: readonly LibraryMember[] | typeof LOANS) => {
    const size = Math.min(maxPage, Number(url.searchParams.get('limit') ?? 20));
    return pageOf(paging, { url, rows, size, origin: `http://${request.headers.host ?? ''}` });
  };
  return (request: SeenRequest, response: ServerResponse): void => {
    const url = new URL(request.url, 'http://library');
    const path = url.pathname.replace(/^\/api/, '');
    if (path === '/openapi.json') {
      sendJson(response, libraryOpenapi());
      return;
    }
    if (request.headers.authorization !== `Bearer ${LIBRARY_TOKEN}`) {
      sendJson(response, { message: 'Log in.' }, { status: 401 });
      return;
    }
    const send = (body: unknown, status = 200, more: Readonly<Record<string, string>> = {}) => {
      sendJson(response, body, { status, headers: { ...headers, ...more } });
    };
    const [, id] = /^\/members\/(\d+)$/.exec(path) ?? [];
    const [, owner] = /^\/members\/(\d+)\/loans$/.exec(path) ?? [];
    const ids = url.searchParams.get('ids');
    const email = url.searchParams.get('email');
    if (request.method === 'POST' && path === '/members/search') {
      const { emails } = JSON.parse(request.body) as { emails: string[] };
      send(listed(MEMBERS.filter((member) => emails.includes(member.email))));
    } else if (request.method !== 'GET') send({ message: 'Not allowed.' }, 405);
    else if (id !== undefined) sendOne(rules, Number(id), send);
    else if (owner !== undefined) {
      const member = MEMBERS.find((other) => other.id === Number(owner));
      const page = pages(request, url, member === undefined ? [] : loansOf(member));
      send(page.body, 200, page.headers);
    } else if (path !== '/members') send({ message: 'Not here.' }, 404);
    else if (ids !== null) sendMany(rules, ids.split(','), { send, listed });
    else if (email !== null) send(listed(findByEmail(rules, email)));
    else {
      const page = pages(request, url, MEMBERS);
      send(page.body, 200, page.headers);
    }
  };
}

type Send = (body: unknown, status?: number, headers?: Readonly<Record<string, string>>) => void;

function sendOne({ unknownKey = 404 }: LibraryRules, id: number, send: Send): void {
  const found = MEMBERS.find((member) => member.id === id);
  if (found !== undefined) send(found);
  else if (unknownKey === 404) send({ message: 'Not found.' }, 404);
  else if (unknownKey === 500) send({ message: 'Oops.' }, 500);
  else if (unknownKey === 'empty') send({});
  else if (unknownKey === null) send(null);
  else if (unknownKey === 'other record') send(MEMBERS[0]);
  else send({ error: { code: 'NO_SUCH_MEMBER' } });
}

function sendMany(
  { maxKeys = 40, refusal = 'named' }: LibraryRules,
  ids: readonly string[],
  { send, listed }: { send: Send; listed: (rows: readonly LibraryMember[]) => unknown },
): void {
  if (ids.length > maxKeys && refusal !== 'cut off') {
    if (refusal === 'named') send({ message: `At most ${maxKeys} ids.` }, 400);
    else if (refusal === 'as an error with status 200') send({ error: 'Too many.' });
    else send({ message: 'Too many ids.' }, refusal);
    return;
  }
  const wanted = ids.slice(0, maxKeys).map(Number);
  send(listed(MEMBERS.filter(({ id }) => wanted.includes(id))));
}

function findByEmail(
  { search = 'any case', returnsOtherRecord = false }: LibraryRules,
  email: string,
): readonly LibraryMember[] {
  const wanted = email.toLowerCase();
  const found = MEMBERS.filter((member) => {
    if (search === 'exact') return member.email === email;
    return search === 'similar'
      ? wanted.length > 5 && member.email.startsWith(wanted.split('@')[0]?.slice(0, 6) ?? '')
      : member.email === wanted;
  });
  return found.length === 0 && returnsOtherRecord ? MEMBERS.slice(0, 1) : found;
}

const parameter = (name: string, schema: unknown, description = '', place = 'query') => ({
  ...{ name, in: place, schema, description },
  ...(place === 'path' ? { required: true } : {}),
});
/** The schema of a list at a path, such as `_embedded.members`. */
const listAt = (path: string, schema: string): object => {
  const list = { type: 'array', items: { $ref: `#/components/schemas/${schema}` } };
  return (path === '.' ? [] : path.split('.')).reduceRight<object>(
    (inner, name) => ({ type: 'object', properties: { [name]: inner } }),
    list,
  );
};
const answer = (schema: unknown) => ({
  responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
});

/** The description of the library. `rows` is the path of its lists. */
export function libraryOpenapi(pagingParameters: readonly string[] = ['limit', 'cursor'], rows = 'items') {
  const pages = pagingParameters.map((name) => parameter(name, { type: 'string' }));
  return {
    openapi: '3.0.3',
    info: { title: 'Library', version: '1' },
    servers: [{ url: '/api' }],
    paths: {
      '/members': {
        get: {
          ...{ operationId: 'listMembers', summary: 'Members of the library.' },
          parameters: [
            parameter('ids', { type: 'array', items: { type: 'integer' } }, 'Ids of members.'),
            parameter('email', { type: 'string', format: 'email' }),
            ...pages,
          ].map((sent) => (sent.name === 'ids' ? { ...sent, explode: false } : sent)),
          ...answer(listAt(rows, 'Member')),
        },
        post: {
          operationId: 'createMember',
          summary: 'Creates a member.',
          ...answer({ $ref: '#/components/schemas/Member' }),
        },
      },
      '/members/search': {
        post: {
          ...{ operationId: 'searchMembers', summary: 'Searches members by their addresses.' },
          requestBody: {
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['emails'],
                  properties: { emails: { type: 'array', items: { type: 'string' } } },
                },
              },
            },
          },
          ...answer(listAt(rows, 'Member')),
        },
      },
      '/members/{memberId}': {
        parameters: [parameter('memberId', { type: 'integer' }, '', 'path')],
        get: { operationId: 'getMember', ...answer({ $ref: '#/components/schemas/Member' }) },
        delete: { operationId: 'deleteMember', responses: {} },
      },
      '/members/{memberId}/loans': {
        parameters: [parameter('memberId', { type: 'integer' }, '', 'path')],
        get: { operationId: 'listLoans', parameters: pages, ...answer(listAt(rows, 'Loan')) },
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Member: {
          ...{
            type: 'object',
            description: 'A member of the library.',
            required: ['id', 'status', 'joined_at', 'address'],
          },
          properties: {
            id: { type: 'integer', format: 'int64' },
            email: { type: 'string', format: 'email', description: 'Where letters are sent.' },
            mobile_phone: { type: 'string' },
            first_name: { type: 'string' },
            last_name: { type: 'string' },
            status: { type: 'string', enum: ['active', 'ended', 'blocked'] },
            joined_at: { type: 'string', format: 'date-time' },
            birth_date: { type: 'string', format: 'date', nullable: true },
            card_number: { type: 'string' },
            spent: { type: 'string' },
            currency: { type: 'string' },
            address: { $ref: '#/components/schemas/Address' },
            devices: {
              type: 'array',
              items: {
                type: 'object',
                properties: { code: { type: 'string' }, seen_at: { type: 'string', format: 'date-time' } },
              },
            },
            tags: { type: 'array', items: { type: 'string' } },
            friend: { $ref: '#/components/schemas/Member' },
          },
        },
        Address: {
          type: 'object',
          properties: { street: { type: 'string' }, postcode: { type: 'string' }, city: { type: 'string' } },
        },
        Loan: {
          ...{ type: 'object', required: ['loan_number'] },
          properties: {
            loan_number: { type: 'string' },
            borrowed_at: { type: 'string', format: 'date-time' },
            title: { type: 'string' },
            fine: { type: 'integer', description: 'In cents.' },
            currency: { type: 'string' },
          },
        },
      },
    },
  };
}
