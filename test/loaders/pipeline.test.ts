import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FreshnessOptions, Wanted } from '../../src/cache/freshness.js';
import type { CallScope, Client } from '../../src/connectors/connector.js';
import {
  NotCachedError,
  SourceContractError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../../src/errors.js';
import type { RequestScope } from '../../src/loaders/in-flight-batch.js';
import { defineLoader, type Loader } from '../../src/loaders/loader.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import type { LimitsOptions } from '../../src/resilience/limits.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';
import { sharedCacheInMemory, type SharedCacheInMemory } from './shared-cache-in-memory.js';

const unavailable = new SourceUnavailableError('shop', 'shop cannot be reached.');

/** Fresh for 10 s. Then stale: usable for 20 s more, or for 60 s more if the system fails. */
const POLICY: FreshnessOptions = {
  maxAge: '10 s',
  staleWhileRevalidate: '20 s',
  staleIfError: '60 s',
  notFoundMaxAge: '2 s',
};

const clock = fakeClock();
let loading: Loading[] = [];

/** Waits until all work that needs no answer has run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Call {
  keys: string[];
  /** Answers each key with the key and the number of the call, or with the given values. */
  answer(values?: readonly (string | null | Error)[]): Promise<void>;
  fail(error?: Error): Promise<void>;
  /** Whether the call was cancelled because no request waits for it. */
  isCancelled: boolean;
}

interface System {
  calls: Call[];
  /** Whether calls are answered at once. Otherwise the test answers them. */
  isQuick: boolean;
  /** The lifetime that the system reports for its answers, in milliseconds. */
  holds: number | undefined;
  loader: Loader<LoadingClient, string, string | null>;
}

function createSystem(parts: Partial<Loader<LoadingClient, string, string | null>> = {}): System {
  const system: System = { calls: [], isQuick: true, holds: undefined, loader: undefined as never };
  system.loader = defineLoader<LoadingClient, string, string | null>({
    name: 'letters',
    load: (keys, { scope }) => {
      const number = system.calls.length + 1;
      const text = (key: string) => `${key}${number}`;
      return scope.run(
        (signal) =>
          new Promise((resolve, reject) => {
            const call: Call = {
              keys: [...keys],
              isCancelled: false,
              answer: (values = keys.map(text)) => {
                resolve(values);
                return settle();
              },
              fail: (error = unavailable) => {
                reject(error);
                return settle();
              },
            };
            signal.addEventListener('abort', () => {
              call.isCancelled = true;
            });
            system.calls.push(call);
            if (system.isQuick) void call.answer();
          }),
      );
    },
    ...parts,
  });
  return system;
}

interface SetUp {
  freshness?: FreshnessOptions;
  limits?: LimitsOptions;
  loader?: Partial<Loader<LoadingClient, string, string | null>>;
  shared?: SharedCacheInMemory;
  system?: System;
  windowMs?: number;
}

function setUp({
  freshness = POLICY,
  limits = {},
  loader = {},
  shared,
  system = createSystem(loader),
  windowMs,
}: SetUp = {}) {
  const created: Loading = createLoading({
    clock,
    ...(shared === undefined
      ? {}
      : {
          shared: shared.instance({
            onForget: (tags) => {
              created.registry.forgetTags(tags);
            },
            onGap: () => {
              created.registry.clear();
            },
          }),
        }),
  });
  loading.push(created);
  const source = created.source('shop', {
    freshness,
    limits,
    ...(windowMs === undefined ? {} : { windowMs }),
  });
  created.registry.add(source, system.loader);
  const request = (parts: Partial<RequestScope> = {}) => {
    const { load, loadMany, scope } = created.newRequest(parts);
    return {
      scope,
      loadKey: (key: string) => load(system.loader, key),
      loadKeys: (keys: readonly string[]) => loadMany(system.loader, keys),
      report: () => scope.provenance.report(['shop']).shop,
    };
  };
  return {
    ...created,
    system,
    request,
    loadKey: (key: string, wanted: Wanted = {}) => request({ wanted }).loadKey(key),
  };
}

beforeEach(() => {
  loading = [];
});
afterEach(() => {
  vi.useRealTimers();
  for (const instance of loading) instance.close();
});

