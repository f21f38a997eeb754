import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../../../src/cache/shared-cache/connection.js';
import { createForgetting } from '../../../src/cache/shared-cache/forgetting.js';
import { FORGET, FORGET_EVERYTHING, SWEEP } from '../../../src/cache/shared-cache/scripts.js';
import { fakeLink, recordingLogger } from './fake-link.js';

const FORGET_TIMEOUT_MS = 1_000;
/** The rejection may come some iterations of the event loop later. */
const AFTER_TIMEOUT_MS = FORGET_TIMEOUT_MS + 10;
const RETRY_MS = 250;
const MAX_PENDING_TAGS = 10_000;
const TAGS_PER_SCRIPT = 500;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lost = new Error('The connection was closed.');
const wait = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const names = (count: number) => Array.from({ length: count }, (_, i) => `tag ${i}`);

function setUp({ isConnected = true } = {}) {
  const { link, run } = fakeLink();
  const state = { isConnected };
  const connection: Connection = {
    get link() {
      return state.isConnected ? link : undefined;
    },
    get quick() {
      return undefined;
    },
    failed: () => undefined,
    close: () => undefined,
  };
  const { logger, lines } = recordingLogger();
  const forgetting = createForgetting({ connection, logger });
  return {
    forgetting,
    state,
    run,
    /** The messages of the log without those for debugging. */
    messages: () => lines.filter(({ level }) => Number(level) > 20).map(({ msg }) => String(msg)),
    /** Each call: its script, and its parameters. */
    calls: () => run.mock.calls.map(([script, ...parameters]) => [script, ...parameters]),
    /** The tags of all calls of FORGET. */
    forgotten: () => run.mock.calls.filter(([script]) => script === FORGET).map(([, , ...tags]) => tags),
    /** Forgets, and returns a function that returns how it ended. */
    start: (tags: readonly string[]) => {
      let end = 'pending';
      void forgetting.forget(tags).then(
        () => (end = 'resolved'),
        () => (end = 'rejected'),
      );
      return () => end;
    },
  };
}

