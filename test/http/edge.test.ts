import { hash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listen, type HttpServer, type ListenOptions } from '../../src/http/http.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { sendRequest, findInternals, post, type RawRequest, type RawAnswer } from './raw-client.js';

const SITE = 'https://www.example.nl';
const SHOP = 'https://shop.example.nl';
const OTHER = 'https://evil.example';
const KEY = 'key-of-the-shop-for-its-pages';

const gateway = createTestGateway({
  ...directSettings(FOUR_SYSTEMS),
  ...CALLER_SETTINGS,
  API_KEYS: JSON.stringify([
    ...(JSON.parse(CALLER_SETTINGS.API_KEYS ?? '[]') as object[]),
    { name: 'shop', roles: ['analyst'], sha256: [hash('sha256', KEY, 'hex')], origins: [SHOP] },
  ]),
  CORS_ORIGINS: SITE,
  ADMIN_TOKEN: 'a token for the administrator',
  AUDIT_FILE: '/dev/null',
});
const servers: HttpServer[] = [];
let port: number;
let operator: Record<string, string>;
const shop = { authorization: `Bearer ${KEY}` };

async function start(options: Partial<ListenOptions> = {}, handler = gateway.handler): Promise<number> {
  const { origins } = gateway.authentication;
  const server = await listen(handler, { host: '127.0.0.1', port: 0, origins, ...options });
  servers.push(server);
  return Number(new URL(server.url).port);
}

beforeAll(async () => {
  port = await start();
  operator = await headersOf('operator');
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await gateway.close();
});
/** Checks after each test that other requests are answered. */
afterEach(async () => {
  expect(await sendRequest(port, queryWith(operator))).toMatchObject({ status: 200, body: ANSWERED });
});

const QUESTION = '{"query":"{ __typename }"}';
const ANSWERED: unknown = expect.stringContaining('{"data":{"__typename":"Query"}');
const queryWith = (headers: Record<string, string>): RawRequest => post(QUESTION, headers);

function codeOf({ body }: RawAnswer): string | undefined {
  const { errors = [] } = JSON.parse(body) as { errors?: { extensions: { code: string } }[] };
  return errors[0]?.extensions.code;
}

describe('a page of an allowed web site', () => {
  test('can send requests, and read answers and their age', async () => {
    const { status, headers, body } = await sendRequest(port, queryWith({ ...shop, origin: SHOP }));
    expect({ status, body }).toEqual({ status: 200, body: ANSWERED });
    expect(headers['access-control-allow-origin']).toBe(SHOP);
    expect(headers['access-control-expose-headers']).toContain('age');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers.vary?.toLowerCase().split(/, */)).toEqual(
      expect.arrayContaining(['origin', 'authorization', 'x-purpose']),
    );
  });

  test.each([SITE, SHOP])(
    'learns from a preflight request which methods and headers are allowed: %s',
    async (origin) => {
      const { status, headers, body } = await sendRequest(port, preflight(origin));
      expect({ status, body }).toEqual({ status: 204, body: '' });
      expect(headers['access-control-allow-origin']).toBe(origin);
      expect(headers['access-control-allow-methods']).toBe('GET, POST');
      expect(headers['access-control-allow-headers']).toMatch(
        /authorization.*content-type.*data-purpose.*x-purpose/,
      );
      // Browsers cache the result, so a site that is removed from the list remains allowed for ten minutes.
      expect(headers['access-control-max-age']).toBe('600');
      expect(headers.vary?.toLowerCase()).toContain('origin');
    },
  );

  test('can read the reason of a refusal', async () => {
    const answer = await sendRequest(port, queryWith({ origin: SITE }));
    expect(answer.status).toBe(401);
    expect(answer.headers['access-control-allow-origin']).toBe(SITE);
  });
});

function preflight(origin: string): RawRequest {
  return {
    method: 'OPTIONS',
    path: '/graphql',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  };
}

describe('a page of another web site', () => {
  const strangers = [
    OTHER,
    'null',
    'http://www.example.nl',
    'https://www.example.nl:8443',
    'https://www.example.nl.evil.example',
    'https://evilwww.example.nl',
    'https://example.nl',
    'https://www.example.nl/',
    `${SITE}, ${OTHER}`,
    'file://',
    '',
  ];
  test.each(strangers)(
    'is refused, at the preflight and at the request, with any key: "%s"',
    async (origin) => {
      for (const rawRequest of [
        preflight(origin),
        queryWith({ ...operator, origin }),
        queryWith({ ...shop, origin }),
      ]) {
        const answer = await sendRequest(port, rawRequest);
        expect(answer.status).toBe(403);
        expect(codeOf(answer)).toBe('FORBIDDEN');
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
        expect(answer.headers.vary?.toLowerCase()).toContain('origin');
      }
    },
  );
});