describe('an answer', () => {
  it('is returned while it is fresh, returned and refreshed while it is stale, and loaded again after that', async () => {
    const { loadKey, system, request } = setUp();
    expect(await loadKey('a')).toBe('a1');
    clock.advance(9_999);
    expect(await loadKey('a')).toBe('a1');
    expect(system.calls).toHaveLength(1);
    clock.advance(1);
    const stale = request();
    expect(await stale.loadKey('a')).toBe('a1');
    expect(stale.report()).toMatchObject({ status: 'stale', age: 10 });
    await settle();
    expect(system.calls).toHaveLength(2);
    expect(await loadKey('a')).toBe('a2');
    clock.advance(30_000);
    const anew = request();
    expect(await anew.loadKey('a')).toBe('a3');
    expect(anew.report()).toMatchObject({ status: 'live', age: 0, records: 1 });
  });

  it('is refreshed once for any number of requests that receive the stale answer', async () => {
    const { loadKey, system } = setUp();
    await loadKey('a');
    clock.advance(15_000);
    system.isQuick = false;
    for (let i = 0; i < 5; i += 1) expect(await loadKey('a')).toBe('a1');
    await settle();
    expect(await loadKey('a')).toBe('a1');
    await settle();
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a'], ['a']]);
    await system.calls[1]?.answer();
    expect(await loadKey('a')).toBe('a2');
  });

  it('remains cached if its refresh fails, and the next request refreshes it again', async () => {
    const { loadKey, system } = setUp();
    await loadKey('a');
    clock.advance(15_000);
    system.isQuick = false;
    expect(await loadKey('a')).toBe('a1');
    await settle();
    await system.calls[1]?.fail();
    expect(await loadKey('a')).toBe('a1');
    await settle();
    expect(system.calls).toHaveLength(3);
  });

  it('counts its age from the time of the call', async () => {
    const { loadKey, system, request } = setUp();
    system.isQuick = false;
    const slow = request();
    const first = slow.loadKey('a');
    await settle();
    clock.advance(6_000);
    await system.calls[0]?.answer();
    expect(await first).toBe('a1');
    expect(slow.report()).toMatchObject({ status: 'live', age: 6 });
    clock.advance(3_999);
    expect(await loadKey('a')).toBe('a1');
    clock.advance(1);
    await loadKey('a');
    await settle();
    expect(system.calls).toHaveLength(2);
  });

  it('does not replace the answer of a later call', async () => {
    const { loadKey, system } = setUp();
    system.isQuick = false;
    const slow = loadKey('a');
    await settle();
    clock.advance(1_000);
    const quick = loadKey('a', { maxAgeMs: 0 });
    await settle();
    await system.calls[1]?.answer();
    expect(await quick).toBe('a2');
    await system.calls[0]?.answer();
    expect(await slow).toBe('a1');
    expect(await loadKey('a')).toBe('a2');
  });

  it.each([[null], ['']])('of %j is empty, so it is cached for a shorter time', async (value) => {
    const { loadKey, system } = setUp();
    system.isQuick = false;
    const first = loadKey('a');
    await settle();
    await system.calls[0]?.answer([value]);
    expect(await first).toBe(value);
    clock.advance(1_999);
    expect(await loadKey('a')).toBe(value);
    await settle();
    expect(system.calls).toHaveLength(1);
    clock.advance(1);
    // An empty text is a value, not a missing record.
    expect(await loadKey('a')).toBe(value);
    await settle();
    expect(system.calls).toHaveLength(value === null ? 2 : 1);
  });

  it('with missing parts is returned to waiting requests, but not cached', async () => {
    const { loadKey, system } = setUp({ loader: { isComplete: (value) => value !== 'a1' } });
    expect(await Promise.all([loadKey('a'), loadKey('a')])).toEqual(['a1', 'a1']);
    expect(await loadKey('a')).toBe('a2');
    expect(await loadKey('a')).toBe('a2');
    expect(system.calls).toHaveLength(2);
  });

  it('is never cached if its source has no maxAge', async () => {
    const { loadKey, system, cache } = setUp({ freshness: {} });
    expect([await loadKey('a'), await loadKey('a')]).toEqual(['a1', 'a2']);
    expect(system.calls).toHaveLength(2);
    expect(cache.usage().get('shop')).toBeUndefined();
  });
});

