import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { setting, SettingsReader, urlSetting } from '../../src/settings.js';
import { oauth2 } from '../../src/connectors/oauth2.js';
import { rest, type RestClient } from '../../src/connectors/rest.js';
import { timeout } from '../../src/resilience/timeout.js';
import type { Logger } from '../../src/telemetry/logger.js';
import { failure, sourceFailure } from './contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from './server.js';

const url = urlSetting('URL', 'https://example.nl');
const connector = rest({
  baseUrl: url,
  auth: oauth2({
    tokenUrl: url,
    tokenPath: '/token',
    clientId: setting('ID'),
    clientSecret: setting('SECRET'),
    refreshToken: setting('REFRESH', z.string().optional(), 'a text'),
    scope: 'api',
  }),
  pingPath: '/',
});
const environment = { ID: 'the client', SECRET: 's3cret&=' };
const anything = z.unknown();

describe('an access token that expires', () => {
  let server: SmallServer;
  let client: RestClient & { close(): Promise<void> };
  const logged: string[] = [];

  afterEach(async () => {
    vi.useRealTimers();
    await client.close();
    await server.close();
    logged.length = 0;
  });

  type Answer = (request: SeenRequest, response: ServerResponse, count: number) => void;
  const connect = async ({
    token = (_, response, count) => {
      sendJson(response, { access_token: `token-${count}`, token_type: 'Bearer' });
    },
    data = (_, response) => {
      sendJson(response, {});
    },
    settings = {},
    timeoutMs = 10_000,
  }: { token?: Answer; data?: Answer; settings?: Record<string, string>; timeoutMs?: number } = {}) => {
    server = await startServer((request, response) => {
      if (request.url === '/token') token(request, response, requests('/token').length);
      else data(request, response, server.seen.length - requests('/token').length);
    });
    const warn = (...words: unknown[]) => logged.push(JSON.stringify(words));
    const connection = connector.connect(
      new SettingsReader({ ...environment, URL: server.url, ...settings }),
      {
        source: 'tested',
        timeoutMs,
        maxAnswerBytes: 100_000,
        logger: { warn } as unknown as Logger,
      },
    );
    client = {
      ...connection.client({
        run: (call) => timeout('tested', timeoutMs, call),
        slowDown: () => undefined,
        limitMaxAge: () => undefined,
        headers: {},
      }),
      close: () => connection.close(),
    };
  };
  const requests = (path: string) => server.seen.filter((request) => request.url === path);
  const bearers = () =>
    server.seen.filter((request) => request.url !== '/token').map(({ headers }) => headers.authorization);
  const formOf = ({ body }: SeenRequest) => Object.fromEntries(new URLSearchParams(body));
  const refuse = (response: ServerResponse) => {
    sendJson(response, [{ errorCode: 'INVALID_SESSION_ID' }], { status: 401 });
  };
  /** Accepts requests with one of these tokens. */
  const letIn =
    (...tokens: string[]): Answer =>
    ({ headers }, response) => {
      if (tokens.some((token) => headers.authorization === `Bearer ${token}`)) sendJson(response, {});
      else refuse(response);
    };

  it('is requested once for all calls that need a token at the same time', async () => {
    await connect();
    await Promise.all(Array.from({ length: 20 }, () => client.get(anything, '/data')));
    await client.get(anything, '/data');
    expect(requests('/token')).toHaveLength(1);
    expect(new Set(bearers())).toEqual(new Set(['Bearer token-1']));
  });

  it('is not requested again by the calls that waited for a failed token request', async () => {
    await connect({
      token: (_, response) => {
        sendJson(response, {}, { status: 500 });
      },
    });
    await Promise.all(Array.from({ length: 3 }, () => failure(client.get(anything, '/data'))));
    expect(requests('/token')).toHaveLength(1);
  });

  it('is requested with the credentials of the client, in the body of a POST', async () => {
    await connect();
    await client.get(anything, '/data');
    const [request] = requests('/token');
    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    });
    expect(request?.headers.authorization).toBeUndefined();
    expect(request && formOf(request)).toEqual({
      grant_type: 'client_credentials',
      client_id: 'the client',
      client_secret: 's3cret&=',
      scope: 'api',
    });
  });

  it('is requested with the refresh token if there is one, and then with the newer one of the response', async () => {
    await connect({
      settings: { REFRESH: 'refresh-0' },
      token: (_, response, count) => {
        sendJson(response, { access_token: `token-${count}`, refresh_token: `refresh-${count}` });
      },
      data: (request, response, count) => {
        if (count === 2) refuse(response);
        else sendJson(response, {});
      },
    });
    await client.get(anything, '/data');
    await client.get(anything, '/data');
    expect(requests('/token').map(formOf)).toMatchObject([
      { grant_type: 'refresh_token', refresh_token: 'refresh-0' },
      { grant_type: 'refresh_token', refresh_token: 'refresh-1' },
    ]);
  });

  it('uses the newest refresh token after every rotation, or the previous one if a response has none', async () => {
    const rotations = ['refresh-1', 'refresh-2', undefined, 'refresh-4'];
    await connect({
      settings: { REFRESH: 'refresh-0' },
      token: (_, response, count) => {
        sendJson(response, { access_token: `token-${count}`, refresh_token: rotations[count - 1] });
      },
      // Each access token is accepted for one call, and has expired at the next.
      data: (request, response, count) => {
        if (count % 2 === 0) refuse(response);
        else sendJson(response, {});
      },
    });
    for (let i = 0; i < rotations.length; i += 1) await client.get(anything, '/data');
    expect(requests('/token').map((request) => formOf(request)['refresh_token'])).toEqual([
      'refresh-0',
      'refresh-1',
      'refresh-2',
      'refresh-2',
    ]);
  });

  it('renews an expired token once for all waiting calls, and answers each of them', async () => {
    let valid = 'token-1';
    await connect({
      data: (request, response, count) => {
        letIn(valid)(request, response, count);
      },
    });
    await client.get(anything, '/data');
    valid = 'token-2';
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.get(anything, '/data')));
    expect(answers).toHaveLength(20);
    expect(requests('/token')).toHaveLength(2);
    expect(bearers().filter((bearer) => bearer === 'Bearer token-1')).toHaveLength(21);
    expect(bearers().filter((bearer) => bearer === 'Bearer token-2')).toHaveLength(20);
  });

  it('does not request more tokens if all are refused', async () => {
    await connect({
      data: (_, response) => {
        refuse(response);
      },
    });
    for (let i = 0; i < 5; i += 1) {
      const error = await failure(client.get(anything, '/data'));
      expect(error.extensions).toEqual({
        code: 'SOURCE_UNAUTHENTICATED',
        source: 'tested',
        retryable: false,
      });
    }
    expect(requests('/token')).toHaveLength(1);
    expect(requests('/data')).toHaveLength(5);
  });

  it('fails if the renewed token is refused too', async () => {
    await connect({
      data: (_, response, count) => {
        if (count === 1) sendJson(response, {});
        else refuse(response);
      },
    });
    await client.get(anything, '/data');
    expect((await failure(client.get(anything, '/data'))).code).toBe('SOURCE_UNAUTHENTICATED');
    expect(bearers()).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    // A system may lock out a client that repeats refused token requests.
    expect((await failure(client.get(anything, '/data'))).code).toBe('SOURCE_UNAUTHENTICATED');
    expect(requests('/token')).toHaveLength(2);
  });

  it.each([
    [400, { error: 'invalid_client', error_description: 'no jan@example.nl' }],
    [400, { error: 'invalid_grant' }],
    [401, 'no JSON at all'],
    [403, {}],
    [404, {}],
  ])(
    'reports refused credentials (%d) separately, and does not retry them again and again',
    async (status, body) => {
      await connect({
        token: (_, response) => {
          sendJson(response, body, { status });
        },
      });
      const errors = await Promise.all(
        Array.from({ length: 5 }, () => failure(client.get(anything, '/data'))),
      );
      errors.push(await failure(client.get(anything, '/data')));
      for (const { extensions, message } of errors) {
        expect(extensions).toEqual({ code: 'SOURCE_UNAUTHENTICATED', source: 'tested', retryable: false });
        expect(message).not.toMatch(/s3cret|the client|jan@/);
      }
      expect(requests('/token')).toHaveLength(1);
      expect(requests('/data')).toHaveLength(0);
      expect(logged).toEqual([]);
    },
  );

  it('reports to the operator why there is no token, by the OAuth error code only', async () => {
    await connect({
      token: (_, response) => {
        sendJson(response, { error: 'invalid_client' }, { status: 400 });
      },
    });
    const { kind, received } = await sourceFailure(client.get(anything, '/data'));
    expect({ kind, received }).toEqual({
      kind: 'token-refused',
      received: { status: 400, vendorCode: 'invalid_client' },
    });
  });

  it('tries refused credentials again after a while, since they may have been corrected', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await connect({
      token: (_, response, count) => {
        if (count === 1) sendJson(response, { error: 'invalid_client' }, { status: 400 });
        else sendJson(response, { access_token: 'token' });
      },
    });
    await failure(client.get(anything, '/data'));
    vi.advanceTimersByTime(10_001);
    await expect(client.get(anything, '/data')).resolves.toEqual({});
  });

  it.each([
    [408, 'SOURCE_UNAVAILABLE'],
    [500, 'SOURCE_UNAVAILABLE'],
    [503, 'SOURCE_UNAVAILABLE'],
    [429, 'SOURCE_RATE_LIMITED'],
  ])('reports a token that is temporarily refused (%d) as %s', async (status, code) => {
    await connect({
      token: (_, response, count) => {
        if (count === 1) sendJson(response, {}, { status, headers: { 'retry-after': '3' } });
        else sendJson(response, { access_token: 'token' });
      },
    });
    const error = await failure(client.get(anything, '/data'));
    expect(error.extensions).toEqual({ code, source: 'tested', retryable: true, retryAfter: 3 });
    await expect(client.get(anything, '/data')).resolves.toEqual({});
  });

  it('waits for a token at most until the timeout of the call, and requests another with the next call', async () => {
    await connect({
      timeoutMs: 300,
      token: (_, response, count) => {
        // A call that joined the first request may make one more before its timeout.
        if (count > 2) sendJson(response, { access_token: 'token' });
      },
    });
    const calls = Array.from({ length: 3 }, () => failure(client.get(anything, '/data')));
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array(3).fill('SOURCE_TIMEOUT'));
    await vi.waitFor(() => client.get(anything, '/data'), { timeout: 10_000 });
  });

  it.each([
    ['no token', { token: 'token-1' }],
    ['a token with a line break', { access_token: 'token-1\r\nX-Injected: yes' }],
    ['a token that is not text', { access_token: 17 }],
  ])('refuses an answer with %s, and does not quote it', async (_, body) => {
    await connect({
      token: (_request, response) => {
        sendJson(response, body);
      },
    });
    const { code, message } = await failure(client.get(anything, '/data'));
    expect(code).toBe('SOURCE_CONTRACT');
    expect(message).toContain('access_token');
    expect(message).not.toContain('token-1');
  });

  it.each([
    ['ten seconds before it expires', 60, 49_000],
    ['after half of a short lifetime', 8, 3_000],
  ])('renews a token %s, if the system reports its lifetime', async (_, lifetime, laterMs) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    await connect({
      token: (_request, response, count) => {
        sendJson(response, { access_token: `token-${count}`, expires_in: lifetime });
      },
    });
    await client.get(anything, '/data');
    vi.advanceTimersByTime(laterMs);
    await client.get(anything, '/data');
    vi.advanceTimersByTime(2_000);
    await client.get(anything, '/data');
    expect(bearers()).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  it('returns the token to other calls, even if the first call was cancelled', async () => {
    let give: (() => void) | undefined;
    await connect({
      token: (_, response) => {
        give = () => {
          sendJson(response, { access_token: 'token' });
        };
      },
    });
    const abort = new AbortController();
    const connection = connector.connect(new SettingsReader({ ...environment, URL: server.url }), {
      source: 'tested',
      timeoutMs: 10_000,
      maxAnswerBytes: 1_000,
      logger: {} as unknown as Logger,
    });
    const scope = (signal: AbortSignal) => ({
      run: <T>(call: (signal: AbortSignal) => Promise<T>) => call(signal),
      slowDown: () => undefined,
      limitMaxAge: () => undefined,
      headers: {},
    });
    const first = connection
      .client(scope(abort.signal))
      .get(anything, '/given-up')
      .catch((error: unknown) => error);
    const second = connection.client(scope(new AbortController().signal)).get(anything, '/data');
    await vi.waitFor(() => {
      expect(give).toBeDefined();
    });
    abort.abort();
    give?.();
    expect(await first).toBeInstanceOf(Error);
    expect(await second).toEqual({});
    expect(requests('/token')).toHaveLength(1);
    expect(requests('/given-up')).toHaveLength(0);
    await connection.close();
  });

  it('requests nothing after it was closed', async () => {
    await connect();
    await client.close();
    expect((await failure(client.get(anything, '/data'))).code).toBe('SOURCE_UNAVAILABLE');
    expect(server.seen).toHaveLength(0);
  });
});
