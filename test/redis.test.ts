import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectToRedis, type RedisConnection, type RedisLink } from '../src/redis.js';

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
let connection: RedisConnection<RedisLink>;

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
    expect(connection.link?.runId).toBe('1234');
  }, 5_000);
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  connection.close();
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

  it('is not reported as lost when the gateway closes it', async () => {
    await open();
    connection.close();
    expect(connection.link).toBeUndefined();
    expect(onDown).not.toHaveBeenCalled();
  });
});