describe('the lifetime that a system states for its answer', () => {
  const speaking = (freshness: FreshnessOptions, systemMaxAgeMs: number[]) => {
    const all = setUp({ freshness });
    let calls = 0;
    const spoken = defineLoader<Client, string, string | null>({
      name: 'spoken',
      load: (keys) => {
        calls += 1;
        for (const ms of systemMaxAgeMs) scopes.at(-1)?.limitMaxAge(ms);
        return Promise.resolve(keys.map((key) => `${key}${calls}`));
      },
    });
    const scopes: CallScope[] = [];
    all.registry.add(
      {
        ...all.source('speaking', { freshness }),
        connection: {
          client: (scope) => {
            scopes.push(scope);
            return { scope, ping: () => Promise.resolve() };
          },
          close: () => Promise.resolve(),
        },
      },
      spoken,
    );
    return (wanted: Wanted = {}) => all.newRequest({ wanted }).load(spoken, 'a');
  };

  it.each<[string, FreshnessOptions, number[], cachedMs: number]>([
    ['is used if no maxAge is set', {}, [5_000], 5_000],
    ['is used if it is shorter than maxAge', { maxAge: '10 s' }, [5_000], 5_000],
    ['does not extend maxAge', { maxAge: '3 s' }, [5_000], 3_000],
    ['is the shortest lifetime of all calls', { maxAge: '10 s' }, [5_000, 2_000, 8_000], 2_000],
    ['does not enable a disabled cache', { maxAge: '0 s' }, [5_000], 0],
  ])('%s', async (_, freshness, systemMaxAgeMs, cachedMs) => {
    const loadKey = speaking(freshness, systemMaxAgeMs);
    expect(await loadKey()).toBe('a1');
    clock.advance(Math.max(0, cachedMs - 1));
    expect(await loadKey()).toBe(cachedMs > 0 ? 'a1' : 'a2');
    clock.advance(1);
    expect(await loadKey()).toBe(cachedMs > 0 ? 'a2' : 'a3');
  });
});

describe('when the system fails', () => {
  it('an answer that is not too old replaces the error, and is reported as stale', async () => {
    const { loadKey, system, request } = setUp();
    await loadKey('a');
    clock.advance(69_999);
    system.isQuick = false;
    const pageRequest = request();
    const answer = pageRequest.loadKey('a');
    await settle();
    await system.calls[1]?.fail();
    expect(await answer).toBe('a1');
    expect(pageRequest.report()).toMatchObject({ status: 'stale', age: 69, records: 1 });
  });

  it('an answer that is too old, for its policy or for the caller, does not replace the error', async () => {
    const { loadKey, system, request } = setUp();
    await loadKey('a');
    clock.advance(40_000);
    system.isQuick = false;
    const requested = [loadKey('a', { maxAgeMs: 40_000 }), loadKey('a', { maxAgeMs: 41_000 })];
    const both = Promise.allSettled(requested);
    await settle();
    for (const call of system.calls.slice(1)) await call.fail();
    expect(await both).toMatchObject([
      { status: 'rejected', reason: unavailable },
      { status: 'fulfilled', value: 'a1' },
    ]);
    clock.advance(30_000);
    const late = request();
    const answer = late.loadKey('a').catch((error: unknown) => error);
    await settle();
    await system.calls.at(-1)?.fail();
    expect(await answer).toBe(unavailable);
    expect(late.report()).toMatchObject({ status: 'failed', records: 0 });
  });

  it('a cached answer replaces an unreadable answer, but not a defect of the gateway', async () => {
    const { loadKey, system } = setUp();
    await loadKey('a');
    clock.advance(35_000);
    system.isQuick = false;
    for (const [error, expected] of [
      [new SourceContractError('shop', 'no order'), 'a1'],
      [new TypeError('ours'), new TypeError('ours')],
    ] as const) {
      const answer = loadKey('a').catch((reason: unknown) => reason);
      await settle();
      await system.calls.at(-1)?.fail(error);
      expect(await answer).toEqual(expected);
    }
  });

  it.each<FreshnessOptions>([POLICY, { maxAge: '0 s' }])(
    'all waiting requests receive the error, and nothing is cached (%j)',
    async (freshness) => {
      const { loadKey, system } = setUp({ freshness });
      system.isQuick = false;
      const both = Promise.allSettled([loadKey('a'), loadKey('a')]);
      await settle();
      await system.calls[0]?.fail();
      expect(await both).toMatchObject([{ reason: unavailable }, { reason: unavailable }]);
      system.isQuick = true;
      expect(await loadKey('a')).toBe('a2');
    },
  );

  it('returns a cached answer at the deadline, and caches the late answer for the next request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { loadKey, system, request } = setUp();
    await loadKey('a');
    clock.advance(40_000);
    system.isQuick = false;
    const withShortDeadline = request({ deadline: startDeadline(200, clock) });
    const answer = withShortDeadline.loadKey('a');
    await settle();
    vi.advanceTimersByTime(200);
    expect(await answer).toBe('a1');
    expect(withShortDeadline.report()).toMatchObject({ status: 'stale', age: 40 });
    await system.calls[1]?.answer();
    expect(await loadKey('a')).toBe('a2');
    expect(system.calls).toHaveLength(2);
  });
});

