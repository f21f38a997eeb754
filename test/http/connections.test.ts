import { execSync, fork } from 'node:child_process';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { networkOf } from '../../src/http/connections.js';
import { listen, type HttpServer, type ListenOptions } from '../../src/http/http.js';
import { fakeClock } from '../support/clock.js';
import { open, received, sendRequest } from './raw-client.js';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const HALF_A_BODY = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** Starts a server that answers only when the test ends a response. */
async function start(options: Partial<ListenOptions> = {}) {
  const held: ServerResponse[] = [];
  const { port } = await serve((_, response) => held.push(response), { stopWithinMs: 50, ...options });
  const opened: Socket[] = [];
  return {
    port,
    held,
    /** Opens a connection, and waits until the server has its request. */
    open: async (written = '', localAddress?: string): Promise<Socket> => {
      const before = held.length;
      const socket = await open(port, written, localAddress);
      opened.push(socket);
      if (written !== '')
        await vi.waitFor(() => {
          expect(held.length).toBeGreaterThan(before);
        });
      return socket;
    },
    /** Indexes of the connections that the server has ended, in the order in which they were opened. */
    ended: () => opened.flatMap((socket, index) => (socket.closed || socket.readableEnded ? [index] : [])),
  };
}

async function serve(handler: RequestListener, options: Partial<ListenOptions> = {}) {
  const server = await listen(handler, { host: '127.0.0.1', port: 0, ...options });
  servers.push(server);
  return { port: Number(new URL(server.url).port) };
}

async function answer(held: ServerResponse | undefined, socket: Socket): Promise<void> {
  const received = once(socket, 'data');
  held?.end('answered');
  await received;
  socket.resume();
}

describe('a connection above the limit of an address closes', () => {
  test('the longest-idle connection that never sent a request', async () => {
    const { open, held, ended } = await start({ maxConnectionsPerAddress: 3 });
    const answeredSocket = await open(GET);
    await answer(held[0], answeredSocket);
    (await open()).resume();
    (await open()).resume();
    (await open()).resume();
    await expect.poll(ended).toEqual([1]);
    (await open()).resume();
    await expect.poll(ended).toEqual([1, 2]);
  });

  test('the connection that was answered longest ago, if all have sent requests', async () => {
    const { open, held, ended } = await start({ maxConnectionsPerAddress: 3 });
    const [first, second] = [await open(GET), await open(GET)];
    await answer(held[1], second);
    await answer(held[0], first);
    await open(GET);
    await open(GET);
    await expect.poll(ended).toEqual([1]);
    await open(GET);
    await expect.poll(ended).toEqual([0, 1]);
  });

  test('itself, if all other connections are busy', async () => {
    const { open, held, ended } = await start({ maxConnectionsPerAddress: 2 });
    const [first] = [await open(GET), await open(GET)];
    (await open()).resume();
    await expect.poll(ended).toEqual([2]);
    await answer(held[0], first);
    await open(GET);
    await expect.poll(ended).toEqual([0, 2]);
  });

  test('a connection whose client is slow to send, if all are busy', async () => {
    const clock = fakeClock();
    const { open, ended } = await start({ maxConnectionsPerAddress: 2, clock });
    const slow = await open(HALF_A_BODY);
    await open(GET);
    (await open()).resume();
    await expect.poll(ended).toEqual([2]);
    clock.advance(2_000);
    slow.resume();
    await open(GET);
    await expect.poll(ended).toEqual([0, 2]);
  });

  test('no connection of another address', async () => {
    const { open, ended } = await start({ maxConnectionsPerAddress: 1 });
    (await open('', '127.0.0.2')).resume();
    (await open('', '127.0.0.3')).resume();
    (await open('', '127.0.0.3')).resume();
    await expect.poll(ended).toEqual([1]);
  });
});

test('a connection above the total limit closes the longest-idle connection of any address', async () => {
  const { open, ended } = await start({ maxConnections: 2 });
  await open(GET, '127.0.0.2');
  (await open('', '127.0.0.3')).resume();
  (await open('', '127.0.0.4')).resume();
  await expect.poll(ended).toEqual([1]);
});

test('a connection with a hundred unanswered requests is closed at the next request', async () => {
  const { open, held, ended } = await start();
  const socket = await open(GET.repeat(100));
  socket.resume();
  await expect.poll(() => held.length).toBe(100);
  socket.write(GET.repeat(50));
  await expect.poll(ended).toEqual([0]);
  expect(held).toHaveLength(100);
});

test('a response in progress is not mixed with a refusal of later bytes of the client', async () => {
  const { open, held } = await start();
  const socket = await open(GET);
  held[0]?.writeHead(200, { 'content-length': 100 }).write('the first part');
  const whole = received(socket);
  await once(socket, 'data');
  socket.write('no HTTP at all\r\n\r\n');
  expect(await whole).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nthe first part$/);
});

describe('connections', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('of %s are counted for %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('ten thousand idle connections lock out no client', { timeout: 60_000 }, () => {
  /** Limited by the open files of this process, so that a smaller machine tests fewer connections. */
  const limit = execSync('ulimit -Hn', { encoding: 'utf8', shell: '/bin/sh' }).trim();
  const amount = limit === 'unlimited' ? 10_000 : Math.min(10_000, Number(limit) - 1_000);

  for (const [addressesUsed, addresses] of [
    ['also if they have one address', 1],
    ['also if they have forty addresses', 40],
  ] as const) {
    test(addressesUsed, async () => {
      const { port } = await serve((_, response) => response.end('answered'), {
        maxConnections: amount - 500,
      });
      const flood = fork(
        new URL('./flood-process.ts', import.meta.url),
        [port, amount, addresses].map(String),
        { execArgv: ['--import', 'tsx'] },
      );
      const received = once(flood, 'message');
      const isOver = received.then(() => true);
      let honest = 0;
      // Uses an address of the idle connections, as behind a shared router.
      const sendHonestRequest = async (): Promise<void> => {
        const localAddress = '127.0.1.1';
        expect((await sendRequest(port, { path: '/', localAddress })).body).toBe('answered');
        honest++;
      };
      do await sendHonestRequest();
      while (
        !(await Promise.race([isOver, new Promise<false>((resolve) => setTimeout(resolve, 20, false))]))
      );
      for (let i = 0; i < 20; i++) await sendHonestRequest();
      expect(await received).toEqual([amount, undefined]);
      expect(honest).toBeGreaterThan(20);
      flood.kill();
      await once(flood, 'exit');
    });
  }
});
