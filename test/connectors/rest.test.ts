import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { setting, urlSetting } from '../../src/settings.js';
import { anyOf, apiKey, basic, bearer, type Auth } from '../../src/connectors/auth.js';
import { pathPart, rest, type RestClient } from '../../src/connectors/rest.js';
import { ConfigError } from '../../src/errors.js';
import { describeContract, failure, hostileKeys, open, sourceFailure, type Opened } from './contract.js';
import { sendJson, sendWithoutEnd, startServer, type SeenRequest, type SmallServer } from './server.js';

const contact = z.object({ id: z.string(), properties: z.object({ email: z.string() }) });

describeContract<RestClient>({
  connector: rest({
    baseUrl: urlSetting('CRM_HUBSPOT_URL', 'https://api.hubapi.com'),
    auth: bearer(setting('CRM_HUBSPOT_TOKEN')),
    pingPath: '/crm/v3/objects/contacts?limit=1',
  }),
  source: 'crm-hubspot',
  wrongCredentials: { CRM_HUBSPOT_TOKEN: 'a-wrong-token' },
  call: (client) => client.get(z.object({ results: z.array(contact) }), CONTACTS, { limit: 1 }),
  callForMismatch: (client) =>
    client.get(
      z.object({ properties: z.object({ email: z.number() }) }),
      `${CONTACTS}/everywhere@example.nl`,
      {
        idProperty: 'email',
      },
    ),
  mismatch: { place: 'properties.email', value: 'everywhere@example.nl' },
  find: async (client, key) => client.get(contact, `${CONTACTS}/${pathPart(key)}`, { idProperty: 'email' }),
  knownKey: 'everywhere@example.nl',
  nothing: null,
  codes: {
    down: 'SOURCE_UNAVAILABLE',
    status: 'SOURCE_UNAVAILABLE',
    garbage: 'SOURCE_CONTRACT',
    reset: 'SOURCE_UNAVAILABLE',
    'rate-limit': 'SOURCE_RATE_LIMITED',
    hang: 'SOURCE_TIMEOUT',
    drip: 'SOURCE_TIMEOUT',
  },
  retryAfter: 2,
  maxConnections: 64,
});

const CONTACTS = '/crm/v3/objects/contacts';