describe('keys that are requested at the same time', () => {
  it('need one call for a thousand requests', async () => {
    const { loadKey, system } = setUp();
    const all = await Promise.all(Array.from({ length: 1_000 }, () => loadKey('a')));
    expect(new Set(all)).toEqual(new Set(['a1']));
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a']]);
  });

  it('need one call even without caching, and even if a new answer is required', async () => {
    const { loadKey, system } = setUp({ freshness: {} });
    expect(
      await Promise.all([loadKey('a'), loadKey('a', { maxAgeMs: 0 }), loadKey('a', { maxAgeMs: 0 })]),
    ).toEqual(['a1', 'a1', 'a1']);
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a']]);
  });

  it('are loaded once in a batch, even for requests with different requirements', async () => {
    const { loadKey, system } = setUp();
    await Promise.all([
      loadKey('a'),
      loadKey('b'),
      loadKey('a', { maxAgeMs: 0 }),
      loadKey('b', { maxAgeMs: 5_000 }),
    ]);
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a', 'b']]);
  });

  it('join a call in progress, unless it began too long ago', async () => {
    const { loadKey, system } = setUp();
    system.isQuick = false;
    const first = loadKey('a');
    await settle();
    clock.advance(3_000);
    const [joins, loadsAlone] = [loadKey('a', { maxAgeMs: 4_000 }), loadKey('a', { maxAgeMs: 3_000 })];
    await settle();
    expect(system.calls).toHaveLength(2);
    await system.calls[0]?.answer();
    await system.calls[1]?.answer();
    expect(await Promise.all([first, joins, loadsAlone])).toEqual(['a1', 'a1', 'a2']);
  });

  it('wait for a slot until the latest deadline of the requests that joined', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { system, request } = setUp({ limits: { concurrency: 1 } });
    system.isQuick = false;
    const first = request().loadKey('a');
    await settle();
    const withLongDeadline = request().loadKey('b');
    const withShortDeadline = request({ deadline: startDeadline(200, clock) }).loadKey('b');
    const late = withShortDeadline.catch(() => 'late');
    await settle();
    clock.advance(200);
    vi.advanceTimersByTime(200);
    expect(await late).toBe('late');
    await system.calls[0]?.answer();
    await system.calls[1]?.answer();
    expect(await Promise.all([first, withLongDeadline])).toEqual(['a1', 'b2']);
  });

  it('report the limits of the gateway if they still wait for a slot at the deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { system, request } = setUp({ limits: { concurrency: 1 } });
    system.isQuick = false;
    const short = () => request({ deadline: startDeadline(200, clock) });
    const sent = short()
      .loadKey('a')
      .catch((error: unknown) => error);
    await settle();
    const waiting = short()
      .loadKey('b')
      .catch((error: unknown) => error);
    await settle();
    vi.advanceTimersByTime(200);
    expect(await sent).toBeInstanceOf(SourceTimeoutError);
    expect(await waiting).toBeInstanceOf(SourceRateLimitedError);
  });

  it('need one call for different customers within the batch window of the source', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { loadKey, system } = setUp({ windowMs: 2 });
    const a = loadKey('a');
    await settle();
    const b = loadKey('b');
    await settle();
    expect(system.calls).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(await Promise.all([a, b])).toEqual(['a1', 'b1']);
  });

  it('are loaded separately for a page view and an export', async () => {
    const { request, system } = setUp();
    await Promise.all([request().loadKey('a'), request({ priority: 'bulk' }).loadKey('b')]);
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
  });
});

