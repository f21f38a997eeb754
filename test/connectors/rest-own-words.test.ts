import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setting, urlSetting } from '../../src/settings.js';
import { bearer, type Auth } from '../../src/connectors/auth.js';
import type { CallScope } from '../../src/connectors/connector.js';
import type { ErrorKind } from '../../src/connectors/http.js';
import { rest, type RestClient } from '../../src/connectors/rest.js';
import { failure, open, sourceFailure, type Opened } from './contract.js';
import { sendJson, startServer, type SmallServer } from './server.js';

const plain = bearer(setting('TOKEN'));
const auth: Auth = { ...plain, query: () => ({ proof: 'a&b' }) };
const KINDS = z.object({
  kind: z.enum(['unauthenticated', 'forbidden', 'rate-limited', 'unavailable', 'not-understood']),
});

/** Vendor-specific behaviour: errors in the body, plain text, credentials in the query, Unix time. */
describe('a REST system with its own conventions', () => {
  let server: SmallServer;
  let client: Opened<RestClient>;
  let answer: (response: ServerResponse) => void;
  let rateLimitInfo: Parameters<CallScope['slowDown']>[0][];

  beforeEach(async () => {
    rateLimitInfo = [];
    server = await startServer((_, response) => {
      answer(response);
    });
    const connector = rest({
      baseUrl: urlSetting('URL', 'https://here'),
      auth,
      pingPath: '/ping?x=1',
      readErrorKind: (status, body): ErrorKind | undefined => {
        const read = KINDS.safeParse(body);
        return status === 400 && read.success ? read.data.kind : undefined;
      },
    });
    client = open<RestClient>(
      connector,
      { URL: server.url, TOKEN: 'token' },
      { source: 'tested', scope: { slowDown: (reported) => rateLimitInfo.push(reported) } },
    );
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it.each([
    ['unauthenticated', 'SOURCE_UNAUTHENTICATED'],
    ['forbidden', 'SOURCE_FORBIDDEN'],
    ['rate-limited', 'SOURCE_RATE_LIMITED'],
    ['unavailable', 'SOURCE_UNAVAILABLE'],
    ['not-understood', 'SOURCE_CONTRACT'],
    ['something else', 'SOURCE_CONTRACT'],
  ])('with the error kind "%s" in its body is reported as %s', async (kind, code) => {
    answer = (response) => {
      sendJson(response, { kind, words: 'secret' }, { status: 400 });
    };
    const error = await failure(client.get(z.unknown(), '/'));
    expect([error.code, error.message.includes('secret')]).toEqual([code, false]);
  });

  it.each([
    ['is not JSON', '<html>'],
    ['is larger than the limit for errors', 'x'.repeat(100_000)],
  ])('is classified by its status if its body %s', async (_, body) => {
    answer = (response) => {
      response.writeHead(503).end(body);
    };
    expect((await failure(client.get(z.unknown(), '/'))).code).toBe('SOURCE_UNAVAILABLE');
  });

  it('returns plain text unchanged, and null for an empty body', async () => {
    answer = (response) => {
      response.end('0|é\r\n');
    };
    expect(await client.getText('/text', { a: 'b c' })).toBe('0|é\r\n');
    expect(server.seen[0]).toMatchObject({
      url: '/text?a=b%20c&proof=a%26b',
      headers: { accept: 'text/plain' },
    });
    answer = (response) => {
      response.writeHead(404).end();
    };
    expect(await client.getText('/text')).toBeNull();
    answer = (response) => {
      response.end(Buffer.from([0xff, 0xfe]));
    };
    expect((await failure(client.getText('/text'))).code).toBe('SOURCE_CONTRACT');
  });

  it('receives its credentials in the query of every call', async () => {
    answer = (response) => {
      sendJson(response, {});
    };
    await client.get(z.unknown(), '/a', { b: 1 });
    await client.post(z.unknown(), '/', {});
    await client.ping();
    expect(server.seen.map(({ url }) => url)).toEqual([
      '/a?b=1&proof=a%26b',
      '/?proof=a%26b',
      '/ping?x=1&proof=a%26b',
    ]);
  });

  it('may send the end of its rate-limit window in Unix time, which is the retry time if no calls remain', async () => {
    const headers = {
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(Math.floor(Date.now() / 1000) + 100),
    };
    answer = (response) => {
      sendJson(response, {}, { status: 429, headers });
    };
    const error = await sourceFailure(client.get(z.unknown(), '/'));
    expect(error.retryAfter).toBeGreaterThan(95);
    expect(error.retryAfter).toBeLessThanOrEqual(100);
    expect(rateLimitInfo[0]?.remaining).toBe(0);
    expect(rateLimitInfo[0]?.resetMs).toBeGreaterThan(95_000);
    expect(rateLimitInfo[0]?.resetMs).toBeLessThanOrEqual(100_000);
  });

  it('may be called again at once while calls remain, even if its window ends later', async () => {
    answer = (response) => {
      sendJson(
        response,
        {},
        { status: 503, headers: { 'ratelimit-remaining': '7', 'ratelimit-reset': '30' } },
      );
    };
    const error = await sourceFailure(client.get(z.unknown(), '/'));
    expect(error.retryAfter).toBeUndefined();
  });
});