describe('forgetting in Redis', () => {
  it('sends the tags and the message for the other instances, and nothing for no tags', async () => {
    const { forgetting, calls, messages } = setUp();
    await forgetting.forget([]);
    expect(calls()).toEqual([]);
    await forgetting.forget(['a', 'b']);
    expect(calls()).toEqual([[FORGET, '["a","b"]', 'a', 'b']]);
    expect(forgetting.isSettled()).toBe(true);
    expect(messages()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sends at most 500 tags in one call, and resolves after the last', async () => {
    const { start, run, forgotten } = setUp();
    const replies: ((reply: unknown) => void)[] = [];
    run.mockImplementation(() => new Promise((resolve) => replies.push(resolve)));
    const end = start(names(2 * TAGS_PER_SCRIPT + 1));
    await wait();
    replies[0]?.([]);
    await wait();
    replies[1]?.([]);
    await wait();
    expect(end()).toBe('pending');
    replies[2]?.([]);
    await wait();
    expect(end()).toBe('resolved');
    expect(forgotten().map((tags) => tags.length)).toEqual([TAGS_PER_SCRIPT, TAGS_PER_SCRIPT, 1]);
    expect(forgotten().flat()).toEqual(names(2 * TAGS_PER_SCRIPT + 1));
  });

  it('lists the tags as being forgotten until it ends, also if it fails', async () => {
    const { forgetting, start, run } = setUp();
    run.mockReturnValue(new Promise(() => undefined));
    start(['a', 'b']);
    start(['c']);
    await wait();
    expect([...forgetting.inProgress()]).toEqual(['a', 'b', 'c']);
    await wait(AFTER_TIMEOUT_MS);
    expect([...forgetting.inProgress()]).toEqual([]);
    run.mockResolvedValue([]);
    await wait(RETRY_MS);
    await forgetting.forget(['d']);
    expect([...forgetting.inProgress()]).toEqual([]);
  });

  it('sweeps each large set in the background until it is empty', async () => {
    const { start, run, calls } = setUp();
    const [set, tag] = [Buffer.from('swept:1:a'), Buffer.from('a')];
    let left = 2;
    run.mockImplementation((script) =>
      Promise.resolve(script === FORGET ? [[set, tag], ['no buffers', 'a'], 'no list'] : left--),
    );
    const end = start(['a']);
    await wait();
    expect(end()).toBe('resolved');
    expect(calls().slice(1)).toEqual([
      [SWEEP, set, tag],
      [SWEEP, set, tag],
      [SWEEP, set, tag],
    ]);
  });

  it('has succeeded even if a sweep fails, which is logged', async () => {
    const { start, run, forgetting, messages } = setUp();
    run.mockImplementation((script) =>
      script === FORGET ? Promise.resolve([[Buffer.from('set'), Buffer.from('a')]]) : Promise.reject(lost),
    );
    const end = start(['a']);
    await wait();
    expect([end(), forgetting.isSettled()]).toEqual(['resolved', true]);
    expect(messages()).toEqual([expect.stringContaining('stay in Redis until they expire')]);
  });
});

describe('forgetting while Redis is unavailable', () => {
  it('resolves if Redis is available again within a second, and Redis may be read only then', async () => {
    const { forgetting, state, start, forgotten, messages } = setUp({ isConnected: false });
    const ends = [start(['a', 'b']), start(['c', 'a'])];
    await wait(FORGET_TIMEOUT_MS - 1);
    expect([...ends.map((end) => end()), forgetting.isSettled()]).toEqual(['pending', 'pending', false]);
    state.isConnected = true;
    forgetting.settle();
    expect(forgetting.isSettled()).toBe(false);
    await wait();
    expect([...ends.map((end) => end()), forgetting.isSettled()]).toEqual(['resolved', 'resolved', true]);
    expect(forgotten()).toEqual([['a', 'b', 'c']]);
    expect(messages()).toEqual([
      expect.stringContaining('could not be reached to forget answers'),
      expect.stringContaining('all pending invalidations were sent'),
    ]);
  });

  it('rejects after a second in total, and the tags are forgotten when a link is opened', async () => {
    const { forgetting, state, start, forgotten } = setUp({ isConnected: false });
    const end = start(['a']);
    await wait(AFTER_TIMEOUT_MS);
    expect([end(), forgetting.isSettled()]).toEqual(['rejected', false]);
    await wait(60_000);
    expect(forgetting.isSettled()).toBe(false);
    state.isConnected = true;
    forgetting.settle();
    await wait();
    expect([forgotten(), forgetting.isSettled()]).toEqual([[['a']], true]);
  });

  it('rejects after a second if Redis never answers, and not later', async () => {
    const { start, run } = setUp();
    run.mockReturnValue(new Promise(() => undefined));
    const end = start(['a']);
    await wait(FORGET_TIMEOUT_MS - 1);
    expect(end()).toBe('pending');
    await wait(AFTER_TIMEOUT_MS - FORGET_TIMEOUT_MS + 1);
    expect(end()).toBe('rejected');
  });

  it('is retried every 250 ms over a link that fails, until it succeeds', async () => {
    const { forgetting, run, start, forgotten } = setUp();
    run.mockRejectedValue(lost);
    const end = start(['a', 'b']);
    await wait();
    expect(forgotten()).toHaveLength(2);
    await wait(RETRY_MS - 1);
    expect(forgotten()).toHaveLength(2);
    await wait(1);
    expect(forgotten()).toHaveLength(3);
    run.mockResolvedValue([]);
    expect(forgetting.isSettled()).toBe(false);
    await wait(RETRY_MS);
    expect([end(), forgetting.isSettled()]).toEqual(['resolved', true]);
    await wait(10 * RETRY_MS);
    expect(forgotten()).toEqual(Array(4).fill(['a', 'b']));
  });

  it('sends tags that arrive during a retry in the next one', async () => {
    const { forgetting, state, run, start, forgotten } = setUp({ isConnected: false });
    start(['a']);
    await wait();
    state.isConnected = true;
    let reply: (value: unknown) => void = () => undefined;
    run.mockReturnValueOnce(
      new Promise((resolve) => {
        reply = resolve;
      }),
    );
    forgetting.settle();
    forgetting.settle();
    await wait();
    expect(forgetting.isSettled()).toBe(false);
    state.isConnected = false;
    const end = start(['b']);
    await wait();
    state.isConnected = true;
    reply([]);
    await wait();
    expect([end(), forgetting.isSettled()]).toEqual(['pending', false]);
    await wait(RETRY_MS);
    expect([end(), forgetting.isSettled()]).toEqual(['resolved', true]);
    expect(forgotten()).toEqual([['a'], ['b']]);
  });

  it('forgets everything if more than 10,000 tags are pending', async () => {
    for (const [count, isEverything] of [
      [MAX_PENDING_TAGS, false],
      [MAX_PENDING_TAGS + 1, true],
    ] as const) {
      const { forgetting, state, start, calls } = setUp({ isConnected: false });
      start(names(count));
      start(['tag 0', 'tag 1']);
      await wait();
      expect(forgetting.isSettled()).toBe(false);
      state.isConnected = true;
      forgetting.settle();
      await wait();
      expect(calls()[0]?.[0]).toBe(isEverything ? FORGET_EVERYTHING : FORGET);
      expect(forgetting.isSettled()).toBe(true);
    }
  });

  it('still forgets everything after an attempt to do so failed', async () => {
    const { forgetting, state, start, run, calls } = setUp({ isConnected: false });
    start(names(MAX_PENDING_TAGS + 1));
    await wait();
    state.isConnected = true;
    run.mockRejectedValueOnce(lost);
    forgetting.settle();
    await wait();
    expect(forgetting.isSettled()).toBe(false);
    await wait(RETRY_MS);
    expect(calls()).toEqual([[FORGET_EVERYTHING], [FORGET_EVERYTHING]]);
    expect(forgetting.isSettled()).toBe(true);
  });

  it('is not retried after it is closed', async () => {
    const { forgetting, run, start } = setUp();
    run.mockRejectedValue(lost);
    start(['a']);
    await wait();
    const before = run.mock.calls.length;
    forgetting.close();
    await wait(10 * RETRY_MS);
    expect(run).toHaveBeenCalledTimes(before);
  });
});
