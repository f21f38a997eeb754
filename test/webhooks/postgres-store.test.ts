import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openPostgres } from '../../src/webhooks/postgres-store.js';

/** A PostgreSQL that stands still: it takes connections, and says nothing from some point on. */
let server: Server;
const sockets: Socket[] = [];

beforeEach(() => {
  server = createServer();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `postgres://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`;
}

/** AuthenticationOk and ReadyForQuery. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

it('is given up when it takes a connection and never welcomes it', async () => {
  let connected: () => void = () => undefined;
  const connection = new Promise<void>((resolve) => (connected = resolve));
  const database = await openPostgres(await listen(connected));
  const failed = expect(database.run([{ sql: 'SELECT 1' }])).rejects.toThrow();
  await connection;
  await vi.advanceTimersByTimeAsync(2_000);
  await failed;
});

it('is given up when it never answers a statement, and the connection is closed', async () => {
  let asked: () => void = () => undefined;
  const question = new Promise<void>((resolve) => (asked = resolve));
  let closed: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (closed = resolve));
  const url = await listen((socket) => {
    socket.once('data', () => {
      socket.write(WELCOME);
      socket.once('data', asked);
    });
    socket.on('close', closed);
  });
  const database = await openPostgres(url);
  const failed = expect(database.run([{ sql: 'SELECT 1' }])).rejects.toThrow(
    'did not answer within 10000 ms',
  );
  await question;
  await vi.advanceTimersByTimeAsync(10_000);
  await failed;
  await end;
});
