import { afterEach, describe, expect, it, vi } from 'vitest';
import { createConnection, type Connection } from '../../../src/cache/shared-cache/connection.js';
import type { Link } from '../../../src/cache/shared-cache/link.js';
import { LateError } from '../../../src/cache/shared-cache/within.js';
import { recordingLogger, refusal } from './fake-link.js';
import { imitation, listenAs, SEQ } from './imitation.js';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const item of open.splice(0).reverse()) item.close();
});

async function setUp({ waitMs = 1_000, delayMs = 0 } = {}) {
  const redis = imitation();
  redis.delayMs = delayMs;
  const server = await listenAs(redis.serve);
  const { logger, lines } = recordingLogger();
  const opened: Link[] = [];
  const messages: string[] = [];
  const connection = createConnection({
    url: server.url,
    waitMs,
    logger,
    lastSince: () => 0,
    onMessage: (message) => messages.push(message),
    onOpen: (link) => opened.push(link),
  });
  open.push(server, connection);
  return {
    redis,
    connection,
    opened,
    messages,
    /** The messages of the log that contain this. */
    logged: (text: string) => lines.filter(({ msg }) => String(msg).includes(text)).length,
    hasOpened: (times: number) =>
      vi.waitFor(() => {
        expect(opened).toHaveLength(times);
      }),
  };
}

function linkOf({ link }: Connection): Link {
  if (link === undefined) throw new Error('The connection has no link.');
  return link;
}

describe('a connection', () => {
  it('has a link that is quick, and passes on the messages about forgotten tags', async () => {
    const { connection, redis, hasOpened, opened, messages } = await setUp();
    expect([connection.link, connection.quick]).toEqual([undefined, undefined]);
    await hasOpened(1);
    expect([connection.link, connection.quick]).toEqual([opened[0], opened[0]]);
    expect(linkOf(connection).since).toBe(SEQ);
    redis.publish('["a"]');
    await vi.waitFor(() => {
      expect(messages).toEqual(['["a"]']);
    });
  });

  it.each<[string, Error, isSlow: boolean]>([
    ['a late answer', new LateError(20), true],
    ['a refused command', refusal('ERR no'), true],
    ['a full memory', refusal('OOM command not allowed'), false],
    ['a full disk', refusal('MISCONF cannot persist'), false],
    ['a lost link, which reports itself', new Error('Connection is closed.'), false],
  ])('is not quick until a PING is answered in time, after %s', async (_, error, isSlow) => {
    const { connection, hasOpened, opened, logged } = await setUp();
    await hasOpened(1);
    connection.failed(linkOf(connection), error);
    connection.failed(linkOf(connection), error);
    expect(connection.quick === undefined).toBe(isSlow);
    expect(connection.link).toBe(opened[0]);
    expect(logged('is slow or refuses commands')).toBe(isSlow ? 1 : 0);
    await vi.waitFor(() => {
      expect(connection.quick).toBe(opened[0]);
    });
    expect(logged('in time again')).toBe(isSlow ? 1 : 0);
  });

  it('stays slow while a PING is late, and is probed again', async () => {
    const { connection, redis, hasOpened, logged } = await setUp({ waitMs: 25 });
    await hasOpened(1);
    redis.delayMs = 200;
    connection.failed(linkOf(connection), new LateError(25));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([connection.quick, logged('in time again')]).toEqual([undefined, 0]);
    redis.delayMs = 0;
    await vi.waitFor(() => {
      expect(connection.quick).toBeDefined();
    });
  });

  it('is not quick if Redis answers slowly when it is opened, and is probed', async () => {
    const { connection, redis, hasOpened } = await setUp({ waitMs: 10, delayMs: 40 });
    await hasOpened(1);
    expect(connection.link).toBeDefined();
    expect(connection.quick).toBeUndefined();
    redis.delayMs = 0;
    await vi.waitFor(() => {
      expect(connection.quick).toBeDefined();
    });
  });

  it('is replaced at once if its Redis has become a replica, and later failures of that one are ignored', async () => {
    const { connection, hasOpened, opened, logged } = await setUp();
    await hasOpened(1);
    const earlier = linkOf(connection);
    connection.failed(earlier, refusal('READONLY You cannot write against a read only replica.'));
    expect(connection.link).toBeUndefined();
    await hasOpened(2);
    connection.failed(earlier, new LateError(20));
    connection.failed(earlier, refusal('READONLY'));
    expect(connection.quick).toBe(opened[1]);
    expect(logged('is slow')).toBe(0);
  });

  it('logs one warning for each outage', async () => {
    const { redis, hasOpened, logged } = await setUp();
    await hasOpened(1);
    for (const outage of [1, 2]) {
      redis.hangUp();
      await hasOpened(outage + 1);
      expect(logged('was disconnected')).toBe(outage);
    }
    expect([logged('cannot be reached'), logged('is connected')]).toEqual([0, 3]);
  });

  it('has no link after it is closed, and is not probed', async () => {
    const { connection, redis, hasOpened, logged } = await setUp({ waitMs: 30 });
    await hasOpened(1);
    connection.failed(linkOf(connection), new LateError(30));
    connection.close();
    expect(connection.link).toBeUndefined();
    const scripts = redis.scripts;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect([redis.scripts, logged('in time again')]).toEqual([scripts, 0]);
  });
});