describe('a cancelled request', () => {
  const giveUp = ({ scope }: { scope: RequestScope }) => {
    for (const pending of scope.pendingKeys) pending.leave();
    scope.pendingKeys.clear();
  };

  it('does not stop others from loading its keys before the call', async () => {
    const { loadKey, request, system } = setUp();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const deadline = startDeadline(50, clock);
    vi.advanceTimersByTime(50);
    vi.useRealTimers();
    await expect(request({ deadline }).loadKey('a')).rejects.toThrow(/deadline/);
    await settle();
    expect(system.calls).toEqual([]);
    expect(await loadKey('a')).toBe('a1');
  });

  it('transfers its key to another request that arrives before the call', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { request, system } = setUp({ windowMs: 2 });
    system.isQuick = false;
    const [cancelled, stays, joins] = [request(), request(), request()];
    void cancelled.loadKeys(['a', 'b']);
    await settle();
    giveUp(cancelled);
    const answer = stays.loadKey('a');
    await settle();
    vi.advanceTimersByTime(2);
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a']]);
    void joins.loadKey('a');
    await settle();
    expect(system.calls).toHaveLength(1);
    giveUp(joins);
    expect(system.calls[0]?.isCancelled).toBe(false);
    await system.calls[0]?.answer();
    expect(await answer).toBe('a1');
  });

  it('does not cancel keys that other requests share', async () => {
    const { loadKey, request, system } = setUp();
    system.isQuick = false;
    const cancelled = request();
    void cancelled.loadKey('a');
    const stays = loadKey('a');
    await settle();
    giveUp(cancelled);
    expect(system.calls[0]?.isCancelled).toBe(false);
    await system.calls[0]?.answer();
    expect(await stays).toBe('a1');
  });

  it('does not cancel other keys of its batch', async () => {
    const { request, system } = setUp();
    system.isQuick = false;
    const [cancelled, stays] = [request(), request()];
    void cancelled.loadKey('a');
    const answer = stays.loadKey('b');
    await settle();
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    giveUp(cancelled);
    expect(system.calls[0]?.isCancelled).toBe(false);
    await system.calls[0]?.answer();
    expect(await answer).toBe('b1');
  });

  it('cancels the call if no request waits for any of its keys', async () => {
    const { request, system } = setUp();
    system.isQuick = false;
    const [first, second] = [request(), request()];
    void first.loadKey('a');
    void second.loadKey('b');
    await settle();
    giveUp(first);
    giveUp(second);
    expect(system.calls.map(({ isCancelled }) => isCancelled)).toEqual([true]);
  });

  it('gets no errors, because nothing handles them, even if other keys have values', async () => {
    const { request, system } = setUp();
    system.isQuick = false;
    const cancelled = request();
    let isSettled = false;
    void cancelled.loadKeys(['a', 'b']).then(() => (isSettled = true));
    // Another request waits, so the call is not cancelled.
    const other = request().loadKeys(['a', 'b']);
    await settle();
    giveUp(cancelled);
    await system.calls[0]?.answer(['A', unavailable]);
    expect(await other).toEqual(['A', unavailable]);
    expect([isSettled, cancelled.report()]).toMatchObject([false, { status: 'skipped' }]);
  });

  it('does not prevent a later request from loading the key again', async () => {
    const { loadKey, request, system } = setUp();
    system.isQuick = false;
    const cancelled = request();
    void cancelled.loadKey('a');
    await settle();
    giveUp(cancelled);
    const next = loadKey('a');
    await settle();
    expect(system.calls).toHaveLength(2);
    await system.calls[1]?.answer();
    expect(await next).toBe('a2');
  });
});

describe('only-if-cached', () => {
  it('returns the cached answer, stale or not, and calls no system', async () => {
    const { loadKey, system, request } = setUp();
    const none = request({ wanted: { onlyIfCached: true } });
    await expect(none.loadKey('a')).rejects.toBeInstanceOf(NotCachedError);
    expect(none.report()).toMatchObject({ status: 'failed', records: 0, calls: 0 });
    await loadKey('a');
    clock.advance(15_000);
    const onlyIfCached = request({ wanted: { onlyIfCached: true } });
    expect(await onlyIfCached.loadKey('a')).toBe('a1');
    expect(onlyIfCached.report()).toMatchObject({ status: 'stale', age: 15, calls: 0 });
    clock.advance(15_000);
    await expect(loadKey('a', { onlyIfCached: true })).rejects.toBeInstanceOf(NotCachedError);
    expect(await loadKey('a', { onlyIfCached: true, maxStaleMs: 25_000 })).toBe('a1');
    await settle();
    expect(system.calls).toHaveLength(1);
  });
});

