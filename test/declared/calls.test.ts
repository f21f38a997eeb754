import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { RestClient } from '../../src/connectors/rest.js';
import { declaredSource, describeProblem } from '../../src/index.js';
import type { Loader } from '../../src/loaders/loader.js';
import { hostileKeys, open } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';

const SDL = `type Customer {
  items: [Item!] @personalData(category: TRAIT) @authenticated
}
type Item @personalData(category: TRAIT) { id: ID! owner: String }`;

/** Returns the loader of a call, with these options of the connector. */
function loaderOf(
  call: string,
  connect = 'ping: /ping',
): { load: (...keys: string[]) => Promise<unknown>; close: () => Promise<void> } {
  const yaml = `source: items
connect: { rest: "\${ITEMS_URL}", ${connect} }
heldIdentifiers: [email]
calls:
  items: ${call}
fields:
  Customer.items: { call: items }
`;
  const result = declaredSource({ file: 'items.yaml', yaml, sdlFile: 'items.graphql', sdl: SDL });
  if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
  const { source } = result;
  const [loader] = source.loaders as readonly Loader<RestClient, string, unknown>[];
  const client = open(
    source.connector,
    { ITEMS_URL: `${system.url}/api`, ITEMS_KEY: 'k1', ITEMS_USER: 'u', ITEMS_TENANT: 't7' },
    { source: 'items' },
  );
  return {
    load: (...keys) => loader?.load(keys, client as unknown as RestClient) ?? Promise.resolve([]),
    close: () => client.close(),
  };
}

let system: SmallServer;
let answer: (request: SeenRequest) => { body: unknown; status?: number; headers?: Record<string, string> };
const urls = () => system.seen.map(({ url }) => decodeURIComponent(url));
const item = (i: number, owner = 'a') => ({ id: String(i), owner });

beforeAll(async () => {
  system = await startServer((request, response) => {
    const { body, ...options } = answer(request);
    sendJson(response, body, options);
  });
});
beforeEach(() => {
  system.seen.length = 0;
});
afterAll(() => system.close());

describe('a list in pages', () => {
  const ALL = [0, 1, 2, 3, 4].map((i) => item(i));
  const query = ({ url }: SeenRequest) => new URL(url, system.url).searchParams;

  it.each([
    {
      style: 'cursor',
      page: '{ cursor: meta.next, as: after, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = Number(query(request).get('after') ?? 0);
        return {
          body: { data: ALL.slice(start, start + 2), meta: { next: start + 2 < 5 ? start + 2 : null } },
        };
      },
      expected: ['/api/items?owner=a', '/api/items?owner=a&after=2', '/api/items?owner=a&after=4'],
    },
    {
      style: 'offset',
      page: '{ offset: skip, size: 2, limit: take, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = Number(query(request).get('skip'));
        return { body: { data: ALL.slice(start, start + Number(query(request).get('take'))) } };
      },
      expected: [0, 2, 4].map((at) => `/api/items?owner=a&take=2&skip=${at}`),
    },
    {
      style: 'number',
      page: '{ number: page, size: 2, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = (Number(query(request).get('page')) - 1) * 2;
        return { body: { data: ALL.slice(start, start + 2) } };
      },
      expected: [1, 2, 3].map((at) => `/api/items?owner=a&page=${at}`),
    },
    {
      style: 'link in the body',
      page: '{ next: links.next, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = Number(query(request).get('from') ?? 0);
        const next = start + 2 < 5 ? `${system.url}/api/items?owner=a&from=${start + 2}` : undefined;
        return { body: { data: ALL.slice(start, start + 2), links: { next } } };
      },
      expected: ['/api/items?owner=a', '/api/items?owner=a&from=2', '/api/items?owner=a&from=4'],
    },
    {
      style: 'link in the header',
      page: '{ link: header, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = Number(query(request).get('from') ?? 0);
        const link = `</api/items?owner=a&from=0>; rel="first", </api/items?owner=a&from=${start + 2}>; rel="next"`;
        return { body: { data: ALL.slice(start, start + 2) }, headers: start + 2 < 5 ? { link } : {} };
      },
      expected: ['/api/items?owner=a', '/api/items?owner=a&from=2', '/api/items?owner=a&from=4'],
    },
    {
      style: 'token in a header',
      page: '{ header: X-Continuation, as: from, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const start = Number(query(request).get('from') ?? 0);
        return {
          body: { data: ALL.slice(start, start + 2) },
          headers: start + 2 < 5 ? { 'x-continuation': String(start + 2) } : {},
        };
      },
      expected: ['/api/items?owner=a', '/api/items?owner=a&from=2', '/api/items?owner=a&from=4'],
    },
    {
      style: 'last id, with a flag',
      page: '{ lastId: id, as: starting_after, more: has_more, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const after = query(request).get('starting_after');
        const start = after === null ? 0 : Number(after) + 1;
        return { body: { data: ALL.slice(start, start + 2), has_more: start + 2 < 5 } };
      },
      expected: [
        '/api/items?owner=a',
        '/api/items?owner=a&starting_after=1',
        '/api/items?owner=a&starting_after=3',
      ],
    },
    {
      style: 'last id, until a page is not full',
      page: '{ lastId: id, as: since_id, size: 2, limit: take, maxItems: 10 }',
      answers: (request: SeenRequest) => {
        const after = query(request).get('since_id');
        const start = after === null ? 0 : Number(after) + 1;
        return { body: { data: ALL.slice(start, start + Number(query(request).get('take'))) } };
      },
      expected: [
        '/api/items?owner=a&take=2',
        '/api/items?owner=a&take=2&since_id=1',
        '/api/items?owner=a&take=2&since_id=3',
      ],
    },
  ])('is read to its end with pages by $style', async ({ page, answers, expected }) => {
    answer = answers;
    const { load, close } = loaderOf(`{ get: "/items?owner={key}", rows: data, page: ${page} }`);
    expect(await load('a')).toEqual([ALL]);
    expect(urls()).toEqual(expected);
    await close();
  });

  it('is an error if it exceeds its limit, unless the declaration accepts a part', async () => {
    answer = ({ url }) => ({
      body: { data: [item(url.length), item(url.length + 1)], next: `n${url.length}` },
    });
    const call = (more: string) =>
      `{ get: "/items?owner={key}", rows: data, page: { cursor: next, as: after, maxItems: 4${more} } }`;
    const strict = loaderOf(call(''));
    expect(await strict.load('a')).toEqual([expect.objectContaining({ code: 'SOURCE_CONTRACT' })]);
    await strict.close();
    system.seen.length = 0;
    const partial = loaderOf(call(', acceptPart: true'));
    expect(await partial.load('a')).toEqual([expect.objectContaining({ length: 4 })]);
    expect(system.seen).toHaveLength(2);
    await partial.close();
  });
});

