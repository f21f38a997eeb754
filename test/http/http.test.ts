import { once } from 'node:events';
import { Agent, createServer, request as send, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { listen, type HttpServer, type ListenOptions } from '../../src/http/http.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const HOST = '127.0.0.1';
const logged: string[] = [];
const logger = pino({ level: 'info' }, { write: (line) => logged.push(line) });
const gateway = createTestGateway(directSettings(), { logger });
afterAll(() => gateway.close());

const servers: HttpServer[] = [];
afterEach(async () => {
  logged.length = 0;
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(
  handler: RequestListener,
  options: Partial<ListenOptions> = {},
): Promise<HttpServer & { port: number }> {
  const server = await listen(handler, { host: HOST, port: 0, ...options });
  servers.push(server);
  return { ...server, port: Number(new URL(server.url).port) };
}

/** A handler whose answer the test gives when it wants to. */
function heldHandler(): { handler: RequestListener; arrived: Promise<void>; answer: () => void } {
  let arrive!: () => void;
  let answer!: () => void;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const released = new Promise<void>((resolve) => (answer = resolve));
  return {
    handler: (_, response) => {
      arrive();
      void released.then(() => response.end('answered'));
    },
    arrived,
    answer,
  };
}

function get(port: number, agent?: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    send({ host: HOST, port, agent: agent ?? false }, resolve)
      .on('error', reject)
      .end();
  });
}

/** A body that breaks off is the client's doing: no defect of ours. */
async function saysBrokenOff(): Promise<void> {
  await vi.waitFor(() => {
    expect(logged.join('')).toContain('"code":"BAD_REQUEST"');
  });
  expect(logged.join('')).not.toContain('defect');
}

/** All that comes over a connection until the other side ends it. */
async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('listening', () => {
  test('on a port that is taken is refused, naming PORT', async () => {
    const other = createServer().listen(0, HOST);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const attempt = listen(gateway.handler, { host: HOST, port });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(`PORT ${port} on ${HOST} is in use by another program`);
    other.close();
  });

  test('on an address that is not here is refused, naming HOST', async () => {
    await expect(listen(gateway.handler, { host: '192.0.2.1', port: 0 })).rejects.toThrow('HOST 192.0.2.1');
  });
});

describe('stopping', () => {
  test('answers what is under way, and takes nothing new', async () => {
    const { handler, arrived, answer } = heldHandler();
    const { port, stop } = await start(handler);
    const underWay = get(port);
    await arrived;
    const stopped = stop();
    await expect(get(port)).rejects.toThrow('ECONNREFUSED');
    answer();
    expect(await text(await underWay)).toBe('answered');
    await stopped;
  });

  test('does not wait for connections that are kept open', async () => {
    const { handler, arrived, answer } = heldHandler();
    const { port, stop } = await start(handler, { keepAliveMs: 3_600_000, stopWithinMs: 3_600_000 });
    const agent = new Agent({ keepAlive: true });
    const idle = connect(port, HOST);
    await once(idle, 'connect');
    const underWay = get(port, agent);
    await arrived;
    const stopped = stop();
    answer();
    const answered = await underWay;
    expect(answered.headers.connection).toBe('keep-alive');
    expect(await text(answered)).toBe('answered');
    await stopped;
    agent.destroy();
  });

  test('cuts off what is not answered in time', async () => {
    const { handler, arrived } = heldHandler();
    const { port, stop } = await start(handler, { stopWithinMs: 20 });
    const underWay = get(port);
    await arrived;
    await Promise.all([expect(underWay).rejects.toThrow('socket hang up'), stop()]);
  });

  test('twice is stopping once', async () => {
    const { stop } = await start(gateway.handler);
    await Promise.all([stop(), stop()]);
    await stop();
  });
});

describe('a client', () => {
  test('that is slow with its headers is cut off', async () => {
    const { port } = await start(gateway.handler, { headersTimeoutMs: 50, requestTimeoutMs: 60_000 });
    const socket = connect(port, HOST);
    socket.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 /);
  });

  test('that is slow with its body is cut off, and others are answered', async () => {
    const { port, url } = await start(gateway.handler, { headersTimeoutMs: 50, requestTimeoutMs: 50 });
    const socket = connect(port, HOST);
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    await received(socket);
    await saysBrokenOff();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('that hangs up in the middle of its request does no harm', async () => {
    const { port, url } = await start(gateway.handler);
    const socket = connect(port, HOST);
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    socket.end();
    await saysBrokenOff();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('that hangs up before its answer does no harm', async () => {
    const { port, url } = await start(gateway.handler);
    const body = JSON.stringify({ query: '{ customer(by: { email: "everywhere@example.nl" }) { name } }' });
    const socket = connect(port, HOST);
    socket.end(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
    await once(socket, 'close');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('that names no host that can be one is refused, without a word about our code', async () => {
    const { port } = await start(gateway.handler);
    const socket = connect(port, HOST);
    socket.write('GET /graphql HTTP/1.1\r\nHost: a b[\r\n\r\n');
    const answer = await received(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('at ');
  });

  for (const headers of [['Content-Length: 10485760'], ['Transfer-Encoding: chunked']]) {
    test(`that sends 10 MB (${String(headers[0])}) reads why it is refused`, async () => {
      const { port } = await start(gateway.handler);
      const agent = new Agent({ keepAlive: true });
      const request = send({
        host: HOST,
        port,
        path: '/graphql',
        method: 'POST',
        headers: [
          ...['Host', 'localhost', 'Content-Type', 'application/json'],
          ...headers.flatMap((header) => header.split(': ')),
        ],
        agent,
      });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      request.end(Buffer.alloc(10_485_760, ' '));
      const [response] = await answered;
      expect(response.statusCode).toBe(413);
      expect(await text(response)).toContain('LIMIT_EXCEEDED');
      agent.destroy();
    });
  }
});