describe('forgetting', () => {
  const about = (key: string) => [{ namespace: 'email', value: key }];
  const jan = { namespace: 'email', value: 'jan' };

  it('drops only the cached answers of the subject', async () => {
    const { loadKey, registry } = setUp({ loader: { about } });
    await loadKey('jan');
    await loadKey('piet');
    await registry.forget([jan]);
    expect([await loadKey('jan'), await loadKey('piet')]).toEqual(['jan3', 'piet2']);
  });

  it('answers waiting requests, caches nothing, and makes later requests load again', async () => {
    const { loadKey, registry, system } = setUp({ loader: { about } });
    system.isQuick = false;
    const before = loadKey('jan');
    await settle();
    await registry.forget([jan]);
    const after = loadKey('jan');
    await settle();
    expect(system.calls).toHaveLength(2);
    await system.calls[1]?.answer(['new']);
    await system.calls[0]?.answer(['old']);
    expect([await before, await after, await loadKey('jan')]).toEqual(['old', 'new', 'new']);
  });

  it('caches answers about others that are being loaded', async () => {
    const { loadKey, registry, system } = setUp({ loader: { about } });
    system.isQuick = false;
    const before = loadKey('piet');
    await settle();
    await registry.forget([jan]);
    await system.calls[0]?.answer();
    expect([await before, await loadKey('piet')]).toEqual(['piet1', 'piet1']);
  });

  it('prevents later requests from joining an earlier call, because its subjects are not known yet', async () => {
    const { loadKey, registry, system } = setUp({ loader: { about } });
    system.isQuick = false;
    const before = loadKey('piet');
    await settle();
    await registry.forget([jan]);
    const after = loadKey('piet');
    await settle();
    for (const call of system.calls) await call.answer();
    expect([await before, await after]).toEqual(['piet1', 'piet2']);
  });

  it('does not affect a key whose call is not sent yet, because its answer will be new', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { loadKey, system, registry } = setUp({ windowMs: 50 });
    const before = loadKey('a');
    await settle();
    await registry.forget([jan]);
    const after = loadKey('a');
    await settle();
    await vi.advanceTimersByTimeAsync(50);
    await settle();
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a']]);
    expect(await Promise.all([before, after])).toEqual(['a1', 'a1']);
  });

  it('does not cache a refresh that was in progress', async () => {
    const { loadKey, registry, system } = setUp({ loader: { about } });
    await loadKey('jan');
    clock.advance(15_000);
    system.isQuick = false;
    await loadKey('jan');
    await settle();
    await registry.forget([jan]);
    await system.calls[1]?.answer();
    const after = loadKey('jan');
    await settle();
    await system.calls[2]?.answer();
    expect(await after).toBe('jan3');
  });

  it('never replaces an error with a forgotten answer', async () => {
    const { loadKey, registry, system } = setUp({ loader: { about } });
    await loadKey('jan');
    await registry.forget([jan]);
    system.isQuick = false;
    const after = loadKey('jan').catch((error: unknown) => error);
    await settle();
    await system.calls[1]?.fail();
    expect(await after).toBe(unavailable);
  });

  it('drops answers of unknown subjects together with any customer', async () => {
    const { loadKey, registry } = setUp();
    await loadKey('a');
    await registry.forget([jan]);
    expect(await loadKey('a')).toBe('a2');
  });

  it('retains answers about no person, unless their source or loader is forgotten', async () => {
    const { loadKey, registry } = setUp({ loader: { about: () => [] } });
    await loadKey('a');
    await registry.forget([jan, { source: 'crm' }, { source: 'shop', loader: 'digits' }]);
    expect(await loadKey('a')).toBe('a1');
    await registry.forget([{ source: 'shop', loader: 'letters' }]);
    expect(await loadKey('a')).toBe('a2');
    await registry.forget([{ source: 'shop' }]);
    expect(await loadKey('a')).toBe('a3');
  });

  it('drops an object by its type and key', async () => {
    const { loadKey, registry } = setUp({ loader: { about: (key) => [{ type: 'Product', key }] } });
    await loadKey('KAN-1');
    await registry.forget([
      { type: 'Product', key: 'KAN-2' },
      { type: 'Order', key: 'KAN-1' },
    ]);
    expect(await loadKey('KAN-1')).toBe('KAN-11');
    await registry.forget([{ type: 'Product', key: 'KAN-1' }]);
    expect(await loadKey('KAN-1')).toBe('KAN-12');
  });

  it('drops answers cached under another identifier of the customer, if answers linked the two', async () => {
    const pipeline = setUp();
    const { registry } = pipeline;
    const people = createSystem({ name: 'people' });
    const profiles = createSystem({
      name: 'profiles',
      about: (key) => [{ namespace: 'number', value: key }],
    });
    const crm = pipeline.source('crm', { freshness: POLICY });
    registry.add(crm, people.loader, (key) => [[jan, { namespace: 'number', value: key }]]);
    registry.add(crm, profiles.loader);
    await pipeline.newRequest().load(people.loader, '7');
    await pipeline.newRequest().load(profiles.loader, '7');
    await pipeline.newRequest().load(profiles.loader, '8');
    await registry.forget([jan]);
    await pipeline.newRequest().load(profiles.loader, '7');
    await pipeline.newRequest().load(profiles.loader, '8');
    expect(profiles.calls.map(({ keys }) => keys)).toEqual([['7'], ['8'], ['7']]);
  });

  it('drops all answers if the cache is cleared', async () => {
    const { loadKey, registry, system } = setUp();
    await loadKey('a');
    system.isQuick = false;
    const before = loadKey('b');
    await settle();
    registry.clear();
    await system.calls[1]?.answer();
    await before;
    system.isQuick = true;
    expect([await loadKey('a'), await loadKey('b')]).toEqual(['a3', 'b4']);
  });
});

