import type { ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listen } from '../../src/http/http.js';
import { sendJson, sendWithoutEnd, startServer, type SeenRequest } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { isThorough } from '../support/thorough.js';
import { lettersSource, PEOPLE_SDL, peopleSource, shopSource, systemSettings } from './letters-and-shop.js';

/** A text that occurs only in answers of the hostile system. */
const SECRET = 'geheim-van-jan@example.nl';
const SINCE = '2026-11-01T12:00:00.000Z';
const TIMEOUT_MS = 1_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** The answers of the systems without a fault. */
const honest: Record<string, Answer> = {
  letters: (response) => {
    sendJson(response, { text: 'a letter', files: [] });
  },
  shop: (response, { body }) => {
    sendJson(response, {
      data: { found: idsIn(body).map((id) => ({ _key: id, cart: 'a cart', since: SINCE })) },
    });
  },
};

function idsIn(body: string): string[] {
  return (JSON.parse(body) as { variables: { ids: string[] } }).variables.ids;
}

/** The current answer of each system. */
const answers: Record<string, Answer> = { ...honest };
const letters = await startServer((request, response) => answers.letters?.(response, request));
const shop = await startServer((request, response) => answers.shop?.(response, request));
/** A server to which the hostile system redirects. It must not be called. */
const elsewhere = await startServer((_, response) => {
  sendJson(response, { text: SECRET, data: null });
});
const systems = [letters, shop, elsewhere];

const opened: TestGateway[] = [];
let log: string[] = [];

function openGateway({ timeoutMs = TIMEOUT_MS, clock = fakeClock() } = {}): TestGateway {
  const people = peopleSource('Jan');
  const policy = {
    freshness: { maxAge: '1 minute' },
    limits: { timeout: `${timeoutMs} ms`, maxAnswerBytes: MAX_ANSWER_BYTES },
  } as const;
  const gateway = createTestGateway(
    { ...people.environment, ...systemSettings(letters.url, shop.url) },
    {
      clock,
      sources: [people.source, lettersSource(policy), shopSource(policy)],
      sdl: {
        people: PEOPLE_SDL,
        letters:
          'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "The text of the letter." letter: String }',
        shop: `
          type Query { "Finds buyers." _shopCustomers(ids: [ID!]!): [Customer]! }
          type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "What is to be bought." cart: String "When it was touched." since: DateTime }`,
      },
      logger: pino({ level: 'trace' }, { write: (line: string) => log.push(line) }),
    },
  );
  opened.push(gateway);
  return gateway;
}

const send = (gateway: TestGateway, id = 'jan') =>
  gateway.query(`{ customer(by: { personId: "${id}" }) { name letter cart } }`);
const WHOLE = { name: 'Jan', letter: 'a letter', cart: 'a cart' };

beforeEach(() => {
  Object.assign(answers, honest);
  log = [];
  for (const { seen } of systems) seen.length = 0;
});
afterEach(() => Promise.all(opened.splice(0).map((gateway) => gateway.close())));
afterAll(() => Promise.all(systems.map((system) => system.close())));

/** Writes until the client disconnects, at the speed at which it reads. */
function writeWithoutEnd({ socket }: ServerResponse, head: string, piece: string): void {
  if (socket === null) return;
  const goOn = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', goOn);
  socket.write(head);
  goOn();
}

/** Writes the exact bytes of the response, even if they are not valid HTTP. */
const raw =
  (text: string | Buffer, { then = 'stay' }: { then?: 'stay' | 'close' } = {}): Answer =>
  (response) => {
    if (then === 'close') response.socket?.end(text);
    else response.socket?.write(text);
  };

const withBody =
  (body: string | Buffer, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
  };

const dripping =
  (head: string, piece: string): Answer =>
  ({ socket }) => {
    socket?.write(head);
    const timer = setInterval(() => socket?.write(piece), 20);
    socket?.once('close', () => {
      clearInterval(timer);
    });
  };

