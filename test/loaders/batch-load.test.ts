import { describe, expect, it, vi } from 'vitest';
import { createCache } from '../../src/cache/cache.js';
import { freshness, type FreshnessOptions } from '../../src/cache/freshness.js';
import { createTags } from '../../src/cache/invalidation.js';
import { createKeys } from '../../src/cache/keys.js';
import { createRecentlyForgotten } from '../../src/cache/recently-forgotten.js';
import type { SharedCache, SharedRead } from '../../src/cache/shared-cache.js';
import type { CallScope } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { BatchLoad } from '../../src/loaders/batch-load.js';
import { CachedAnswers } from '../../src/loaders/cached-answers.js';
import { InFlightBatch } from '../../src/loaders/in-flight-batch.js';
import type { PipelineDependencies, PipelineOptions } from '../../src/loaders/pipeline-options.js';
import type { Priority } from '../../src/priority.js';
import type { ProtectedScope, Protection, Work } from '../../src/resilience/protection.js';
import type { Trace } from '../../src/telemetry/tracing.js';
import { fakeClock } from '../support/clock.js';
import { RecordingProvider } from '../support/spans.js';

interface SetUp {
  load: PipelineOptions['load'];
  policy?: FreshnessOptions;
  /** The result of a read in the shared cache. Without it, there is no shared cache. */
  read?: SharedRead;
}

function setUp({ load, policy = { maxAge: '10 s' }, read }: SetUp) {
  const clock = fakeClock();
  const cache = createCache({ maxBytes: 100_000, clock });
  cache.close();
  const recentlyForgotten = createRecentlyForgotten();
  const shared = { read: vi.fn(() => Promise.resolve(read)), write: vi.fn<SharedCache['write']>() };
  const dependencies: PipelineDependencies = {
    cache,
    clock,
    recentlyForgotten,
    tags: createTags(createKeys('a secret of the test'), clock),
    shared: read === undefined ? undefined : (shared as unknown as SharedCache),
    observer: undefined,
    refreshMs: 1_000,
  };
  const options: PipelineOptions = {
    source: 'shop',
    loader: 'orders',
    freshness: freshness(policy),
    maxBatch: Infinity,
    batchOf: undefined,
    isIdentity: false,
    holdsConsent: false,
    windowMs: 0,
    digest: (text) => `digest of ${text}`,
    load,
    about: () => [],
    isComplete: () => true,
    onAnswer: () => undefined,
  };
  const works: Work[] = [];
  const slowDown = vi.fn<ProtectedScope['slowDown']>();
  const protection: Protection = {
    scope: (work) => {
      works.push(work);
      const signal = new AbortController().signal;
      return {
        run: (call) => call(signal),
        slowDown,
        isWaiting: false,
        retryAfter: () => 1,
        retries: 3,
      };
    },
    breaker: 'closed',
    bounds: { bulkShare: 1, rate: undefined, quota: undefined },
    waiting: 0,
  };
  const batches = new BatchLoad(
    options,
    dependencies,
    protection,
    new CachedAnswers(options, dependencies, () => undefined),
  );
  const tracer = new RecordingProvider();
  const trace: Trace = { tracer, span: tracer.startSpan('request'), incoming: {} };
  return {
    clock,
    recentlyForgotten,
    shared,
    slowDown,
    works,
    tracer,
    cached: (key: string) => cache.get('shop', `digest of ${key}`)?.value,
    batchOf: (keys: readonly string[], priority: Priority = 'interactive') => {
      const batch = new InFlightBatch({ priority, trace }, new Map());
      for (const key of keys) batch.join(batch.add(key, key), {}, 5_000);
      return batch;
    },
    load: (batch: InFlightBatch) => batches.load(batch),
  };
}

const upperCase = (keys: readonly unknown[]) => Promise.resolve(keys.map((key) => String(key).toUpperCase()));
const unavailable = new SourceUnavailableError('shop', 'shop cannot be reached.');
const answersOf = (batch: InFlightBatch) => batch.keys.map((_, slot) => batch.answerOf(slot));

