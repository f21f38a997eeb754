import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { SharedEntry } from '../../../src/cache/shared-cache.js';
import type { Encoding } from '../../../src/cache/shared-cache/encoding.js';
import { WRITE } from '../../../src/cache/shared-cache/scripts.js';
import { createWrites } from '../../../src/cache/shared-cache/writes.js';
import { fakeLink, nextLoop, recordingLogger, refusal, SINCE } from './fake-link.js';

const MAX_WAITING = 1_000;
const WRITES_PER_SLICE = 20;
const MAX_ENTRY_BYTES = 2 * 1024 * 1024;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const entry: SharedEntry = { value: 1, fetchedAt: 0, maxAgeMs: 1, tags: ['tag-a', 'tag-b'] };

function setUp({ encode = (key: string): ReturnType<Encoding['encode']> => Buffer.from(key) } = {}) {
  const fake = fakeLink();
  const state = { isWritable: true };
  const { logger, lines } = recordingLogger();
  const write = createWrites({
    connection: fake.connection,
    writable: () => (state.isWritable ? fake.link : undefined),
    encoding: { encode, decode: () => undefined },
    logger,
  });
  return {
    ...fake,
    state,
    lines,
    write: (key: string, { since = SINCE, retentionMs = 1_000 } = {}) => {
      write({ key, entry, retentionMs, since });
    },
    written: () => fake.runAll.mock.calls.map(([, calls]) => calls.map(([key]) => key)),
  };
}

it('entries are written together, each with its number, its retention in whole milliseconds, and its tags', async () => {
  const { write, runAll } = setUp();
  write('a', { retentionMs: 99.2, since: SINCE + 1 });
  write('b');
  expect(runAll).not.toHaveBeenCalled();
  await nextLoop();
  expect(runAll.mock.calls).toEqual([
    [
      WRITE,
      [
        ['a', SINCE + 1, 100, Buffer.from('a'), 'tag-a', 'tag-b'],
        ['b', SINCE, 1_000, Buffer.from('b'), 'tag-a', 'tag-b'],
      ],
    ],
  ]);
  write('c');
  await nextLoop();
  expect(runAll).toHaveBeenCalledTimes(2);
});

it('entries are not written if they expire at once, or while Redis is unavailable', async () => {
  const { write, written, state } = setUp();
  for (const retentionMs of [0, -1, NaN]) write('expired', { retentionMs });
  write('at the last moment', { retentionMs: 1 });
  state.isWritable = false;
  write('unavailable');
  state.isWritable = true;
  await nextLoop();
  expect(written()).toEqual([['at the last moment']]);
  write('lost');
  state.isWritable = false;
  await nextLoop();
  expect(written()).toHaveLength(1);
});

it('entries that were read over an earlier link are not written, because they may have been forgotten', async () => {
  const { write, written } = setUp();
  write('before', { since: SINCE - 1 });
  await nextLoop();
  expect(written()).toEqual([]);
  write('before', { since: SINCE - 1 });
  write('at once', { since: SINCE });
  await nextLoop();
  expect(written()).toEqual([['at once']]);
});

it('the process yields after 20 entries', async () => {
  const { write, written } = setUp();
  for (let i = 0; i < 2 * WRITES_PER_SLICE + 1; i += 1) write(`key ${i}`);
  for (const sizes of [[20], [20, 20], [20, 20, 1], [20, 20, 1]]) {
    await nextLoop();
    expect(written().map((keys) => keys.length)).toEqual(sizes);
  }
});

it('entries are dropped while 1,000 wait to be sent, or for Redis', async () => {
  const { write, runAll, written } = setUp();
  const replies: (() => void)[] = [];
  runAll.mockImplementation(
    (_, calls) =>
      new Promise((resolve) => {
        replies.push(() => {
          resolve(calls.map(() => undefined));
        });
      }),
  );
  for (let i = 0; i < MAX_WAITING + 5; i += 1) write(`key ${i}`);
  for (let i = 0; i < MAX_WAITING / WRITES_PER_SLICE + 2; i += 1) await nextLoop();
  expect(written().flat()).toHaveLength(MAX_WAITING);
  write('too many');
  await nextLoop();
  expect(written().flat()).toHaveLength(MAX_WAITING);
  replies[0]?.();
  await nextLoop();
  for (let i = 0; i < WRITES_PER_SLICE + 5; i += 1) write(`more ${i}`);
  await nextLoop();
  await nextLoop();
  expect(written().flat()).toHaveLength(MAX_WAITING + WRITES_PER_SLICE);
});

it('an entry of 2 MB is written, and a larger one is not', async () => {
  const sizes = new Map([
    ['largest', MAX_ENTRY_BYTES],
    ['too large', MAX_ENTRY_BYTES + 1],
  ]);
  for (const wrap of [(buffer: Buffer) => buffer, (buffer: Buffer) => Promise.resolve(buffer)]) {
    const { write, written } = setUp({ encode: (key) => wrap(Buffer.alloc(sizes.get(key) ?? 1)) });
    for (const key of ['too large', 'largest', 'small']) write(key);
    await nextLoop();
    await nextLoop();
    expect(written().flat()).toEqual(['largest', 'small']);
  }
});

it.each<[string, () => ReturnType<Encoding['encode']>]>([
  [
    'at once',
    () => {
      throw new RangeError('too large');
    },
  ],
  ['later', () => Promise.reject(new RangeError('too large'))],
])(
  'an entry that cannot be encoded is left out and logged (%s), and the others are written',
  async (_, fail) => {
    const { write, written, lines } = setUp({
      encode: (key) => (key === 'broken' ? fail() : Buffer.from(key)),
    });
    for (const key of ['a', 'broken', 'b']) write(key);
    await nextLoop();
    await nextLoop();
    expect(written()).toEqual([['a', 'b']]);
    expect(lines).toMatchObject([{ level: 40, reason: 'too large', refusals: 1 }]);
  },
);

it('entries that Redis refuses are reported to the connection, and logged once a minute with their number', async () => {
  const { write, runAll, failed, link, lines } = setUp();
  const full = refusal('OOM command not allowed');
  runAll.mockImplementation((_, calls) =>
    Promise.resolve(calls.map(([key]) => (key === 'ok' ? undefined : full))),
  );
  for (const key of ['a', 'ok', 'b', 'c']) write(key);
  await nextLoop();
  await nextLoop();
  expect(failed.mock.calls).toEqual([
    [link, full],
    [link, full],
    [link, full],
  ]);
  expect(lines).toMatchObject([{ reason: 'OOM command not allowed', refusals: 1 }]);
  vi.advanceTimersByTime(59_999);
  write('d');
  await nextLoop();
  await nextLoop();
  expect(lines).toHaveLength(1);
  vi.advanceTimersByTime(1);
  write('e');
  await nextLoop();
  await nextLoop();
  expect(lines.slice(1)).toMatchObject([{ refusals: 4 }]);
});

it('a lost link is reported to the connection, and later entries are written', async () => {
  const { write, runAll, failed, link, written } = setUp();
  const lost = new Error('The connection was closed.');
  runAll.mockRejectedValueOnce(lost);
  for (let i = 0; i < 10; i += 1) write(`lost ${i}`);
  await nextLoop();
  await nextLoop();
  expect(failed.mock.calls).toEqual([[link, lost]]);
  for (let i = 0; i < MAX_WAITING; i += 1) write(`key ${i}`);
  for (let i = 0; i < MAX_WAITING / WRITES_PER_SLICE + 1; i += 1) await nextLoop();
  expect(written().flat()).toHaveLength(10 + MAX_WAITING);
});
