import { describe, expect, it, vi } from 'vitest';
import type { SharedEntry } from '../../src/cache/shared-cache.js';
import type { Connection } from '../../src/cache/shared-cache/connection.js';
import { createEncoding } from '../../src/cache/shared-cache/encoding.js';
import type { Link, Parameter } from '../../src/cache/shared-cache/link.js';
import { createReads } from '../../src/cache/shared-cache/reads.js';
import { createWrites } from '../../src/cache/shared-cache/writes.js';
import { createLogger } from '../../src/telemetry/logger.js';

const SINCE = 10;
const entry = (tag: string): SharedEntry => ({ value: tag, fetchedAt: 0, maxAgeMs: 1_000, tags: [tag] });

/** A link that was made at `SINCE`, over which these entries are found. */
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

describe('what was read over an earlier link', () => {
  it('is not written over this one, since it may have been forgotten in between', async () => {
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
  it('brings nothing that was being forgotten when it began', async () => {
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
});
