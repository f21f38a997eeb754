import { execSync, fork } from 'node:child_process';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { networkOf } from '../../src/http/connections.js';
import { listen, type HttpServer, type ListenOptions } from '../../src/http/http.js';
import { fakeClock } from '../support/clock.js';
import { sendRequest, open } from './raw-client.js';

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const HALF_A_BODY = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** A server whose answers are given when the test wants them to be. */
async function start(options: Partial<ListenOptions> = {}) {
  const held: ServerResponse[] = [];
  const { port } = await serve((_, response) => held.push(response), { stopWithinMs: 50, ...options });
  const opened: Socket[] = [];
  return {
    port,
    held,
    /** Opens a connection, and waits until what was asked on it has come. */
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
    /** Which of the connections, in the order that they were opened, the server has ended. */
    ended: () => opened.flatMap((socket, index) => (socket.closed || socket.readableEnded ? [index] : [])),
  };
}

async function serve(handler: RequestListener, options: Partial<ListenOptions> = {}) {
  const server = await listen(handler, { host: '127.0.0.1', port: 0, ...options });
  servers.push(server);
  return { port: Number(new URL(server.url).port) };
}

async function answer(held: ServerResponse | undefined, socket: Socket): Promise<void> {
  const told = once(socket, 'data');
  held?.end('answered');
  await told;
  socket.resume();
}

describe('one connection more than an address may have takes the place', () => {
  test('of the one that has been lying longest without ever asking', async () => {
    const { open, held, ended } = await start({ maxConnectionsPerAddress: 3 });
    const asking = await open(GET);
    await answer(held[0], asking);
    (await open()).resume();
    (await open()).resume();
    (await open()).resume();
    await expect.poll(ended).toEqual([1]);
    (await open()).resume();
    await expect.poll(ended).toEqual([1, 2]);
  });

  test('of the one that was answered longest ago, when all have asked', async () => {
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

  test('of nobody, and is closed, when all are at work', async () => {
    const { open, held, ended } = await start({ maxConnectionsPerAddress: 2 });
    const [first] = [await open(GET), await open(GET)];
    (await open()).resume();
    await expect.poll(ended).toEqual([2]);
    await answer(held[0], first);
    await open(GET);
    await expect.poll(ended).toEqual([0, 2]);
  });

  test('of one whose client is slow to send, when all are at work', async () => {
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

  test('of none of another address', async () => {
    const { open, ended } = await start({ maxConnectionsPerAddress: 1 });
    (await open('', '127.0.0.2')).resume();
    (await open('', '127.0.0.3')).resume();
    (await open('', '127.0.0.3')).resume();
    await expect.poll(ended).toEqual([1]);
  });
});

test('one connection more than all may have takes the place of the idlest of any address', async () => {
  const { open, ended } = await start({ maxConnections: 2 });
  await open(GET, '127.0.0.2');
  (await open('', '127.0.0.3')).resume();
  (await open('', '127.0.0.4')).resume();
  await expect.poll(ended).toEqual([1]);
});

test('a connection that asks a hundred things without waiting for answers is ended at the next', async () => {
  const { open, held, ended } = await start();
  const socket = await open(GET.repeat(100));
  socket.resume();
  await expect.poll(() => held.length).toBe(100);
  socket.write(GET.repeat(50));
  await expect.poll(ended).toEqual([0]);
  expect(held).toHaveLength(100);
});

describe('connections are counted', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('for %s by %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('ten thousand connections that lie idle keep nobody out', { timeout: 60_000 }, () => {
  /** As many as this process may open files for, so that a smaller machine tests a smaller flood. */
  const limit = execSync('ulimit -Hn', { encoding: 'utf8', shell: '/bin/sh' }).trim();
  const amount = limit === 'unlimited' ? 10_000 : Math.min(10_000, Number(limit) - 1_000);

  for (const [whence, addresses] of [
    ['not even from the address that they come from', 1],
    ['whichever addresses they come from', 40],
  ] as const) {
    test(whence, async () => {
      const { port } = await serve((_, response) => response.end('answered'), {
        maxConnections: amount - 500,
      });
      const flood = fork(
        new URL('./flood-process.ts', import.meta.url),
        [port, amount, addresses].map(String),
        { execArgv: ['--import', 'tsx'] },
      );
      const told = once(flood, 'message');
      const isOver = told.then(() => true);
      let honest = 0;
      // From the address that the flood comes from, as behind one router.
      const askHonestly = async (): Promise<void> => {
        const localAddress = '127.0.1.1';
        expect((await sendRequest(port, { path: '/', localAddress })).body).toBe('answered');
        honest++;
      };
      do await askHonestly();
      while (
        !(await Promise.race([isOver, new Promise<false>((resolve) => setTimeout(resolve, 20, false))]))
      );
      for (let i = 0; i < 20; i++) await askHonestly();
      expect(await told).toEqual([amount, undefined]);
      expect(honest).toBeGreaterThan(20);
      flood.kill();
      await once(flood, 'exit');
    });
  }
});
