import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listen, type HttpServer } from '../../src/http/http.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings, FOUR_SYSTEMS } from '../support/stand-ins.js';
import {
  sendRequest,
  findInternals,
  open,
  post,
  received,
  type RawRequest,
  type RawAnswer,
} from './raw-client.js';

/** Sends malformed requests to a real port, and valid requests at the same time. */

const gateway = createTestGateway(directSettings(FOUR_SYSTEMS));
let server: HttpServer;
let port: number;
beforeAll(async () => {
  server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
  port = Number(new URL(server.url).port);
});
afterAll(async () => {
  await server.stop();
  await gateway.close();
});

const QUESTION = '{"query":"{ __typename }"}';
const ANSWERED = '{"data":{"__typename":"Query"}}';
const queryWith = (headers: Record<string, string> = {}): RawRequest => post(QUESTION, headers);

/** Checks after each test that other requests are answered. */
afterEach(async () => {
  expect(await sendRequest(port, queryWith())).toMatchObject({ status: 200, body: ANSWERED });
});

function codeOf({ body }: RawAnswer): string | undefined {
  const { errors = [] } = JSON.parse(body) as { errors?: { extensions: { code: string } }[] };
  return errors[0]?.extensions.code;
}

const statusIn = (written: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(written)?.[1]);

describe('malformed HTTP', () => {
  const line = (text: string, more = 'Host: localhost\r\n') => `${text}\r\n${more}Connection: close\r\n\r\n`;
  const cases: [string, string, number[]][] = [
    ['a URL with a host', line('GET http://evil.example/graphql HTTP/1.1'), [400, 404]],
    ['a path with two slashes', line('GET //evil.example/graphql HTTP/1.1'), [404]],
    ['a path with parent folders', line('GET /graphql/../../etc/passwd HTTP/1.1'), [404]],
    ['a path with escaped parent folders', line('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), [404]],
    ['a path with a zero byte', line('GET /graphql%00 HTTP/1.1'), [404]],
    ['a badly escaped URL', line('GET /graphql?query=%ZZ%E0%A4%A HTTP/1.1'), [200, 400]],
    ['a path of brackets', line('GET /[[[ HTTP/1.1'), [400, 404]],
    ['a star', line('OPTIONS * HTTP/1.1'), [400, 404]],
    ['no URL', line('GET  HTTP/1.1'), [400]],
    ['an invalid host', line('GET /graphql HTTP/1.1', 'Host: a b:c:d\r\n'), [400]],
    ['a host with a path', line('GET /graphql HTTP/1.1', 'Host: localhost/x?y\r\n'), [400, 421]],
    ['a host with a password', line('GET /graphql HTTP/1.1', 'Host: a:b@localhost\r\n'), [400, 421]],
    [
      'an unknown expectation',
      line('GET /graphql HTTP/1.1', 'Host: localhost\r\nExpect: a-miracle\r\n'),
      [200, 400],
    ],
    ['no host', line('GET /graphql HTTP/1.1', ''), [400]],
    ['no host in HTTP/1.0', line('GET /graphql HTTP/1.0', ''), [200, 400]],
    ['a tunnel', line('CONNECT evil.example:443 HTTP/1.1'), [0, 400, 404, 405]],
    [
      'a trace',
      line('TRACE /graphql HTTP/1.1', 'Host: localhost\r\nAuthorization: Bearer x\r\n'),
      [400, 405],
    ],
    ['an unknown method', line('BREW /graphql HTTP/1.1'), [400]],
    ['an unknown version', line('GET /graphql HTTP/9.9'), [400]],
    [
      'two lengths',
      line('POST /graphql HTTP/1.1', 'Host: localhost\r\nContent-Length: 2\r\nContent-Length: 30\r\n'),
      [400],
    ],
    [
      'a length and chunks',
      `${line('POST /graphql HTTP/1.1', 'Host: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n`,
      [400],
    ],
    ['a header without a name', line('GET /graphql HTTP/1.1', 'Host: localhost\r\n: x\r\n'), [400]],
    ['a header over two lines', line('GET /graphql HTTP/1.1', 'Host: localhost\r\nx: y\r\n z\r\n'), [400]],
    ['the beginning of TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\r\n\r\n', [400]],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', [400]],
  ];
  for (const [what, written, statuses] of cases)
    test(`gets a short answer: ${what}`, async () => {
      const answer = await received(await open(port, written));
      expect(statuses).toContain(answer === '' ? 0 : statusIn(answer));
      expect(findInternals({ body: answer })).toEqual([]);
      if (answer !== '') expect(answer.toLowerCase()).toContain('\r\nx-content-type-options: nosniff\r\n');
      expect(answer).not.toMatch(/"data"|evil|passwd/i);
      // At most one answer: no smuggled second request was processed.
      expect(answer.match(/^HTTP\/1\.1 /gm)?.length ?? 0).toBeLessThanOrEqual(1);
    });
});

describe('headers', () => {
  test('of a megabyte are refused with status 431 and the limit', async () => {
    const written = `GET /graphql HTTP/1.1\r\nHost: localhost\r\nx: ${'x'.repeat(1024 * 1024)}\r\n\r\n`;
    const answer = await received(await open(port, written));
    expect(statusIn(answer)).toBe(431);
    expect(answer).toContain('LIMIT_EXCEEDED');
    expect(answer).toContain('at most 16384 bytes');
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff');
  });

  test('are limited to 200', async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'y']));
    // The client adds four headers: Host, Connection, Content-Type and Content-Length.
    expect((await sendRequest(port, queryWith({ ...many(200 - 4) }))).status).toBe(200);
    const answer = await sendRequest(port, queryWith({ ...many(201 - 4) }));
    expect(answer.status).toBe(431);
    expect(codeOf(answer)).toBe('LIMIT_EXCEEDED');
    expect(answer.body).toContain('at most 200 headers');
    expect((await sendRequest(port, queryWith(many(900)))).status).toBe(431);
  });
});