it('sends the declared headers with every call', async () => {
  answer = () => ({ body: { data: [] } });
  const { load, close } = loaderOf(
    '{ get: "/items?owner={key}", rows: data }',
    'ping: /ping, auth: { bearer: "${ITEMS_KEY}" }, headers: { X-Tenant: "${ITEMS_TENANT}", X-Version: 2026-01 }',
  );
  await load('a');
  expect(system.seen.map(({ headers }) => headers)).toEqual([
    expect.objectContaining({ 'x-tenant': 't7', 'x-version': '2026-01', authorization: 'Bearer k1' }),
  ]);
  await close();
});

it.each(['Authorization: x', 'Host: example.com', 'X-Tenant: "${tenant}"', 'X Tenant: t'])(
  'refuses the header %s',
  (header) => {
    expect(() =>
      loaderOf('{ get: "/items?owner={key}", rows: data }', `ping: /ping, headers: { ${header} }`),
    ).toThrow(/headers/);
  },
);

describe('a page that continues by its last id', () => {
  it.each([
    ['says neither yes nor no', { data: [item(1)], has_more: 'perhaps' }],
    ['has a row without an id', { data: [{ owner: 'a' }], has_more: true }],
  ])('is an error if it %s', async (_, body) => {
    answer = () => ({ body });
    const { load, close } = loaderOf(
      '{ get: "/items?owner={key}", rows: data, page: { lastId: id, as: after, more: has_more, maxItems: 9 } }',
    );
    expect(await load('a')).toEqual([expect.objectContaining({ code: 'SOURCE_CONTRACT' })]);
    await close();
  });
});

describe('a batch', () => {
  const rows = { body: { data: [item(2, 'B'), item(1, 'a'), item(1, 'a'), item(3, 'a')] } };

  it.each([
    [
      'a list in a parameter',
      '{ get: "/items?owners={keys|csv}", rows: data, key: owner, id: id, matching: lower }',
      '/api/items?owners=a,b,c',
      '',
    ],
    [
      'a repeated parameter',
      '{ get: "/items?owner={keys|repeat}", rows: data, key: owner, id: id, matching: lower }',
      '/api/items?owner=a&owner=b&owner=c',
      '',
    ],
    [
      'a query of the system',
      '{ get: /items, query: { q: { keys: "owner:{key}", join: " OR ", allow: "^[a-z]+$" }, limit: 10 }, rows: data, key: owner, id: id, matching: lower }',
      '/api/items?q=owner:a OR owner:b OR owner:c&limit=10',
      '',
    ],
    [
      'a body',
      '{ post: /items, body: { owners: "{keys}", limit: 10 }, rows: data, key: { from: owner, text: lower }, id: id }',
      '/api/items',
      '{"owners":["a","b","c"],"limit":10}',
    ],
  ])('is sent as %s, and rows are matched by key', async (_, call, url, body) => {
    answer = () => rows;
    const { load, close } = loaderOf(call);
    expect(await load('a', 'b', 'c')).toEqual([[item(1), item(3)], [item(2, 'B')], []]);
    expect(urls()).toEqual([url]);
    expect(system.seen[0]?.body).toBe(body);
    await close();
  });

  it('is refused completely if a row has an unrequested key', async () => {
    answer = () => ({ body: { data: [item(1, 'z')] } });
    const { load, close } = loaderOf('{ get: "/items?owners={keys|csv}", rows: data, key: owner }');
    await expect(load('a', 'b')).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
    await close();
  });
});

