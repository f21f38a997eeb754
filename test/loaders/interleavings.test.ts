import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { freshness, type FreshnessOptions, type Wanted } from '../../src/cache/freshness.js';
import type { Forgettable } from '../../src/cache/invalidation.js';
import type { Client } from '../../src/connectors/connector.js';
import { NotCachedError, SourceUnavailableError } from '../../src/errors.js';
import { defineLoader, type Loader } from '../../src/loaders/loader.js';
import type { Priority } from '../../src/priority.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading } from '../support/loading.js';
import { runCount } from '../support/thorough.js';
import { sharedCacheInMemory } from './shared-cache-in-memory.js';

/** An answer of the system in this test, with the number of the event at which the system was called. */
interface Answer {
  loader: string;
  key: string;
  /** The number of the event of the call. */
  event: number;
  fetchedAt: number;
}

const POLICIES: Record<string, FreshnessOptions> = {
  ofCustomers: { maxAge: '10 s', staleWhileRevalidate: '10 s', staleIfError: '60 s' },
  ofAnybody: { maxAge: '20 s', staleIfError: '30 s' },
  ofNobody: { staleWhileRevalidate: '5 s' },
  cached: {},
};
const LOADERS = Object.keys(POLICIES);

/** Whether the invalidation must drop this answer. */
function isAbout({ loader, key }: Answer, what: Forgettable): boolean {
  if ('source' in what) return what.loader === undefined || what.loader === loader;
  if (!('namespace' in what)) return false;
  return loader === 'ofAnybody' || (loader === 'ofCustomers' && what.value === key);
}

