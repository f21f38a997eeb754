import { brotliCompressSync } from 'node:zlib';
import { ReplyError } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import type { SharedEntry } from '../../src/cache/shared-cache.js';
import type { Connection } from '../../src/cache/shared-cache/connection.js';
import { createEncoding } from '../../src/cache/shared-cache/encoding.js';
import { isRefusal, type Link, type Parameter } from '../../src/cache/shared-cache/link.js';
import { createReads } from '../../src/cache/shared-cache/reads.js';
import { createWrites } from '../../src/cache/shared-cache/writes.js';
import { createLogger } from '../../src/telemetry/logger.js';

const SINCE = 10;
const entry = (tag: string): SharedEntry => ({ value: tag, fetchedAt: 0, maxAgeMs: 1_000, tags: [tag] });

/** A connection that was opened at `SINCE`, to a Redis with these entries. */
function linkWith(stored: readonly SharedEntry[] = []) {
  const calls: (readonly Parameter[])[] = [];
  const link: Link = {
    since: SINCE,
    greetingMs: 1,
    run: () => Promise.resolve([SINCE + 1, stored.map((_, i) => Buffer.of(i))]),
    runAll: (_, all) => {
      calls.push(...all);
      return Promise.resolve(all.map(() => undefined));
    },
    ping: () => Promise.resolve(),
    drop: vi.fn(),
  };
  const connection: Connection = { link, quick: link, failed: vi.fn(), close: () => undefined };
  return { link, connection, calls };
}

describe('an entry that was read over an earlier connection', () => {
  it('is not written over the new connection, because it may have been forgotten in the meantime', async () => {
    const { link, connection, calls } = linkWith();
    const write = createWrites({
      connection,
      writable: () => link,
      encoding: createEncoding(undefined),
      logger: createLogger('silent'),
    });
    for (const [key, since] of [
      ['before', SINCE - 1],
      ['at once', SINCE],
      ['after', SINCE + 1],
    ] as const)
      write({ key, entry: entry(key), retentionMs: 1_000, since });
    await vi.waitFor(() => {
      expect(calls.map(([key]) => key)).toEqual(['at once', 'after']);
    });
  });
});

describe('a read', () => {
  it('returns no entry that was forgotten while the read was in progress', async () => {
    const stored = [entry('forgotten'), entry('other')];
    const { link, connection } = linkWith(stored);
    const reads = createReads({
      connection,
      readable: () => link,
      beingForgotten: () => ['forgotten'],
      encoding: { ...createEncoding(undefined), decode: (_, [index = 0]) => stored[index] },
      waitMs: 1_000,
    });
    expect((await reads.read(['one', 'two'])).entries).toEqual([undefined, entry('other')]);
  });

  it('returns nothing from a Redis that has lost its data, and closes the connection', async () => {
    const { link, connection } = linkWith([entry('of before')]);
    const drop = vi.fn();
    const emptied = { ...link, drop, run: () => Promise.resolve([SINCE - 1, [Buffer.of(0)]]) };
    const reads = createReads({
      connection,
      readable: () => emptied,
      beingForgotten: () => [],
      encoding: { ...createEncoding(undefined), decode: () => entry('of before') },
      waitMs: 1_000,
    });
    expect(await reads.read(['one'])).toEqual({ entries: [undefined], since: undefined });
    expect(drop).toHaveBeenCalledOnce();
  });
});

describe('a compressed entry', () => {
  /** A compressed entry as it is stored in Redis, with the given declared size. */
  const compressed = (size: number): Buffer => {
    const head = Buffer.alloc(6);
    head.write('\n\u0001', 'latin1');
    head.writeUInt32BE(size, 2);
    return Buffer.concat([head, brotliCompressSync(JSON.stringify([0, 1_000, 'value']))]);
  };

  it.each([
    ['1,000 bytes', 1_000, 'value'],
    ['64 MB', 64 * 1024 * 1024, 'value'],
    ['more than the gateway writes', 64 * 1024 * 1024 + 1, undefined],
  ])('with the declared size %s is read, or refused', async (_, size, value) => {
    const read = await createEncoding(undefined).decode('key', compressed(size));
    expect(read?.value).toBe(value);
  });
});

describe('an error of a command', () => {
  // The driver's types declare the error class as `any`.
  const Refused = ReplyError as new (message: string) => Error;

  it.each([
    ['an error that Redis sent', new Refused('READONLY It is a replica.'), true],
    ['a lost connection', new Error('Connection is closed.'), false],
    ['no error', 'ReplyError', false],
  ])('is a refusal of Redis only if Redis sent it: %s', (_, error, expected) => {
    expect(isRefusal(error)).toBe(expected);
  });
});