describe('errors of the system', () => {
  it.each([
    [
      'a status',
      'errors: [{ status: 420, kind: rate-limited }]',
      { status: 420, body: {} },
      'SOURCE_RATE_LIMITED',
    ],
    [
      'a code in the body',
      'errors: [{ status: 400, at: error.code, is: [NO_ACCESS], kind: forbidden }]',
      { status: 400, body: { error: { code: 'NO_ACCESS' } } },
      'SOURCE_FORBIDDEN',
    ],
    [
      'no rule',
      'errors: [{ status: 420, kind: rate-limited }]',
      { status: 400, body: {} },
      'SOURCE_CONTRACT',
    ],
    [
      'an address that does not exist',
      'auth: { basic: { user: "${ITEMS_USER}", password: "${ITEMS_KEY}" } }',
      { status: 404, body: {} },
      'SOURCE_CONTRACT',
    ],
  ])('have the correct error code, read from %s', async (_, connect, reply, code) => {
    answer = () => reply;
    const { load, close } = loaderOf('{ get: "/items?owner={key}", rows: data }', `ping: /ping, ${connect}`);
    expect(await load('a')).toEqual([expect.objectContaining({ code })]);
    await close();
  });

  it('mean "not found" if the call declares that', async () => {
    answer = () => ({ status: 404, body: {} });
    const { load, close } = loaderOf('{ get: "/items?owner={key}", rows: data, notFound: [404, empty] }');
    expect(await load('a')).toEqual([[]]);
    await close();
  });

  it('mean "not found" if an empty record is written as an empty list', async () => {
    answer = () => ({ body: [] });
    const { load, close } = loaderOf('{ get: "/items/{key}", notFound: empty }');
    expect(await load('a')).toEqual([[]]);
    await close();
  });
});

it('a declared call sends an API key in the declared header', async () => {
  answer = () => ({ body: { data: [] } });
  const { load, close } = loaderOf(
    '{ get: "/items?owner={key}", rows: data }',
    'ping: /ping, auth: { apiKey: { key: "${ITEMS_KEY}", header: X-Key } }',
  );
  await load('a');
  expect(system.seen[0]?.headers['x-key']).toBe('k1');
  await close();
});

const CALLS: [what: string, call: string, shape: (request: SeenRequest) => string][] = [
  [
    'a path',
    '{ get: "/items/{key}/list", rows: data }',
    ({ url }) => url.replace(/^\/api\/items\/[^/?#]+\/list$/, 'ok'),
  ],
  [
    'a parameter',
    '{ get: "/items?a=1&owner={key}&z=2", rows: data }',
    ({ url }) => url.replace(/^\/api\/items\?a=1&owner=[^&#]+&z=2$/, 'ok'),
  ],
  [
    'a list in a parameter',
    '{ get: "/items?owners={keys|csv}", rows: data, key: owner, matching: loose }',
    ({ url }) =>
      decodeURIComponent(url).split(',').length === 1
        ? url.replace(/^\/api\/items\?owners=[^&#]+$/, 'ok')
        : 'two keys',
  ],
  [
    'a query',
    '{ get: /items, query: { q: { key: "owner:\\"{key}\\"", allow: "^[a-z@.]+$" } }, rows: data }',
    ({ url }) => decodeURIComponent(url).replace(/^\/api\/items\?q=owner:"[a-z@.]+"$/, 'ok'),
  ],
  [
    'a body',
    '{ post: /items, body: { f: { owner: "{key}" } }, rows: data }',
    ({ body }) => {
      const { f, ...others } = JSON.parse(body) as { f: { owner: unknown } };
      return Object.keys(f).join() === 'owner' &&
        typeof f.owner === 'string' &&
        Object.keys(others).length === 0
        ? 'ok'
        : body;
    },
  ],
];

describe('a hostile key', () => {
  test.each(CALLS)('does not change the shape of a call with the key in %s', async (_, call, shape) => {
    answer = () => ({ body: { data: [] } });
    const { load, close } = loaderOf(call);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(...Object.values(hostileKeys)),
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('\'"{}[]%&?#/\\,;:= \n\r\0.@a')) }),
        ),
        async (key) => {
          system.seen.length = 0;
          const [result] = (await load(key)) as unknown[];
          if (result instanceof Error) {
            expect(result).toMatchObject({ code: 'BAD_USER_INPUT' });
            expect(system.seen).toEqual([]);
          } else expect(system.seen.map(shape)).toEqual(['ok']);
        },
      ),
      { numRuns: 100 },
    );
    await close();
  });
});