const nested = (levels: number) => `${'['.repeat(levels)}"${SECRET}"${']'.repeat(levels)}`;
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const text = (bytes: number) => SECRET.repeat(Math.ceil(bytes / SECRET.length));
/** A body that is a valid answer of both systems. Its content must not be shown. */
const forged = JSON.stringify({ text: SECRET, data: { found: [{ _key: 'jan', cart: SECRET }] } });
const BOMB = gzipSync(JSON.stringify({ text: text(50_000_000), data: null }));

interface HostileAnswer {
  is: string;
  code: 'SOURCE_CONTRACT' | 'SOURCE_TIMEOUT' | 'SOURCE_UNAVAILABLE';
  answer: Answer;
}

const CONTRACT: Omit<HostileAnswer, 'code'>[] = [
  { is: 'ten megabytes', answer: withBody(JSON.stringify({ text: text(10_000_000), data: null })) },
  {
    is: 'ten megabytes with a Content-Length',
    answer: (response) => {
      const body = JSON.stringify({ text: text(10_000_000), data: null });
      response.writeHead(200, { 'content-length': String(body.length) }).end(body);
    },
  },
  { is: 'an infinite body', answer: (response) => void sendWithoutEnd(response) },
  { is: 'lists 100,000 deep', answer: withBody(nested(100_000)) },
  { is: 'lists 100,000 deep that never close', answer: withBody('['.repeat(100_000)) },
  {
    is: 'lists 100,000 deep in the place of a text',
    answer: (response, { method, body }) => {
      const found =
        method === 'GET' ? [] : idsIn(body).map((id) => `{"_key":"${id}","cart":${nested(100_000)}}`);
      withBody(`{"text":${nested(100_000)},"data":{"found":[${found.join(',')}]}}`)(response);
    },
  },
  {
    is: 'objects 100,000 deep in the place of a list',
    answer: withBody(
      `{"text":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},"data":{"found":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}}`,
    ),
  },
  {
    is: 'text that is not UTF-8',
    answer: withBody(Buffer.concat([Buffer.from(`{"text":"${SECRET}`), Buffer.of(0xff), Buffer.from('"}')])),
  },
  { is: 'text in UTF-16', answer: withBody(Buffer.from(forged, 'utf16le')) },
  {
    is: 'an HTML page',
    answer: withBody(`<!doctype html><title>${SECRET}</title>`, { 'content-type': 'text/html' }),
  },
  { is: 'an HTML page with the content type of JSON', answer: withBody(`<html>${SECRET}</html>`) },
  {
    is: 'a redirect to another server',
    answer: (response) => {
      response.writeHead(302, { location: `${elsewhere.url}/${SECRET}` }).end(forged);
    },
  },
  {
    is: 'a redirect that repeats the request on another server',
    answer: (response) => {
      response.writeHead(307, { location: elsewhere.url }).end(SECRET);
    },
  },
  {
    is: 'a body that is longer than its Content-Length',
    answer: raw(`${OK}content-length: 9\r\n\r\n{"text":"${SECRET}"}`),
  },
  {
    is: 'a body that is longer than its Content-Length, followed by an unrequested response',
    answer: raw(
      `${OK}content-length: 9\r\n\r\n{"text":"${OK}content-length: ${forged.length}\r\n\r\n${forged}`,
    ),
  },
  {
    is: 'an unrequested compressed body',
    answer: withBody(gzipSync(forged), { 'content-encoding': 'gzip' }),
  },
  {
    is: 'fifty megabytes as a small compressed body',
    answer: withBody(BOMB, { 'content-encoding': 'gzip' }),
  },
  { is: 'nothing', answer: withBody('') },
];

const TIMEOUT: Omit<HostileAnswer, 'code'>[] = [
  { is: 'a very slow body', answer: dripping(`${OK}content-length: 1000000\r\n\r\n{"text":"`, 'x') },
  { is: 'very slow headers', answer: dripping(OK, 'x-a: b\r\n') },
  {
    is: 'a body that is shorter than its Content-Length',
    answer: raw(`${OK}content-length: 1000\r\n\r\n${forged}`),
  },
  {
    is: 'a chunk size of infinite length',
    answer: (response) => {
      writeWithoutEnd(response, `${OK}transfer-encoding: chunked\r\n\r\n1;`, 'x'.repeat(10_000));
    },
  },
  {
    is: 'several informational responses',
    answer: dripping('', `HTTP/1.1 103 Early Hints\r\nlink: <${SECRET}>\r\n\r\n`),
  },
  {
    is: 'infinite informational responses',
    answer: (response) => {
      writeWithoutEnd(response, '', `HTTP/1.1 103 Early Hints\r\nlink: <${SECRET}>\r\n\r\n`.repeat(100));
    },
  },
];

