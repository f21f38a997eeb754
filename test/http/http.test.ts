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

/** Creates a handler that answers when the test calls `answer`. */
function pausedHandler(): { handler: RequestListener; arrived: Promise<void>; answer: () => void } {
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

/** Expects that an incomplete body is logged as an error of the client, not as a defect. */
async function expectBadRequestLogged(): Promise<void> {
  await vi.waitFor(() => {
    expect(logged.join('')).toContain('"code":"BAD_REQUEST"');
  });
  expect(logged.join('')).not.toContain('defect');
}

/** Reads a connection until the server ends it. */
async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('listening', () => {
  test('on a port in use is refused, naming PORT', async () => {
    const other = createServer().listen(0, HOST);
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const attempt = listen(gateway.handler, { host: HOST, port });
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(`PORT ${port} on ${HOST} is in use by another program`);
    other.close();
  });

  test('on an address of another machine is refused, naming HOST', async () => {
    await expect(listen(gateway.handler, { host: '192.0.2.1', port: 0 })).rejects.toThrow('HOST 192.0.2.1');
  });
});

describe('stopping', () => {
  test('answers in-flight requests, and accepts no new ones', async () => {
    const { handler, arrived, answer } = pausedHandler();
    const { port, stop } = await start(handler);
    const inFlight = get(port);
    await arrived;
    const stopped = stop();
    await expect(get(port)).rejects.toThrow('ECONNREFUSED');
    answer();
    expect(await text(await inFlight)).toBe('answered');
    await stopped;
  });

  test('does not wait for idle connections', async () => {
    const { handler, arrived, answer } = pausedHandler();
    const { port, stop } = await start(handler, { keepAliveMs: 3_600_000, stopWithinMs: 3_600_000 });
    const agent = new Agent({ keepAlive: true });
    const idle = connect(port, HOST);
    await once(idle, 'connect');
    const inFlight = get(port, agent);
    await arrived;
    const stopped = stop();
    answer();
    const answered = await inFlight;
    expect(answered.headers.connection).toBe('keep-alive');
    expect(await text(answered)).toBe('answered');
    await stopped;
    agent.destroy();
  });

  test('closes connections whose requests are not answered in time', async () => {
    const { handler, arrived } = pausedHandler();
    const { port, stop } = await start(handler, { stopWithinMs: 20 });
    const inFlight = get(port);
    await arrived;
    await Promise.all([expect(inFlight).rejects.toThrow('socket hang up'), stop()]);
  });

  test('a second time has no further effect', async () => {
    const { stop } = await start(gateway.handler);
    await Promise.all([stop(), stop()]);
    await stop();
  });
});

describe('a client', () => {
  test('that sends its headers too slowly is disconnected', async () => {
    const { port } = await start(gateway.handler, { headersTimeoutMs: 50, requestTimeoutMs: 60_000 });
    const socket = connect(port, HOST);
    socket.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\n');
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 /);
  });

  test('that sends its body too slowly is disconnected, and others are answered', async () => {
    const { port, url } = await start(gateway.handler, { headersTimeoutMs: 50, requestTimeoutMs: 50 });
    const socket = connect(port, HOST);
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    await received(socket);
    await expectBadRequestLogged();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('whose connection is silent for too long is disconnected', async () => {
    const { port } = await start(() => undefined, { inactivityTimeoutMs: 50 });
    const socket = connect(port, HOST);
    socket.write('GET /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await received(socket)).toBe('');
  });

  describe('that was answered before its body ended', () => {
    /** Sends the beginning of a large body, and reads the answer. */
    async function answeredEarly(): Promise<Socket> {
      const { port } = await start((_, response) => response.writeHead(413).end('too large'));
      const socket = connect(port, HOST);
      socket.on('error', () => undefined);
      socket.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n{');
      await once(socket, 'data');
      return socket;
    }

    test('is disconnected if it sends more than 16 MB after the answer', async () => {
      const socket = await answeredEarly();
      socket.write(Buffer.alloc(17 * 1024 * 1024, ' '));
      await once(socket, 'close');
    });

    test('is disconnected five seconds later', async () => {
      const socket = await answeredEarly();
      const later = performance.now() + 5_001;
      const now = vi.spyOn(performance, 'now').mockImplementation(() => later);
      await once(socket, 'close');
      now.mockRestore();
    });
  });

  test('that disconnects during its request does not affect others', async () => {
    const { port, url } = await start(gateway.handler);
    const socket = connect(port, HOST);
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
    );
    socket.end();
    await expectBadRequestLogged();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  test('that disconnects before its answer does not affect others', async () => {
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

  test('that sends an invalid host is refused, without a trace of the implementation', async () => {
    const { port } = await start(gateway.handler);
    const socket = connect(port, HOST);
    socket.write('GET /graphql HTTP/1.1\r\nHost: a b[\r\n\r\n');
    const answer = await received(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('at ');
  });

  for (const headers of [['Content-Length: 10485760'], ['Transfer-Encoding: chunked']]) {
    test(`that sends 10 MB (${String(headers[0])}) can read the reason of the refusal`, async () => {
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