describe('a connection to a REST system', () => {
  let server: SmallServer;
  let client: Opened<RestClient>;

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const connect = async (
    answer: (request: SeenRequest, response: ServerResponse) => void,
    {
      auth = bearer(setting('TOKEN')),
      path = '',
      settings = { TOKEN: 'secret' },
      timeoutMs = 10_000,
    }: ConnectOptions = {},
  ): Promise<RestClient> => {
    server = await startServer(answer);
    const connector = rest({ baseUrl: urlSetting('URL', 'https://example.nl'), auth, pingPath: '/' });
    client = open(connector, { URL: `${server.url}${path}`, ...settings }, { timeoutMs });
    return client;
  };
  const anything = z.unknown();

  it.each([
    [
      'with a body of JSON',
      (response: ServerResponse) => {
        sendJson(response, { error: 'x' }, { status: 404 });
      },
    ],
    [
      'with an HTML page',
      (response: ServerResponse) => {
        response.writeHead(404).end('<html>');
      },
    ],
    [
      'without a body',
      (response: ServerResponse) => {
        response.writeHead(404).end();
      },
    ],
  ])('treats "not found" %s as no record', async (_, answer) => {
    await connect((_request, response) => {
      answer(response);
    });
    expect(await client.get(contact, '/contacts/1')).toBeNull();
  });

  it('treats "not found" as a contract error after a POST', async () => {
    await connect((_, response) => {
      sendJson(response, {}, { status: 404 });
    });
    expect((await failure(client.post(contact, '/search', {}))).code).toBe('SOURCE_CONTRACT');
  });

  it('accepts a partial success as an answer', async () => {
    await connect((_, response) => {
      sendJson(response, { results: [1] }, { status: 207 });
    });
    expect(await client.post(z.object({ results: z.array(z.number()) }), '/batch', {})).toEqual({
      results: [1],
    });
  });

  it.each([301, 302, 303, 307, 308])(
    'does not follow a redirect (%d), which could send the credentials to another server',
    async (status) => {
      await connect((_, response) => {
        response.writeHead(status, { location: '/elsewhere' }).end();
      });
      expect((await failure(client.get(anything, '/here'))).code).toBe('SOURCE_CONTRACT');
      expect(server.seen.map(({ url }) => url)).toEqual(['/here']);
    },
  );

  it.each([
    [400, 'SOURCE_CONTRACT', false],
    [401, 'SOURCE_UNAUTHENTICATED', false],
    [403, 'SOURCE_FORBIDDEN', false],
    [408, 'SOURCE_UNAVAILABLE', true],
    [422, 'SOURCE_CONTRACT', false],
    [429, 'SOURCE_RATE_LIMITED', true],
    [500, 'SOURCE_UNAVAILABLE', true],
    [503, 'SOURCE_UNAVAILABLE', true],
  ])('reports a status of %d as %s, without the text of the body', async (status, code, retryable) => {
    await connect((_, response) => {
      sendJson(response, { message: 'jan@example.nl' }, { status });
    });
    const error = await failure(client.get(anything, '/'));
    expect(error.extensions).toMatchObject({ code, retryable });
    expect(JSON.stringify([error.message, error.extensions])).not.toContain('jan@example.nl');
  });

  it.each([
    ['30', 30],
    ['2.0', 2],
    ['0', 0],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['soon', undefined],
    ['9'.repeat(400), undefined],
  ])('reads the retry time from Retry-After: %s', async (value, seconds) => {
    await connect((_, response) => {
      sendJson(response, {}, { status: 429, headers: { 'retry-after': value } });
    });
    const { retryAfter } = await sourceFailure(client.get(anything, '/'));
    expect(retryAfter).toBe(seconds);
  });

  it('reads the retry time from a Retry-After with a date', async () => {
    await connect((_, response) => {
      const date = new Date(Date.now() + 90_000).toUTCString();
      sendJson(response, {}, { status: 429, headers: { 'retry-after': date } });
    });
    const { retryAfter } = await sourceFailure(client.get(anything, '/'));
    expect(retryAfter).toBeGreaterThan(80);
    expect(retryAfter).toBeLessThanOrEqual(90);
  });

  it.each([
    ['before it answers', () => undefined],
    [
      'in the middle of its answer',
      (response: ServerResponse) => {
        response.writeHead(200).write('{"id":');
      },
    ],
  ])('closes the connection to a source that stops %s', async (_, answer) => {
    let hungUp: Promise<unknown> | undefined;
    await connect(
      (_request, response) => {
        hungUp = new Promise((resolve) => response.once('close', resolve));
        answer(response);
      },
      { timeoutMs: 300 },
    );
    expect((await failure(client.get(anything, '/'))).code).toBe('SOURCE_TIMEOUT');
    await hungUp;
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    ['nothing at all', ''],
    ['no JSON', 'x{'],
    ['JSON that was cut off', '{"id": "1'],
    ['text that is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('refuses an answer of %s', async (_, body) => {
    await connect((_request, response) => {
      response.writeHead(200).end(body);
    });
    expect((await failure(client.get(contact, '/'))).code).toBe('SOURCE_CONTRACT');
  });

  it('reports an answer that is cut off', async () => {
    await connect((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"id":', () => response.destroy());
    });
    expect((await failure(client.get(contact, '/'))).code).toBe('SOURCE_UNAVAILABLE');
  });

  it('refuses an answer above the size limit without reading it to the end', async () => {
    let sent: Promise<number> | undefined;
    await connect((_, response) => {
      sent = sendWithoutEnd(response);
    });
    const error = await failure(client.get(anything, '/'));
    expect(error.extensions).toMatchObject({ code: 'SOURCE_CONTRACT', retryable: false });
    expect(await sent).toBeLessThan(24 * 1024 * 1024);
  });

  it('reports the status of a refusal whose body has no end, and closes the connection', async () => {
    let sent: Promise<number> | undefined;
    await connect((_, response) => {
      response.statusCode = 401;
      const writeHead = response.writeHead.bind(response);
      response.writeHead = () => writeHead(401);
      sent = sendWithoutEnd(response);
    });
    expect((await failure(client.get(anything, '/'))).code).toBe('SOURCE_UNAUTHENTICATED');
    expect(await sent).toBeLessThan(16 * 1024 * 1024);
  });

  it('does not change any prototype if an answer contains "__proto__"', async () => {
    await connect((_, response) => {
      response
        .writeHead(200)
        .end('{"__proto__":{"polluted":1},"properties":{"__proto__":{"polluted":1},"a":"b"}}');
    });
    const record = z.object({ properties: z.record(z.string(), z.unknown()) });
    const found = await client.get(record, '/');
    expect(found?.properties).toEqual({ a: 'b' });
    expect('polluted' in (found?.properties ?? {})).toBe(false);
    expect('polluted' in {}).toBe(false);
  });

  describe('a link to the next page', () => {
    const page = z.object({ ok: z.boolean() });
    const pages = (path = '/api') =>
      connect(
        (_, response) => {
          sendJson(response, { ok: true });
        },
        { path },
      );

    it.each([
      ['a whole address', () => `${server.url}/api/users?page=2`],
      ['a path', () => '/api/users?page=2'],
      ['another spelling of the same path', () => '/api/x/../users?page=2#top'],
    ])('follows %s', async (_, link) => {
      await pages();
      expect(await client.follow(page, link())).toEqual({ ok: true });
      expect(server.seen.map(({ url }) => url)).toEqual(['/api/users?page=2']);
    });

    it.each([
      ['another host', () => 'http://127.0.0.2/api/users'],
      ['another port', () => 'http://127.0.0.1:9/api/users'],
      ['another scheme', () => server.url.replace('http', 'https') + '/api/users'],
      ['another host without a scheme', () => '//evil.example/api/users'],
      ['another host by backslashes', () => '\\\\evil.example\\api'],
      ['another path', () => `${server.url}/admin`],
      ['a path that begins with the same letters', () => `${server.url}/apiary/users`],
      ['a path to the parent folder', () => `${server.url}/api/../admin`],
      ['an encoded path to a parent folder', () => `${server.url}/api/%2e%2e/admin`],
      ['a script', () => 'javascript:alert(1)'],
      ['no address', () => 'http://'],
    ])('refuses a link to %s', async (_, link) => {
      await pages();
      const error = await failure(client.follow(page, link()));
      expect(error.code).toBe('SOURCE_CONTRACT');
      expect(error.message).not.toContain('evil');
      expect(server.seen).toEqual([]);
    });

    it('does not treat a missing page as the end of the list', async () => {
      await connect((_, response) => {
        sendJson(response, {}, { status: 404 });
      });
      expect((await failure(client.follow(page, '/users?page=2'))).code).toBe('SOURCE_CONTRACT');
    });
  });

  it('encodes every key, so that it cannot change the path or the query', async () => {
    await connect((_, response) => {
      sendJson(response, {});
    });
    for (const key of Object.values(hostileKeys)) {
      const requests = await Promise.resolve()
        .then(() => client.get(anything, `/users/${pathPart(key)}/tickets`, { key }))
        .then(
          () => true,
          () => false,
        );
      if (!requests) continue;
      const { url = '', headers } = server.seen.at(-1) ?? {};
      const parsed = new URL(url, server.url);
      expect(parsed.pathname.split('/')).toHaveLength(4);
      expect(decodeURIComponent(parsed.pathname.split('/')[2] ?? '')).toBe(key);
      expect([...parsed.searchParams]).toEqual([['key', key]]);
      expect(headers).not.toHaveProperty('x-injected');
    }
    expect(server.seen.length).toBeGreaterThan(12);
  });

  it.each(['', '.', '..'])('makes no call for the key "%s", which would change the path', (key) => {
    server = { url: '', seen: [], close: () => Promise.resolve() };
    expect(() => pathPart(key)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  it('leaves out query parameters without a value', async () => {
    await connect((_, response) => {
      sendJson(response, {});
    });
    await client.get(anything, '/users', { page: undefined, size: 100, all: false });
    expect(server.seen[0]?.url).toBe('/users?size=100&all=false');
  });

  describe('by its headers', () => {
    const headersOf = async (auth: Auth, settings: Record<string, string>) => {
      await connect(
        (_, response) => {
          sendJson(response, {});
        },
        { auth, settings },
      );
      await client.get(anything, '/');
      return server.seen[0]?.headers ?? {};
    };
    const user = setting('USER');
    const password = setting('PASSWORD');
    const token = setting('TOKEN');

    it('sends a bearer token', async () => {
      expect(await headersOf(bearer(token), { TOKEN: 't' })).toMatchObject({
        authorization: 'Bearer t',
        accept: 'application/json',
      });
    });

    it('sends a name and a password, also with non-ASCII letters and with a suffix', async () => {
      const { authorization = '' } = await headersOf(basic(user, password, '/token'), {
        USER: 'jürgen@example.nl',
        PASSWORD: 'geheim:één',
      });
      const [scheme, encoded = ''] = authorization.split(' ');
      expect([scheme, Buffer.from(encoded, 'base64').toString('utf8')]).toEqual([
        'Basic',
        'jürgen@example.nl/token:geheim:één',
      ]);
    });

    it("sends a key in the vendor's own header", async () => {
      expect(await headersOf(apiKey('x-api-key', token), { TOKEN: 'k' })).toMatchObject({ 'x-api-key': 'k' });
    });

    it('uses the kind of authentication whose setting is present', async () => {
      const either = anyOf(bearer(token), basic(user, password));
      const headers = await headersOf(either, { USER: 'u', PASSWORD: 'p' });
      expect(headers.authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`);
    });

    it.each([
      ['a token with a line break', bearer(token), { TOKEN: 'secret\r\nX-Injected: yes' }],
      ['a token with the line break of its file', bearer(token), { TOKEN: 'secret\n' }],
      ['a token with characters that are not allowed in a header', bearer(token), { TOKEN: 'secret😀' }],
      ['a user name with a colon', basic(user, password), { USER: 'secret:x', PASSWORD: 'secret' }],
    ])('does not start with %s', async (_, auth, settings) => {
      await connect(() => undefined, { settings: { TOKEN: 't' } });
      const connector = rest({ baseUrl: urlSetting('URL', 'https://example.nl'), auth, pingPath: '/' });
      const error = await Promise.resolve()
        .then(() => open(connector, { URL: server.url, ...settings }))
        .catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).message).not.toContain('secret');
      expect((error as ConfigError).message).toMatch(/TOKEN|USER/);
    });
  });
});

interface ConnectOptions {
  auth?: Auth;
  path?: string;
  settings?: Record<string, string>;
  timeoutMs?: number;
}

describe('the metadata of an answer', () => {
  let server: SmallServer;
  let client: Opened<RestClient>;
  let reported: unknown[];
  const anything = z.unknown();

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const connect = async (answer: (request: SeenRequest, response: ServerResponse) => void): Promise<void> => {
    reported = [];
    server = await startServer(answer);
    const connector = rest({
      baseUrl: urlSetting('URL', 'https://example.nl'),
      auth: bearer(setting('TOKEN')),
      pingPath: '/',
    });
    const scope = {
      slowDown: (rateLimitInfo: object) => void reported.push(rateLimitInfo),
      limitMaxAge: (ms: number) => void reported.push({ maxAgeMs: ms }),
    };
    client = open(connector, { URL: server.url, TOKEN: 't' }, { scope });
  };

  it.each([
    ['nothing', {}, []],
    [
      'the headers of the IETF draft',
      { 'ratelimit-remaining': '7', 'ratelimit-reset': '3' },
      [{ remaining: 7, resetMs: 3_000 }],
    ],
    [
      'the usual X- headers',
      { 'x-rate-limit-remaining': '0', 'ratelimit-reset': '12' },
      [{ remaining: 0, resetMs: 12_000 }],
    ],
    [
      'a window of a month',
      { 'ratelimit-remaining': '0', 'x-rate-limit-reset': '2592000' },
      [{ remaining: 0, resetMs: 2_592_000_000 }],
    ],
    ['no number', { 'ratelimit-remaining': 'many' }, []],
  ])('reports the remaining calls to all callers: %s', async (_, headers, expected) => {
    await connect((_request, response) => {
      sendJson(response, {}, { headers });
    });
    await client.get(anything, '/');
    expect(reported).toEqual(expected);
  });

  it.each([
    ['max-age=30', [{ maxAgeMs: 30_000 }]],
    ['private, max-age=5, must-revalidate', [{ maxAgeMs: 5_000 }]],
    // Frameworks add this header to every answer, so it is not specific to this one.
    ['max-age=0, private, must-revalidate', []],
    ['no-store', []],
    ['no-cache, max-age=60', []],
    ['max-age=soon', []],
  ])('reports how long its answer is valid: %s', async (value, expected) => {
    await connect((_, response) => {
      sendJson(response, {}, { headers: { 'cache-control': value } });
    });
    await client.get(anything, '/');
    expect(reported).toEqual(expected);
  });

  it('revalidates an answer with an ETag, without a second transfer', async () => {
    const record = z.object({ name: z.string() });
    const requests: (string | undefined)[] = [];
    await connect(({ headers }, response) => {
      requests.push(headers['if-none-match']);
      if (headers['if-none-match'] === '"1"') response.writeHead(304).end();
      else sendJson(response, { name: 'Eva' }, { headers: { etag: '"1"' } });
    });
    expect(await client.get(record, '/people/1')).toEqual({ name: 'Eva' });
    expect(await client.get(record, '/people/1')).toEqual({ name: 'Eva' });
    await client.get(record, '/people/2');
    expect(requests).toEqual([undefined, '"1"', undefined]);
  });

  it('drops answers with an ETag when answers are forgotten, also those in progress', async () => {
    const requests: (string | undefined)[] = [];
    const held: (() => void)[] = [];
    await connect(({ headers, url }, response) => {
      requests.push(headers['if-none-match']);
      const answer = () => {
        sendJson(response, { name: 'Eva' }, { headers: { etag: '"1"' } });
      };
      if (url === '/slow' && held.length === 0) held.push(answer);
      else answer();
    });
    await client.get(anything, '/people/1');
    const underWay = client.get(anything, '/slow');
    await vi.waitFor(() => {
      expect(held).toHaveLength(1);
    });
    client.forget();
    held[0]?.();
    await underWay;
    await client.get(anything, '/people/1');
    await client.get(anything, '/slow');
    expect(requests).toEqual([undefined, undefined, undefined, undefined]);
  });
});