describe('a key of a web page', () => {
  test('is valid for the pages of its caller, and not for pages that need tokens', async () => {
    expect((await sendRequest(port, queryWith({ ...shop, origin: SHOP }))).status).toBe(200);
    expect((await sendRequest(port, queryWith({ ...shop, origin: SITE }))).status).toBe(403);
    const visitor = await headersOf('visitor');
    const account = `{"documentId":"sha256:0"}`;
    expect((await sendRequest(port, post(account, { ...visitor, origin: SITE }))).status).toBe(404);
    expect((await sendRequest(port, post(account, { ...visitor, origin: SHOP }))).status).toBe(403);
  });

  test("is valid for programs, and for the gateway's own page", async () => {
    expect((await sendRequest(port, queryWith(shop))).status).toBe(200);
    expect((await sendRequest(port, queryWith({ ...shop, origin: `http://127.0.0.1:${port}` }))).status).toBe(
      200,
    );
    const sameOrigin = { ...shop, 'sec-fetch-site': 'same-origin', origin: `http://127.0.0.1:${port}` };
    expect((await sendRequest(port, queryWith(sameOrigin))).status).toBe(200);
  });

  test('of another caller is refused, although the browser may send the request', async () => {
    const answer = await sendRequest(port, queryWith({ ...operator, origin: SHOP }));
    expect(answer.status).toBe(403);
    expect(codeOf(answer)).toBe('FORBIDDEN');
    expect(answer.body).toContain("Pages of this web site may not use this caller's key.");
    expect(answer.body).not.toContain(SHOP);
  });
});

