import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SharedEntry } from '../../../src/cache/shared-cache.js';
import { createReads } from '../../../src/cache/shared-cache/reads.js';
import { READ } from '../../../src/cache/shared-cache/scripts.js';
import { LateError } from '../../../src/cache/shared-cache/within.js';
import { fakeLink, nextLoop, SINCE } from './fake-link.js';

const WAIT_MS = 20;

afterEach(() => {
  vi.useRealTimers();
});

const entryOf = (key: string): SharedEntry => ({
  value: key,
  fetchedAt: 0,
  maxAgeMs: 1,
  tags: [`tag of ${key}`],
});

/** `decodes`: how entries are decoded. By default at once. */
function setUp({ decodes = (key: string): SharedEntry | Promise<SharedEntry> => entryOf(key) } = {}) {
  const fake = fakeLink();
  const state = { isReadable: true, beingForgotten: [] as string[] };
  const reads = createReads({
    connection: fake.connection,
    readable: () => (state.isReadable ? fake.link : undefined),
    beingForgotten: () => state.beingForgotten,
    encoding: { encode: () => Buffer.of(), decode: decodes },
    waitMs: WAIT_MS,
  });
  /** Redis has an entry for every key, apart from those that begin with `no`. */
  const answerTo = (keys: readonly unknown[], seq: unknown = SINCE + 1) =>
    Promise.resolve([
      seq,
      keys.map((key) => (String(key).startsWith('no') ? null : Buffer.from(String(key)))),
    ]);
  fake.run.mockImplementation((_, ...keys) => answerTo(keys));
  return { ...fake, reads, state, answerTo };
}

const values = ({ entries }: { entries: readonly (SharedEntry | undefined)[] }) =>
  entries.map((entry) => entry?.value);