describe('a compressed body', () => {
  const bomb = Buffer.alloc(50 * 1024 * 1024, ' ');
  const cases: [string, Buffer][] = [
    ['gzip', gzipSync(bomb)],
    ['deflate', deflateSync(bomb)],
    ['br', brotliCompressSync(bomb.subarray(0, 1024 * 1024))],
    ['gzip, gzip', gzipSync(gzipSync(bomb))],
    ['GZIP', gzipSync(bomb)],
    ['x-gzip', gzipSync(QUESTION)],
  ];
  test.each(cases)('is not decompressed: %s', async (encoding, body) => {
    const before = process.memoryUsage().rss;
    const answer = await sendRequest(port, {
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body,
    });
    expect(answer.status).toBe(415);
    expect(codeOf(answer)).toBe('BAD_REQUEST');
    expect(process.memoryUsage().rss - before).toBeLessThan(bomb.length);
  });
});

test('valid requests are answered during many malformed requests', async () => {
  const evil: RawRequest[] = [
    queryWith({ origin: 'https://evil.example' }),
    queryWith({ host: 'evil.example' }),
    post('x', { 'content-type': 'text/plain' }),
    { path: `/${'x'.repeat(15_000)}` },
    post(`{"query":"${'x'.repeat(300 * 1024)}"}`),
  ];
  const raw = [`GET / HTTP/1.1\r\nx: ${'x'.repeat(200_000)}\r\n\r\n`, 'nonsense\r\n\r\n'];
  const attempts = Array.from({ length: 40 }, async (_, i) => {
    const [request, written] = [evil[i % evil.length], raw[i % raw.length]];
    const answer = await sendRequest(port, request);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(statusIn(await received(await open(port, written)))).toBeGreaterThanOrEqual(400);
  });
  const honest = Array.from({ length: 40 }, async () => {
    expect(await sendRequest(port, queryWith())).toMatchObject({ status: 200 });
  });
  await Promise.all([...attempts, ...honest]);
});