describe('the calls for a batch', () => {
  it('are protected with the priority of the batch, and until the latest deadline of its requests', async () => {
    const { batchOf, load, works } = setUp({ load: upperCase });
    const batch = batchOf(['a'], 'bulk');
    await load(batch);
    expect(works).toMatchObject([{ priority: 'bulk' }]);
    const deadlineAt = works[0]?.deadlineAt as () => number;
    expect(deadlineAt()).toBe(5_000);
    batch.join(0, {}, 9_000);
    batch.join(0, {}, 7_000);
    expect(deadlineAt()).toBe(9_000);
  });

  it('are counted, have the trace headers of their span, and pass on rate-limit info', async () => {
    const scopes: CallScope[] = [];
    const { batchOf, load, slowDown } = setUp({
      load: async (keys, scope) => {
        scopes.push(scope);
        scope.slowDown({ remaining: 1 });
        await scope.run(() => Promise.resolve());
        return scope.run(() => upperCase(keys));
      },
    });
    const batch = batchOf(['a', 'b']);
    await load(batch);
    expect(answersOf(batch)).toEqual(['A', 'B']);
    expect(batch.calls?.calls).toBe(2);
    expect(scopes[0]?.headers['traceparent']).toBe(`00-${'f'.repeat(32)}-${'2'.padStart(16, '0')}-01`);
    expect(slowDown.mock.calls).toEqual([[{ remaining: 1 }]]);
  });

  it.each<[string, PipelineOptions['load'], outcome: string]>([
    ['all keys have a value', upperCase, 'ok'],
    ['the call fails', () => Promise.reject(unavailable), 'SOURCE_UNAVAILABLE'],
    ['one key has an error', () => Promise.resolve(['A', unavailable]), 'SOURCE_UNAVAILABLE'],
    ['the call is cancelled', () => Promise.reject(new Error('No client waits.')), 'CANCELLED'],
    ['each key has a promise', () => Promise.resolve([Promise.resolve('A'), Promise.resolve('B')]), 'ok'],
    [
      'the promise of one key rejects',
      () => Promise.resolve([Promise.resolve('A'), Promise.reject(unavailable)]),
      'SOURCE_UNAVAILABLE',
    ],
  ])('have a span with their outcome and their retries: %s', async (_, loadKeys, outcome) => {
    const { batchOf, load, tracer } = setUp({ load: loadKeys });
    await load(batchOf(['a', 'b']));
    expect(tracer.spans.slice(1)).toMatchObject([
      {
        name: 'source shop',
        ends: 1,
        attributes: {
          'stekkerdoos.loader': 'orders',
          'stekkerdoos.batch_size': 2,
          'stekkerdoos.outcome': outcome,
          'stekkerdoos.retries': 3,
        },
      },
    ]);
  });

  it.each<[string, PipelineOptions['load']]>([
    ['succeed', upperCase],
    ['fail', () => Promise.reject(unavailable)],
    ['return too few values', () => Promise.resolve(['A'])],
    ['return too many values', () => Promise.resolve(['A', 'B', 'C'])],
    [
      'throw at once',
      () => {
        throw unavailable;
      },
    ],
  ])(
    'end their period of recent invalidations, and leave no key in flight, if they %s',
    async (_, loadKeys) => {
      const { batchOf, load, recentlyForgotten } = setUp({ load: loadKeys });
      const end = vi.spyOn(recentlyForgotten, 'end');
      const begin = vi.spyOn(recentlyForgotten, 'begin');
      const batch = batchOf(['a', 'b']);
      await load(batch);
      expect(end.mock.calls).toEqual([[begin.mock.results[0]?.value]]);
      expect(
        answersOf(batch).every((answer) => answer === 'A' || answer === 'B' || answer instanceof Error),
      ).toBe(true);
    },
  );

  it('treat too many values as a defect of the loader', async () => {
    const { batchOf, load } = setUp({ load: () => Promise.resolve(['A', 'B', 'C']) });
    const batch = batchOf(['a', 'b']);
    await load(batch);
    for (const answer of answersOf(batch)) expect(String(answer)).toContain('one value for each key');
  });
});

describe('a batch and the cache that instances share', () => {
  const entry = (value: unknown, tags: readonly string[] = []) => ({
    value,
    fetchedAt: Date.now(),
    maxAgeMs: 10_000,
    tags,
  });

  it.each<[string, FreshnessOptions, isRead: boolean]>([
    ['caches answers', { maxAge: '10 s' }, true],
    ['sets no maxAge, so that the lifetime of the system is used', {}, true],
    ['uses answers only if the system fails', { maxAge: '0 s', staleIfError: '10 s' }, true],
    ['caches nothing', { maxAge: '0 s' }, false],
  ])('reads it before the call if its policy %s', async (_, policy, isRead) => {
    const { batchOf, load, shared } = setUp({
      load: upperCase,
      policy,
      read: { entries: [undefined, entry('shared b')], since: 7 },
    });
    const batch = batchOf(['a', 'b']);
    await load(batch);
    expect(shared.read.mock.calls).toEqual(isRead ? [[['digest of a', 'digest of b']]] : []);
    expect(answersOf(batch)).toEqual(['A', isRead ? 'shared b' : 'B']);
  });

  it.each([
    ['forgotten', 'B'],
    ['other', 'shared b'],
  ])('does not use an answer that was forgotten while it was read: %s', async (tag, expected) => {
    const { batchOf, load, shared, recentlyForgotten, cached } = setUp({
      load: upperCase,
      read: { entries: [undefined, undefined], since: 7 },
    });
    shared.read.mockImplementation(() => {
      recentlyForgotten.add([tag]);
      return Promise.resolve({ entries: [undefined, entry('shared b', ['forgotten'])], since: 7 });
    });
    const batch = batchOf(['a', 'b']);
    await load(batch);
    expect(answersOf(batch)).toEqual(['A', expected]);
    expect(cached('b')).toBe(expected);
  });

  it('uses an answer of another instance whose clock is ahead as if it were fetched now', async () => {
    const { batchOf, load, clock } = setUp({
      load: upperCase,
      read: { entries: [{ ...entry('shared a'), fetchedAt: Date.now() + 60_000 }], since: 7 },
    });
    const batch = batchOf(['a']);
    await load(batch);
    expect(batch.sharedFetchedAt(0)).toBe(clock.now());
  });

  it.each([
    [7, 1],
    [undefined, 0],
  ])('writes answers of the system only if its read has a number: %s', async (since, writes) => {
    const { batchOf, load, shared } = setUp({ load: upperCase, read: { entries: [undefined], since } });
    const before = Date.now();
    await load(batchOf(['a']));
    expect(shared.write).toHaveBeenCalledTimes(writes);
    if (since === undefined) return;
    const written = shared.write.mock.calls[0]?.[0];
    expect(written).toMatchObject({
      key: 'digest of a',
      entry: { value: 'A', maxAgeMs: 10_000 },
      retentionMs: 10_000,
      since: 7,
    });
    expect(written?.entry.fetchedAt).toBeGreaterThanOrEqual(before);
  });
});