describe('reads of one event-loop iteration', () => {
  it('share a round trip, and each gets the entries of its own keys', async () => {
    const { reads, run } = setUp();
    const all = await Promise.all([
      reads.read(['a', 'b']),
      reads.read(['no c']),
      reads.read(['d', 'no e', 'f']),
    ]);
    expect(all.map(values)).toEqual([['a', 'b'], [undefined], ['d', undefined, 'f']]);
    expect(all.map(({ since }) => since)).toEqual([SINCE + 1, SINCE + 1, SINCE + 1]);
    expect(run.mock.calls).toEqual([[READ, 'a', 'b', 'no c', 'd', 'no e', 'f']]);
    expect(values(await reads.read(['g']))).toEqual(['g']);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('need another round trip after 200 keys, and none is split', async () => {
    const { reads, run } = setUp();
    const keys = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);
    const sizes = [300, 150, 50, 1, 500, 100, 100];
    const all = await Promise.all(sizes.map((size, i) => reads.read(keys(String(i), size))));
    expect(run.mock.calls.map((call) => call.length - 1)).toEqual([300, 200, 1, 500, 200]);
    expect(all.map(values)).toEqual(sizes.map((size, i) => keys(String(i), size)));
  });

  it('settle with their own entries if some are decoded later', async () => {
    let decodeSlow = (): void => undefined;
    const { reads } = setUp({
      decodes: (key) =>
        key !== 'slow'
          ? entryOf(key)
          : new Promise((resolve) => {
              decodeSlow = () => {
                resolve(entryOf(key));
              };
            }),
    });
    const [quick, late] = [reads.read(['a']), reads.read(['b', 'slow'])];
    expect(values(await quick)).toEqual(['a']);
    decodeSlow();
    expect(values(await late)).toEqual(['b', 'slow']);
  });
});

describe('a read returns nothing, and resolves', () => {
  const nothing = { entries: [undefined, undefined], since: undefined };

  it('at once if Redis may not be read', async () => {
    const { reads, state, run } = setUp();
    state.isReadable = false;
    expect(await reads.read(['a', 'b'])).toEqual(nothing);
    state.isReadable = true;
    const reading = reads.read(['a', 'b']);
    state.isReadable = false;
    expect(await reading).toEqual(nothing);
    expect(run).not.toHaveBeenCalled();
  });

  it('if Redis is late, and the connection is reported once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reads, run, failed, link } = setUp();
    run.mockReturnValue(new Promise(() => undefined));
    const all = Promise.all([reads.read(['a', 'b']), reads.read(['c', 'd'])]);
    await nextLoop();
    vi.advanceTimersByTime(WAIT_MS - 1);
    await nextLoop();
    expect(failed).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(await all).toEqual([nothing, nothing]);
    expect(failed.mock.calls).toEqual([[link, expect.any(LateError)]]);
  });

  it('if decoding is slow, which does not count as a slow Redis', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reads, failed } = setUp({ decodes: () => new Promise(() => undefined) });
    const reading = reads.read(['a', 'b']);
    await nextLoop();
    vi.advanceTimersByTime(WAIT_MS);
    expect(await reading).toEqual(nothing);
    expect(failed).not.toHaveBeenCalled();
  });

  it('if the command fails', async () => {
    const { reads, run, failed, link } = setUp();
    const error = new Error('The connection was closed.');
    run.mockRejectedValue(error);
    expect(await reads.read(['a', 'b'])).toEqual(nothing);
    expect(failed.mock.calls).toEqual([[link, error]]);
  });

  it.each<[string, (found: unknown) => unknown]>([
    ['an earlier number', (found) => [SINCE - 1, found]],
    ['no number', (found) => [null, found]],
    ['no entries', () => [SINCE + 1]],
    ['no list', () => 'OK'],
  ])('if Redis answers with %s: its data was lost', async (_, answer) => {
    const { reads, run, drop } = setUp();
    run.mockResolvedValue(answer([Buffer.of(1), Buffer.of(2)]));
    expect(await reads.read(['a', 'b'])).toEqual(nothing);
    expect(drop).toHaveBeenCalledOnce();
    expect(reads.lastSince()).toBe(0);
  });

  it('leaves no timer behind in any of these cases', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reads, run } = setUp();
    await Promise.all([reads.read(['a']), reads.read(['b'])]);
    expect(vi.getTimerCount()).toBe(0);
    run.mockRejectedValueOnce(new Error('The connection was closed.'));
    await reads.read(['a']);
    expect(vi.getTimerCount()).toBe(0);
    run.mockResolvedValueOnce([SINCE - 1, []]);
    await reads.read(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('an entry that is forgotten', () => {
  it.each<[string, readonly string[] | undefined, unknown[]]>([
    ['by its tag', ['other', 'tag of a'], [undefined, 'b']],
    ['by another tag', ['other'], ['a', 'b']],
    ['by everything', undefined, [undefined, undefined]],
  ])('while the read is in progress is not returned: %s', async (_, tags, expected) => {
    const { reads, run, answerTo } = setUp();
    let answer: (reply: unknown) => void = () => undefined;
    run.mockReturnValueOnce(
      new Promise((resolve) => {
        answer = resolve;
      }),
    );
    const reading = reads.read(['a', 'b']);
    await nextLoop();
    reads.forget(tags);
    answer(await answerTo(['a', 'b']));
    expect(values(await reading)).toEqual(expected);
    expect(values(await reads.read(['a', 'b']))).toEqual(['a', 'b']);
  });

  it('before the read was sent is returned only if another invalidation of its tag is in progress', async () => {
    const { reads, state } = setUp();
    reads.forget(['tag of a']);
    expect(values(await reads.read(['a']))).toEqual(['a']);
    state.beingForgotten = ['tag of a'];
    expect(values(await reads.read(['a', 'b']))).toEqual([undefined, 'b']);
    state.beingForgotten = [];
    expect(values(await reads.read(['a']))).toEqual(['a']);
  });
});

it('the greatest number that was read never decreases', async () => {
  const { reads, run, answerTo } = setUp();
  expect(reads.lastSince()).toBe(0);
  for (const [seq, expected] of [
    [SINCE, SINCE],
    [SINCE + 9, SINCE + 9],
    [SINCE + 5, SINCE + 9],
  ] as const) {
    run.mockReturnValueOnce(answerTo(['a'], Buffer.from(String(seq))));
    expect((await reads.read(['a'])).since).toBe(seq);
    expect(reads.lastSince()).toBe(expected);
  }
});