const UNAVAILABLE: Omit<HostileAnswer, 'code'>[] = [
  {
    is: 'a body that is shorter than its Content-Length, and disconnects',
    answer: raw(`${OK}content-length: 1000\r\n\r\n${forged}`, { then: 'close' }),
  },
  { is: 'a header of one megabyte', answer: raw(`${OK}x-a: ${text(1_000_000)}\r\n\r\n${forged}`) },
  {
    is: 'ten thousand headers',
    answer: raw(`${OK}${`x-a: ${SECRET}\r\n`.repeat(10_000)}content-length: 2\r\n\r\n{}`),
  },
  {
    is: 'infinite headers',
    answer: (response) => {
      writeWithoutEnd(response, OK, `x-a: ${SECRET}\r\n`.repeat(100));
    },
  },
  { is: 'a length that is not a number', answer: raw(`${OK}content-length: -1\r\n\r\n${forged}`) },
  { is: 'two lengths', answer: raw(`${OK}content-length: 2\r\ncontent-length: 3\r\n\r\n{}${SECRET}`) },
  {
    is: 'a length and a chunked body',
    answer: raw(
      `${OK}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n${forged.length.toString(16)}\r\n${forged}\r\n0\r\n\r\n`,
    ),
  },
  { is: 'no HTTP', answer: raw(`${SECRET}\r\n\r\n`) },
];

const HOSTILE: HostileAnswer[] = [
  ...CONTRACT.map((item) => ({ ...item, code: 'SOURCE_CONTRACT' as const })),
  ...TIMEOUT.map((item) => ({ ...item, code: 'SOURCE_TIMEOUT' as const })),
  ...UNAVAILABLE.map((item) => ({ ...item, code: 'SOURCE_UNAVAILABLE' as const })),
];

const FIELD_OF = { letters: 'letter', shop: 'cart' } as const;
const SOURCES = ['letters', 'shop'] as const;
const cases = SOURCES.flatMap((source) => HOSTILE.map((hostile) => [source, hostile.is, hostile] as const));

