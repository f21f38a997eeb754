import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openPostgres } from '../../src/webhooks/postgres-store.js';

/** A PostgreSQL that accepts connections, and stops answering at a given point. */
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

/**
 * Answers like a PostgreSQL that reports success for each statement, except `SELECT 1`: it fails with the next of these
 * SQLSTATEs, as long as there are any.
 */
async function answering(failures: string[] = []) {
  const parameters: string[] = [];
  const statements: string[] = [];
  const message = (type: string, body = '') => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(4 + body.length, 1);
    return Buffer.concat([head, Buffer.from(body)]);
  };
  const done = Buffer.concat([message('C', 'OK\0'), message('Z', 'I')]);
  const url = await listen((socket) => {
    socket.once('data', (startup) => {
      // The message has four bytes of length, four bytes of version, and pairs of names and values.
      const texts = startup.subarray(8).toString().split('\0');
      parameters.push(...texts.filter((name, i) => i % 2 === 0 && name !== ''));
      socket.write(WELCOME);
      socket.on('data', (data) => {
        for (let at = 0; at < data.length; at += 1 + data.readInt32BE(at + 1)) {
          if (data[at] !== 'Q'.charCodeAt(0)) continue;
          const statement = data.toString('utf8', at + 5, at + data.readInt32BE(at + 1));
          statements.push(statement);
          const state = statement === 'SELECT 1' ? failures.shift() : undefined;
          socket.write(
            state === undefined
              ? done
              : Buffer.concat([message('E', `SERROR\0C${state}\0Mfailed\0\0`), message('Z', 'E')]),
          );
        }
      });
    });
  });
  return { url, parameters, statements };
}

/** The messages AuthenticationOk and ReadyForQuery. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

it('fails if it accepts a connection and never completes the handshake', async () => {
  let connected: () => void = () => undefined;
  const connection = new Promise<void>((resolve) => (connected = resolve));
  const database = await openPostgres(await listen(connected));
  const failed = expect(database.run([{ sql: 'SELECT 1' }])).rejects.toThrow();
  await connection;
  await vi.advanceTimersByTimeAsync(2_000);
  await failed;
});

it('fails if it never answers a statement, and its connection is closed', async () => {
  let onQuery: () => void = () => undefined;
  const question = new Promise<void>((resolve) => (onQuery = resolve));
  let closed: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (closed = resolve));
  const url = await listen((socket) => {
    socket.once('data', () => {
      socket.write(WELCOME);
      socket.once('data', onQuery);
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

it('is set in each transaction, because a pooler refuses most parameters of a connection', async () => {
  const { url, parameters, statements } = await answering();
  const database = await openPostgres(url);
  await database.prepare([{ sql: 'CREATE TABLE one ()' }]);
  await database.run([{ sql: 'SELECT 1' }]);
  await database.close();
  expect(parameters).toEqual(['user', 'database', 'client_encoding']);
  const begin = (timeoutMs: number) =>
    `BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = ${timeoutMs}`;
  expect(statements).toEqual([
    begin(600_000),
    'CREATE TABLE one ()',
    'COMMIT',
    begin(10_000),
    'SELECT 1',
    'COMMIT',
  ]);
});

it.each<[string, string[], number, string | undefined]>([
  ['is repeated after a deadlock', ['40P01'], 2, undefined],
  ['is repeated after a conflict with another transaction', ['40001', '40001'], 3, undefined],
  ['fails after five deadlocks', Array<string>(9).fill('40P01'), 5, '40P01'],
  ['is not repeated after another error', ['23505'], 1, '23505'],
])('a transaction %s', async (_, failures, attempts, code) => {
  const { url, statements } = await answering(failures);
  const database = await openPostgres(url);
  const run = database.run([{ sql: 'SELECT 1' }]);
  if (code === undefined) expect(await run).toHaveLength(1);
  else await expect(run).rejects.toMatchObject({ code });
  expect(statements.filter((statement) => statement === 'SELECT 1')).toHaveLength(attempts);
  await database.close();
});

it('is long enough to create an index of a large table', async () => {
  let onQuery: () => void = () => undefined;
  const question = new Promise<void>((resolve) => (onQuery = resolve));
  const url = await listen((socket) => {
    socket.once('data', () => {
      socket.write(WELCOME);
      socket.once('data', onQuery);
    });
  });
  const database = await openPostgres(url);
  let isOver = false;
  const failed = expect(
    database.prepare([{ sql: 'CREATE INDEX one ON two (three)' }]).finally(() => (isOver = true)),
  ).rejects.toThrow('did not answer within 600000 ms');
  await question;
  await vi.advanceTimersByTimeAsync(599_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await failed;
});
