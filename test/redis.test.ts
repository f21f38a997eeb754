import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  connectToRedis,
  createPauses,
  reasonOf,
  type RedisConnection,
  type RedisLink,
} from '../src/redis.js';

const sockets = new Set<Socket>();
/** A server that answers only the commands that open a connection. */
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    const command = String(data).toLowerCase();
    if (command.includes('info')) socket.write('$11\r\nrun_id:1234\r\n');
    if (command.includes('subscribe')) socket.write('*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n');
  });
});
const onDown = vi.fn();
let connection: RedisConnection<RedisLink> | undefined;

async function open(): Promise<void> {
  connection = connectToRedis({
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    user: 'The test',
    channel: 'events',
    onMessage: () => undefined,
    prepare: (link) => link,
    onOpen: () => undefined,
    onDown,
  });
  await vi.waitFor(() => {
    expect(connection?.link?.runId).toBe('1234');
  }, 5_000);
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  vi.useRealTimers();
  connection?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  onDown.mockReset();
});
afterAll(() => {
  server.close();
});

describe('a connection to Redis', () => {
  it('is reported when it is lost', async () => {
    await open();
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(() => {
      expect(onDown).toHaveBeenCalledExactlyOnceWith(
        expect.objectContaining({ wasOpen: true, isFinal: false }),
      );
    });
  });

  it('is reported as lost when it has not answered for more than four seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await open();
    vi.advanceTimersByTime(4_000);
    expect(onDown).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(onDown).toHaveBeenCalledExactlyOnceWith({
      reason: 'it does not answer',
      wasOpen: true,
      isFinal: false,
    });
  });

  it('is not reported as lost when the gateway closes it', async () => {
    await open();
    connection?.close();
    expect(connection?.link).toBeUndefined();
    expect(onDown).not.toHaveBeenCalled();
  });
});

describe('the pauses between attempts', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });
  const three = (pauses: ReturnType<typeof createPauses>) => [pauses.next(), pauses.next(), pauses.next()];

  it('double up to two seconds', () => {
    const pauses = createPauses(250);
    expect([...three(pauses), ...three(pauses)]).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  it.each([
    ['ten seconds', 10_000, [1_000, 2_000, 2_000]],
    ['longer', 10_001, [250, 500, 1_000]],
  ])('after a connection of %s', (_, ms, expected) => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(5_000);
    const pauses = createPauses(250);
    expect([pauses.next(), pauses.next()]).toEqual([250, 500]);
    pauses.good();
    now.mockReturnValue(5_000 + ms);
    expect(three(pauses)).toEqual(expected);
  });
});

it.each<[unknown, string]>([
  [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED connect'],
  [Object.assign(new Error('connect'), { code: 7 }), 'connect'],
  [new TypeError(), 'TypeError'],
  ['a text', 'unknown'],
])('the reason of the failure %s is "%s"', (error, expected) => {
  expect(reasonOf(error)).toBe(expected);
});