describe('a hostile system', () => {
  test.each(cases)(
    '%s answers %s: only the field of that system fails, in time, and no text of the answer is revealed',
    async (source, _, { answer, code }) => {
      const gateway = openGateway(code === 'SOURCE_TIMEOUT' ? {} : { timeoutMs: 10_000 });
      answers[source] = answer;
      const { data, errors } = await send(gateway);

      const field = FIELD_OF[source];
      expect(data).toEqual({ customer: { ...WHOLE, [field]: null } });
      expect(errors).toMatchObject([{ path: ['customer', field], extensions: { code, source } }]);
      expect(JSON.stringify([errors, log])).not.toContain(SECRET);
      expect(elsewhere.seen).toEqual([]);

      // The log line contains no text of the answer.
      Object.assign(answers, honest);
      for (const id of ['jan', 'piet', 'els'])
        expect((await send(gateway, id)).data).toEqual({ customer: WHOLE });
    },
  );

  test.each(SOURCES)('%s may nest unused values 100,000 deep', async (source) => {
    const deep = nested(100_000);
    const found = `{"_key":"jan","cart":"a cart","more":${deep}}`;
    const body = {
      letters: `{"text":"a letter","files":${deep},"more":${deep}}`,
      shop: `{"data":{"found":[${found}],"more":${deep}},"extensions":${deep},"more":${deep}}`,
    };
    answers[source] = withBody(body[source]);
    const { data, errors } = await send(openGateway());
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: WHOLE });
  });

  test('a customer receives their record, even if another record of the batch is nested too deep', async () => {
    const deep = nested(100_000);
    answers.letters = (response, { url }) => {
      withBody(`{"text":"a letter","files":${url.endsWith('name=jan') ? deep : '[]'}}`)(response);
    };
    answers.shop = (response, { body }) => {
      const found = idsIn(body).map(
        (id) => `{"_key":"${id}","cart":"a cart","since":${id === 'jan' ? deep : `"${SINCE}"`}}`,
      );
      withBody(`{"data":{"found":[${found.join(',')}]}}`)(response);
    };
    const gateway = openGateway();
    const { data, errors } = await gateway.query(`{
      jan: customer(by: { personId: "jan" }) { letter cart since }
      piet: customer(by: { personId: "piet" }) { letter cart since }
    }`);
    expect(data).toMatchObject({
      jan: { letter: 'a letter', cart: 'a cart', since: null },
      piet: { letter: 'a letter', cart: 'a cart', since: SINCE },
    });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['jan', 'since'], 'SOURCE_CONTRACT'],
    ]);
    expect((await send(gateway, 'piet')).data).toEqual({ customer: WHOLE });
    expect(letters.seen.map(({ url }) => url)).toEqual([
      '/letters/jan?addressee=jan',
      '/letters/piet?addressee=piet',
    ]);
  });

  test('does not receive a request for compression', async () => {
    await send(openGateway());
    const headers = [...letters.seen, ...shop.seen].map((request) => request.headers);
    expect(headers).toHaveLength(2);
    for (const header of headers) expect(header).not.toHaveProperty('accept-encoding');
  });

  // This test measures the memory of the process, which runs only this file in the long suite.
  if (isThorough)
    test('leaves no data of its answers in memory', { timeout: 180_000 }, async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      /** The smallest of several measurements, because garbage is not always collected at once. */
      const heldBytes = async () => {
        let least = Infinity;
        for (let look = 0; look < 10; look += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          collect();
          const { heapUsed, external } = process.memoryUsage();
          least = Math.min(least, heapUsed + external);
        }
        return least;
      };
      const names = ['jan', 'piet'];
      const clock = fakeClock();
      const gateways = new Map(
        cases.map((items) => {
          const timeoutMs = items[2].code === 'SOURCE_TIMEOUT' ? 200 : 10_000;
          return [items, openGateway({ timeoutMs, clock })] as const;
        }),
      );
      const round = async () => {
        clock.advance(120_000);
        for (const [[source, , { answer }], gateway] of gateways) {
          answers[source] = answer;
          const found = await Promise.all(names.map((name) => send(gateway, name)));
          // On a busy machine, the other source may also answer too late.
          for (const { errors } of found)
            expect(errors.map(({ extensions }) => extensions.source)).toContain(source);
          Object.assign(answers, honest);
          for (const { errors } of await Promise.all(names.map((name) => send(gateway, name))))
            expect(errors).toEqual([]);
          log = [];
        }
        for (const { seen } of systems) seen.length = 0;
      };
      await round();
      const before = await heldBytes();
      await round();
      await expect
        .poll(async () => (await heldBytes()) - before, { timeout: 5_000 })
        .toBeLessThan(MAX_ANSWER_BYTES);
    });
});

describe('a client with a deadline of one second', () => {
  test.each(SOURCES)('receives the data of all other systems in time while %s hangs', async (source) => {
    answers[source] = () => undefined;
    const server = await listen(openGateway({ timeoutMs: 10_000 }).handler, { host: '127.0.0.1', port: 0 });
    try {
      const startedAt = performance.now();
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', prefer: 'wait=1' },
        body: JSON.stringify({ query: '{ customer(by: { personId: "jan" }) { name letter cart } }' }),
      });
      const body: unknown = await response.json();
      const ms = performance.now() - startedAt;
      const field = FIELD_OF[source];
      expect(body).toEqual({
        data: { customer: { name: 'Jan', letter: 'a letter', cart: 'a cart', [field]: null } },
        errors: [
          expect.objectContaining({
            path: ['customer', field],
            extensions: { code: 'SOURCE_TIMEOUT', source, retryable: true },
          }),
        ],
      });
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(ms).toBeGreaterThan(950);
      // This is far less than the default deadline of ten seconds.
      expect(ms).toBeLessThan(9_000);
    } finally {
      await server.stop();
    }
  });
});