describe('a request that a foreign page makes a browser send', () => {
  const crossSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  const IMG = `/graphql?query=${encodeURIComponent('{ __typename }')}`;
  const cases: [string, RawRequest][] = [
    [
      'a form',
      {
        ...post('query=%7B__typename%7D', {
          ...crossSite,
          'sec-fetch-mode': 'navigate',
          accept: 'text/html',
          'content-type': 'application/x-www-form-urlencoded',
          origin: OTHER,
        }),
      },
    ],
    ['a form of an old browser', post('query=%7B__typename%7D', { origin: OTHER })],
    ['a body with the type of plain text', post(QUESTION, { ...crossSite, 'content-type': 'text/plain' })],
    ['an image', { path: IMG, headers: { ...crossSite, 'sec-fetch-dest': 'image', accept: 'image/*' } }],
    ['a script', { path: IMG, headers: { ...crossSite, 'sec-fetch-dest': 'script', accept: '*/*' } }],
    [
      'an image in a page of the same site',
      { path: IMG, headers: { ...crossSite, 'sec-fetch-site': 'same-site', accept: 'image/*' } },
    ],
    [
      'a navigation that does not accept HTML',
      { path: IMG, headers: { ...crossSite, 'sec-fetch-mode': 'navigate' } },
    ],
    ['a request for metrics', { path: '/metrics', headers: { ...crossSite } }],
    [
      'a request to forget',
      { ...post('{"source":"webshop"}', { ...crossSite, origin: OTHER }), path: '/admin/forget' },
    ],
  ];
  for (const [what, rawRequest] of cases)
    test(`is refused: ${what}`, async () => {
      const { headers = {} } = rawRequest;
      const answer = await sendRequest(port, { ...rawRequest, headers: { ...headers, ...operator } });
      expect(answer.status).toBe(403);
      expect(codeOf(answer)).toBe('FORBIDDEN');
      expect(answer.body).not.toContain('data');
    });

  const bodies: [string, string][] = [
    ['text/plain', QUESTION],
    ['application/x-www-form-urlencoded', 'query=%7B__typename%7D'],
    [
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${QUESTION}\r\n--x--`,
    ],
    ['application/graphql', '{ __typename }'],
    ['', QUESTION],
    ['application/json; charset=utf-16', QUESTION],
  ];
  test.each(bodies)('is refused for all callers: a body of type "%s"', async (type, body) => {
    const answer = await sendRequest(port, post(body, { ...operator, 'content-type': type }));
    expect(answer.status).toBe(415);
    expect(codeOf(answer)).toBe('BAD_REQUEST');
  });

  test('is allowed for a link to GraphiQL, which opens the page and executes no operation', async () => {
    const link = { ...crossSite, 'sec-fetch-mode': 'navigate', accept: 'text/html' };
    const { status, headers, body } = await sendRequest(port, { path: IMG, headers: link });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).not.toEqual(ANSWERED);
  });
});

describe('every answer', () => {
  const HEADERS = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };
  const cases: [string, number, RawRequest][] = [
    ['health', 200, { path: '/health/live' }],
    ['metrics', 200, { path: '/metrics' }],
    ['an unknown path', 404, { path: '/admin' }],
    ['no authentication', 401, { path: '/graphql?query={__typename}' }],
    ['a wrong key', 401, queryWith({ authorization: 'Bearer x' })],
    ['a wrong method', 405, { method: 'DELETE', path: '/graphql' }],
    ['invalid GraphQL', 400, post('{"query":"{"}')],
    ['an unknown field', 400, post('{"query":"{ secrets }"}')],
    ['a page of another site', 403, queryWith({ origin: OTHER })],
    ['an unknown persisted operation', 404, post('{"documentId":"sha256:0"}')],
    ['a body that is too large', 413, post(`{"query":"${'x'.repeat(300 * 1024)}"}`)],
    ['another type of body', 415, post('x', { 'content-type': 'text/plain' })],
    ['another host', 421, queryWith({ host: 'evil.example' })],
    ['forgetting without authentication', 401, { ...post('{}'), path: '/admin/forget', headers: {} }],
    ['an unknown purpose', 400, queryWith({ 'x-purpose': 'FUN' })],
  ];
  for (const [what, status, rawRequest] of cases)
    test(`has the security headers, and no trace of the implementation: ${what}, ${status}`, async () => {
      const isAnonymous = /authentication|wrong key/.test(what);
      const headers = {
        accept: 'application/graphql-response+json',
        ...(isAnonymous ? {} : operator),
        ...rawRequest.headers,
      };
      const answer = await sendRequest(port, { ...rawRequest, headers });
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject(HEADERS);
      expect(findInternals(answer)).toEqual([]);
    });

  test('of GraphiQL lets the page run only its own scripts, and forbids frames', async () => {
    const { status, headers } = await sendRequest(port, { headers: { accept: 'text/html' } });
    expect(status).toBe(200);
    const policy = headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(headers).toMatchObject({ ...HEADERS, 'content-security-policy': policy });
  });
});

describe('a request with a foreign host name (DNS rebinding)', () => {
  const cases: [string, number][] = [
    ['localhost', 200],
    ['LOCALHOST:4000', 200],
    ['127.0.0.1', 200],
    ['[::1]:4000', 200],
    ['evil.example', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['evil.example:4000', 421],
    ['169.254.169.254', 421],
    ['0.0.0.0', 421],
    ['gateway.example.nl', 421],
  ];
  test.each(cases)('"%s" gets status %i', async (host, status) => {
    const answer = await sendRequest(port, queryWith({ ...operator, host }));
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain(host);
    // A browser sends these headers for a page of that host.
    const sameOrigin = host.toLowerCase();
    const page = await sendRequest(
      port,
      queryWith({ ...operator, host: sameOrigin, origin: `http://${sameOrigin}` }),
    );
    expect(page.status).toBe(status);
  });

  test('is answered only for the names in the settings', async () => {
    const named = await start({ allowedHosts: ['gateway.example.nl'] });
    const statusOf = async (host: string) =>
      (await sendRequest(named, queryWith({ ...operator, host }))).status;
    expect(await statusOf('gateway.example.nl')).toBe(200);
    expect(await statusOf('Gateway.Example.NL:443')).toBe(200);
    expect(await statusOf('localhost')).toBe(200);
    expect(await statusOf('example.nl')).toBe(421);
    expect(await statusOf('x.gateway.example.nl')).toBe(421);
  });

  test('is answered for any name if the gateway listens on all addresses and no names are set', async () => {
    const open = await start({ host: '0.0.0.0' });
    expect((await sendRequest(open, queryWith({ ...operator, host: 'gateway.example.nl' }))).status).toBe(
      200,
    );
  });
});