const keys = ['jan', 'piet'];
const instances = fc.nat(1);
const wanted = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Wanted>({}) },
  fc.constantFrom<Wanted>(
    { maxAgeMs: 0 },
    { maxAgeMs: 7_000 },
    { maxStaleMs: 25_000 },
    { maxStaleMs: Infinity },
    { onlyIfCached: true },
  ),
);
const what = fc.oneof(
  fc.constantFrom(...keys).map((value): Forgettable => ({ namespace: 'email', value })),
  fc.constantFrom<Forgettable>({ source: 'shop' }, { source: 'shop', loader: 'ofNobody' }),
);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('load' as const),
      instance: instances,
      // Most answers and invalidations are about customers.
      loader: fc.constantFrom(...LOADERS, 'ofCustomers', 'ofCustomers'),
      keys: fc.subarray(keys, { minLength: 1 }),
      wanted,
      priority: fc.constantFrom<Priority>('interactive', 'interactive', 'bulk'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), which: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 3_000, 6_000, 25_000) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('happen' as const), which: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('calm' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), instance: instances, what }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), isCut: fc.boolean() }) },
);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Waits until all work that needs no answer has run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 2; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Forgetting {
  what: Forgettable;
  /** The number of the event of the call. */
  calledAt: number;
  tags: readonly string[];
  /** Whether `forget` was resolved, so that every instance was notified. */
  isEverywhere: boolean;
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Runs the steps with two instances and a system, and checks every answer. Counts the observed statuses. */
async function runSteps(steps: readonly Step[], seen: Record<string, number>): Promise<void> {
  const clock = fakeClock();
  const shared = sharedCacheInMemory();
  const forgettings: Forgetting[] = [];
  let events = 0;
  /** The calls in progress. */
  const calls: { settle: (fails: boolean) => void }[] = [];
  /** The number of the event at which the last call failed. */
  let failedAt = -1;
  const settledAt = new Map<number, number>();

  const declare = (name: string): Loader<Client, string, Answer> =>
    defineLoader<Client, string, Answer>({
      name,
      freshness: POLICIES[name] ?? {},
      ...(name === 'ofCustomers' ? { about: (key: string) => [{ namespace: 'email', value: key }] } : {}),
      ...(name === 'ofNobody' ? { about: () => [] } : {}),
      load: (all) => {
        const event = (events += 1);
        const fetchedAt = clock.now();
        return new Promise((resolve, reject) => {
          calls.push({
            settle: (fails) => {
              settledAt.set(event, (events += 1));
              if (fails) {
                failedAt = events;
                reject(new SourceUnavailableError('shop', 'shop cannot be reached.'));
              } else resolve(all.map((key) => ({ loader: name, key, event, fetchedAt })));
            },
          });
        });
      },
    });

  const all = [0, 1].map(() => {
    /** The invalidations, with the event after which no older answer may be returned. */
    const forgotten: (Forgetting & { since: number })[] = [];
    const instance = shared.instance({
      onForget: (tags) => {
        loading.registry.forgetTags(tags);
        const heard = forgettings.filter((forgetting) => forgetting.tags === tags);
        for (const forgetting of heard) forgotten.push({ ...forgetting, since: (events += 1) });
      },
      onGap: () => {
        loading.registry.clear();
        const missed = forgettings.filter(({ isEverywhere }) => isEverywhere);
        for (const forgetting of missed) forgotten.push({ ...forgetting, since: (events += 1) });
      },
    });
    const loading: Loading = createLoading({
      clock,
      shared: {
        ...instance,
        forget: (tags) => {
          const last = forgettings.at(-1);
          if (last !== undefined) last.tags = tags;
          return instance.forget(tags);
        },
      },
    });
    const loaders = new Map(LOADERS.map((name) => [name, declare(name)]));
    for (const loader of loaders.values())
      loading.registry.add(loading.source('shop', { limits: { timeout: '60 s' } }), loader);
    return { loading, loaders, forgotten };
  });

  const gone: (() => void)[] = [];
  const checks: Promise<void>[] = [];
  const violations: string[] = [];

  const load = (step: {
    instance: number;
    loader: string;
    keys: string[];
    wanted: Wanted;
    priority: Priority;
  }) => {
    const instance = all[step.instance];
    const loader = instance?.loaders.get(step.loader);
    if (instance === undefined || loader === undefined) throw new Error('The instance does not exist.');
    const policy = freshness(POLICIES[step.loader]);
    const begunAt = (events += 1);
    const begunMs = clock.now();
    for (const key of step.keys) {
      // Each key has a separate request, so that each answer is reported.
      const { load: loadKey, scope } = instance.loading.newRequest({
        wanted: step.wanted,
        priority: step.priority,
      });
      gone.push(() => {
        for (const pending of scope.pendingKeys) pending.leave();
        scope.pendingKeys.clear();
      });
      const check = (answer: Answer): void => {
        const status = scope.provenance.report(['shop']).shop?.status ?? '';
        seen[status] = (seen[status] ?? 0) + 1;
        const ageMs = clock.now() - answer.fetchedAt;
        const wasInProgress = (settledAt.get(answer.event) ?? Infinity) > begunAt;
        const maxAgeMs = step.wanted.maxAgeMs ?? Infinity;
        const demand = (holds: boolean, promise: string) => {
          if (!holds)
            violations.push(`${promise}: ${JSON.stringify({ ...step, status, ageMs, answer, begunAt })}`);
        };
        demand(answer.key === key && answer.loader === step.loader, 'An answer belongs to its key.');
        if (status === 'live') {
          demand(wasInProgress, 'A live answer is of a call in progress.');
          demand(
            answer.fetchedAt >= begunMs || begunMs - answer.fetchedAt < maxAgeMs,
            'A live answer is as recent as requested.',
          );
        } else if (status === 'cached') {
          demand(ageMs < Math.min(policy.maxAgeMs, maxAgeMs), 'A cached answer is fresh.');
        } else {
          demand(status === 'stale', 'Another answer is stale.');
          demand(ageMs < maxAgeMs, 'A stale answer is as recent as requested.');
          const staleMs = ageMs - policy.maxAgeMs;
          const isAllowed = staleMs < Math.max(policy.staleWhileRevalidateMs, step.wanted.maxStaleMs ?? 0);
          const replacesError = staleMs < policy.staleIfErrorMs && failedAt > begunAt;
          demand(isAllowed || replacesError, 'A stale answer is within its policy.');
        }
        for (const { what, calledAt, since } of instance.forgotten)
          if (isAbout(answer, what) && begunAt > since)
            demand(answer.event > calledAt, 'A forgotten answer is not returned.');
      };
      checks.push(
        loadKey(loader, key).then(check, (error: unknown) => {
          seen.failed = (seen.failed ?? 0) + 1;
          if (error instanceof NotCachedError && step.wanted.onlyIfCached === true) return;
          if (!(error instanceof SourceUnavailableError)) violations.push(String(error));
        }),
      );
    }
  };

  const forget = (at: number, what: Forgettable): void => {
    const instance = all[at];
    if (instance === undefined) throw new Error('The instance does not exist.');
    const forgetting: Forgetting = { what, calledAt: (events += 1), tags: [], isEverywhere: false };
    forgettings.push(forgetting);
    const forgotten = (isEverywhere: boolean) => () => {
      forgetting.isEverywhere = isEverywhere;
      instance.forgotten.push({ ...forgetting, since: (events += 1) });
      const how = isEverywhere ? 'forgotten' : 'forgotten locally';
      seen[how] = (seen[how] ?? 0) + 1;
    };
    checks.push(instance.loading.registry.forget([what]).then(forgotten(true), forgotten(false)));
  };

  /** Ends all calls and messages in progress, and those that they cause. */
  const settleAll = async (rounds: number): Promise<void> => {
    for (let i = 0; i < rounds; i += 1) {
      shared.happenings.all();
      await settle();
      for (const call of calls.splice(0)) call.settle(false);
      await settle();
    }
  };

  try {
    for (const step of steps) {
      switch (step.do) {
        case 'load':
          load(step);
          break;
        case 'answer':
        case 'fail': {
          const [call] = calls.splice(step.which % Math.max(1, calls.length), 1);
          call?.settle(step.do === 'fail');
          break;
        }
        case 'pass':
          clock.advance(step.ms);
          vi.setSystemTime(Date.now() + step.ms);
          break;
        case 'happen':
          shared.happenings.next(step.which);
          break;
        case 'calm':
          await settleAll(2);
          break;
        case 'forget':
          forget(step.instance, step.what);
          break;
        case 'leave':
          gone.splice(step.which % Math.max(1, gone.length), 1)[0]?.();
          break;
        case 'cut':
          shared.cutOff(step.isCut);
      }
      await settle();
    }
    await settleAll(8);
    expect(violations).toEqual([]);
    // Every request is answered, except cancelled ones.
    expect(calls).toEqual([]);
  } finally {
    for (const { loading } of all) loading.close();
  }
}

it(
  'never returns an answer that is too old, forgotten or of another key, in any order of events',
  { timeout: 60_000 },
  async () => {
    const seen: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 70, size: 'max' }), (steps) => runSteps(steps, seen)),
      { numRuns: runCount(1_000) },
    );
    // The test is useful only if every status occurs.
    for (const status of ['live', 'cached', 'stale', 'failed', 'forgotten', 'forgotten locally'])
      expect(seen[status] ?? 0, status).toBeGreaterThan(runCount(100));
  },
);