describe('two instances with one shared cache', () => {
  /** Runs requests and the shared cache until all of them wait. */
  const goOn = async (shared: SharedCacheInMemory): Promise<void> => {
    for (let i = 0; i < 5; i += 1) {
      await settle();
      shared.happenings.all();
    }
  };
  const pair = (parts: SetUp = {}) => {
    const shared = sharedCacheInMemory();
    const system = createSystem(parts.loader);
    return {
      shared,
      system,
      instanceA: setUp({ ...parts, shared, system }),
      instanceB: setUp({ ...parts, shared, system }),
      advance: (milliseconds: number) => {
        clock.advance(milliseconds);
        vi.setSystemTime(Date.now() + milliseconds);
      },
    };
  };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });

  it('call a system once for both', async () => {
    const { shared, system, instanceA, instanceB, advance } = pair();
    const first = instanceA.loadKey('a');
    await goOn(shared);
    advance(4_000);
    const request = instanceB.request();
    const second = request.loadKey('a');
    await goOn(shared);
    expect([await first, await second]).toEqual(['a1', 'a1']);
    expect(request.report()).toMatchObject({ status: 'cached', age: 4, calls: 0 });
    expect(request.scope.provenance.freshness()).toEqual({ ageMs: 4_000, freshMs: 6_000 });
    expect(system.calls).toHaveLength(1);
  });

  it('replace the error of a system with an answer that the other has loaded', async () => {
    const { shared, system, instanceA, instanceB, advance } = pair();
    void instanceA.loadKey('a');
    await goOn(shared);
    advance(40_000);
    system.isQuick = false;
    const request = instanceB.request();
    const answer = request.loadKey('a');
    await goOn(shared);
    await system.calls[1]?.fail();
    expect(await answer).toBe('a1');
    expect(request.report()).toMatchObject({ status: 'stale', age: 40 });
  });

  it('do not return a shared answer to a request for a newer one', async () => {
    const { shared, instanceA, instanceB, advance } = pair();
    void instanceA.loadKey('a');
    await goOn(shared);
    advance(4_000);
    const both = Promise.all([instanceB.loadKey('a', { maxAgeMs: 4_000 }), instanceB.loadKey('b')]);
    await goOn(shared);
    expect(await both).toEqual(['a2', 'b2']);
  });

  it.each<[Wanted, Wanted]>([
    [{}, { maxAgeMs: 4_000 }],
    [{ maxAgeMs: 4_000 }, {}],
    [{ maxAgeMs: 4_000 }, { maxAgeMs: 60_000 }],
  ])('do not return a shared answer if a request needs a newer one: %j, %j', async (...wanted) => {
    const { shared, instanceA, instanceB, advance } = pair();
    void instanceA.loadKey('a');
    await goOn(shared);
    advance(4_000);
    const both = Promise.all(wanted.map((each) => instanceB.loadKey('a', each)));
    await goOn(shared);
    expect(await both).toEqual(['a2', 'a2']);
  });

  it('stop returning a shared answer that became too old while the rest of its batch was loaded', async () => {
    const { shared, system, instanceA, instanceB, advance } = pair({ freshness: { maxAge: '10 s' } });
    void instanceA.loadKey('a');
    await goOn(shared);
    advance(9_000);
    system.isQuick = false;
    const early = instanceB.loadKey('a');
    void instanceB.loadKey('b').catch(() => undefined);
    await goOn(shared);
    expect(await early).toBe('a1');
    expect(system.calls.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    advance(1_500);
    const late = instanceB.loadKey('a');
    await goOn(shared);
    await system.calls[2]?.answer();
    expect(await late).toBe('a3');
  });

  it('do not replace their answer with an older answer of the other', async () => {
    const { shared, system, instanceA, instanceB, advance } = pair();
    system.isQuick = false;
    const slow = instanceA.loadKey('a');
    await goOn(shared);
    advance(1_000);
    const newer = instanceB.loadKey('a');
    await goOn(shared);
    await system.calls[1]?.answer();
    await goOn(shared);
    await system.calls[0]?.answer();
    await goOn(shared);
    expect([await slow, await newer]).toEqual(['a1', 'a2']);
    const failing = instanceB.loadKey('a', { maxAgeMs: 0 }).catch((error: unknown) => error);
    await goOn(shared);
    await system.calls[2]?.fail();
    expect(await failing).toBe(unavailable);
    expect(await instanceB.loadKey('a')).toBe('a2');
  });

  it('learn from answers of the other which identifiers are one customer', async () => {
    const { shared, instanceA, instanceB } = pair();
    const people = createSystem({ name: 'people' });
    const profiles = createSystem({
      name: 'profiles',
      about: (key) => [{ namespace: 'number', value: key }],
    });
    const jan = { namespace: 'email', value: 'jan' };
    for (const instance of [instanceA, instanceB]) {
      const crm = instance.source('crm', { freshness: POLICY });
      instance.registry.add(crm, people.loader, (key) => [[jan, { namespace: 'number', value: key }]]);
      instance.registry.add(crm, profiles.loader);
    }
    void instanceA.newRequest().load(people.loader, '7');
    await goOn(shared);
    void instanceB.newRequest().load(people.loader, '7');
    await goOn(shared);
    void instanceB.newRequest().load(profiles.loader, '7');
    await goOn(shared);
    const forgotten = instanceB.registry.forget([jan]);
    await goOn(shared);
    await forgotten;
    void instanceB.newRequest().load(profiles.loader, '7');
    await goOn(shared);
    expect(people.calls).toHaveLength(1);
    expect(profiles.calls).toHaveLength(2);
  });

  it('forget together, and neither the shared cache nor a call in progress restores the answer', async () => {
    const { shared, system, instanceA, instanceB } = pair({
      loader: { about: (key) => [{ namespace: 'email', value: key }] },
    });
    void instanceA.loadKey('jan');
    await goOn(shared);
    void instanceB.loadKey('jan');
    await goOn(shared);
    system.isQuick = false;
    const before = instanceB.loadKey('jan', { maxAgeMs: 0 });
    await goOn(shared);
    const forgotten = instanceA.registry.forget([{ namespace: 'email', value: 'jan' }]);
    await goOn(shared);
    await forgotten;
    await system.calls[1]?.answer(['old']);
    expect(await before).toBe('old');
    await goOn(shared);
    expect(shared.size).toBe(0);
    system.isQuick = true;
    const after = [instanceA.loadKey('jan'), instanceB.loadKey('jan')];
    await goOn(shared);
    expect(await Promise.all(after)).toEqual(['jan3', 'jan4']);
  });

  it('share no answer from before an invalidation, even while one instance has not received it', async () => {
    const { shared, system, instanceA, instanceB } = pair();
    system.isQuick = false;
    const before = instanceB.loadKey('a');
    await goOn(shared);
    const forgotten = instanceA.registry.forget([{ source: 'shop' }]);
    // The answer is dropped in Redis, and the message to the other instance is pending.
    shared.happenings.next(0);
    await system.calls[0]?.answer(['old']);
    expect(await before).toBe('old');
    await goOn(shared);
    await forgotten;
    expect(shared.size).toBe(0);
    system.isQuick = true;
    const after = instanceB.loadKey('a');
    await goOn(shared);
    expect(await after).toBe('a2');
  });

  it('report an error if the other could not be notified', async () => {
    const { shared, instanceA } = pair();
    void instanceA.loadKey('a');
    await goOn(shared);
    shared.cutOff(true);
    await expect(instanceA.registry.forget([{ source: 'shop' }])).rejects.toThrow(/has not forgotten/);
    expect(await instanceA.loadKey('a')).toBe('a2');
  });
});
