import { describe, expect, it } from 'vitest';
import {
  freshness,
  isNothing,
  decideFreshness,
  retentionMs,
  maxAgeOf,
  canReplaceError,
  DEFAULT_FRESHNESS,
  DEFAULT_IDENTITY_FRESHNESS,
  wantedOfUnknownCustomer,
  type FreshnessOptions,
  type Wanted,
} from '../../src/cache/freshness.js';

const NOTHING = { maxAgeMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, notFoundMaxAgeMs: 0 };

describe('the freshness of answers', () => {
  it('is declared by the loader, or else by its source; without both, nothing is cached', () => {
    const source = { maxAge: '1 day', staleIfError: '2 days' } as const;
    expect(freshness({ maxAge: '1 minute' }, source)).toMatchObject({
      maxAgeMs: 60_000,
      staleIfErrorMs: 172_800_000,
    });
    expect(freshness(undefined, source)).toMatchObject({ maxAgeMs: 86_400_000 });
    expect(freshness({}, undefined)).toEqual({ ...NOTHING, hasMaxAge: false });
    expect(freshness({ maxAge: '0 s' }, source)).toMatchObject({ maxAgeMs: 0, hasMaxAge: true });
  });

  it('is 10 seconds for data and a minute for identities by default', () => {
    expect(freshness(DEFAULT_FRESHNESS)).toEqual({
      maxAgeMs: 10_000,
      staleWhileRevalidateMs: 20_000,
      staleIfErrorMs: 3_600_000,
      notFoundMaxAgeMs: 10_000,
      hasMaxAge: true,
    });
    // A stale identity could show a customer the data of another one.
    expect(freshness(DEFAULT_IDENTITY_FRESHNESS)).toEqual({
      maxAgeMs: 60_000,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      notFoundMaxAgeMs: 10_000,
      hasMaxAge: true,
    });
  });

  it('is at most 10 seconds for "nothing found", unless it is declared', () => {
    expect(freshness({ maxAge: '1 day' }).notFoundMaxAgeMs).toBe(10_000);
    expect(freshness({ maxAge: '2 s' }).notFoundMaxAgeMs).toBe(2_000);
    expect(freshness({}).notFoundMaxAgeMs).toBe(0);
    expect(freshness({ maxAge: '1 day' }, { notFoundMaxAge: '1 hour' }).notFoundMaxAgeMs).toBe(3_600_000);
    expect(freshness({ notFoundMaxAge: '0 s' }, { notFoundMaxAge: '1 hour' }).notFoundMaxAgeMs).toBe(0);
  });

  it.each<[what: string, own: FreshnessOptions, ofSource: FreshnessOptions, [swr: number, sie: number]]>([
    ['nothing', {}, {}, [0, 0]],
    ['the source alone', {}, { staleWhileRevalidate: '3 s', staleIfError: '4 s' }, [3_000, 4_000]],
    ['both', { staleIfError: '5 s' }, { staleWhileRevalidate: '3 s', staleIfError: '4 s' }, [3_000, 5_000]],
    [
      'a loader with a longer maxAge',
      { maxAge: '1 s' },
      { staleWhileRevalidate: '3 s', staleIfError: '4 s' },
      [3_000, 4_000],
    ],
    [
      'a loader with maxAge 0, which does not inherit staleWhileRevalidate',
      { maxAge: '0 s' },
      { staleWhileRevalidate: '3 s', staleIfError: '4 s' },
      [0, 4_000],
    ],
    [
      'a loader with maxAge 0 and its own staleWhileRevalidate and staleIfError',
      { maxAge: '0 s', staleWhileRevalidate: '2 s', staleIfError: '1 s' },
      { staleWhileRevalidate: '3 s', staleIfError: '4 s' },
      [2_000, 1_000],
    ],
    ['a loader with maxAge 0, of a source without a policy', { maxAge: '0 s' }, {}, [0, 0]],
  ])('after maxAge is declared by %s', (_, options, ofSource, [swr, sie]) => {
    expect(freshness(options, ofSource)).toMatchObject({ staleWhileRevalidateMs: swr, staleIfErrorMs: sie });
  });

  it('of a loader without maxAge is zero for "nothing found" too, unless it is declared', () => {
    const source = { maxAge: '1 day', notFoundMaxAge: '1 hour' } as const;
    expect(freshness({ maxAge: '0 s' }, source).notFoundMaxAgeMs).toBe(0);
    expect(freshness({ maxAge: '0 s', notFoundMaxAge: '2 s' }, source).notFoundMaxAgeMs).toBe(2_000);
  });

  it.each<
    [what: string, FreshnessOptions, systemMaxAgeMs: number | undefined, value: unknown, maxAgeMs: number]
  >([
    ['nobody says anything', {}, undefined, 'a', 0],
    ['the policy alone', { maxAge: '5 s' }, undefined, 'a', 5_000],
    ['the policy, for nothing found', { maxAge: '1 minute' }, undefined, null, 10_000],
    ['the system alone', {}, 7_000, 'a', 7_000],
    ['only the system, for nothing found', {}, 7_000, [], 7_000],
    ['the system states less than the policy', { maxAge: '5 s' }, 3_000, 'a', 3_000],
    ['the system states more than the policy', { maxAge: '5 s' }, 7_000, 'a', 5_000],
    [
      'the system states more than the policy, for nothing found',
      { maxAge: '1 minute' },
      60_000,
      undefined,
      10_000,
    ],
    ['the policy has maxAge 0', { maxAge: '0 s' }, 7_000, 'a', 0],
  ])('depends on where it is set: %s', (_, options, systemMaxAgeMs, value, maxAgeMs) => {
    expect(maxAgeOf(value, systemMaxAgeMs, freshness(options))).toBe(maxAgeMs);
  });

  it.each([
    [null, true],
    [undefined, true],
    [[], true],
    [[null], false],
    ['', false],
    [0, false],
    [false, false],
    [{}, false],
    [{ length: 0 }, false],
  ])('treats %j as nothing found: %s', (value, is) => {
    expect(isNothing(value)).toBe(is);
  });

  it('has a retention as long as an answer can be used', () => {
    const policy = freshness({ staleWhileRevalidate: '10 s', staleIfError: '1 minute' });
    expect(retentionMs(5_000, policy)).toBe(65_000);
    expect(retentionMs(5_000, freshness({ staleWhileRevalidate: '2 minutes', staleIfError: '1 s' }))).toBe(
      125_000,
    );
  });
});

/** Fresh for 10 s. Then stale: usable for 20 s more, or for 60 s more if the system fails. */
const policy = freshness({ maxAge: '10 s', staleWhileRevalidate: '20 s', staleIfError: '60 s' });
const aged = (seconds: number) => ({ ageMs: seconds * 1_000, maxAgeMs: 10_000 });

describe('a cached answer', () => {
  it.each<
    [what: string, wanted: Wanted, rows: [age: number, decision: ReturnType<typeof decideFreshness>][]]
  >([
    [
      'nothing said',
      {},
      [
        [0, 'fresh'],
        [9.999, 'fresh'],
        [10, 'stale'],
        [29.999, 'stale'],
        [30, 'load'],
      ],
    ],
    [
      'no-cache',
      { maxAgeMs: 0 },
      [
        [0, 'load'],
        [15, 'load'],
      ],
    ],
    [
      'max-age=5',
      { maxAgeMs: 5_000 },
      [
        [0, 'fresh'],
        [4.999, 'fresh'],
        [5, 'load'],
        [15, 'load'],
      ],
    ],
    [
      'max-age=15: no longer fresh, and still given by the policy',
      { maxAgeMs: 15_000 },
      [
        [9, 'fresh'],
        [14, 'stale'],
        [15, 'load'],
      ],
    ],
    [
      'max-stale=5: less than the policy gives anyway',
      { maxStaleMs: 5_000 },
      [
        [20, 'stale'],
        [30, 'load'],
      ],
    ],
    [
      'max-stale=40',
      { maxStaleMs: 40_000 },
      [
        [9, 'fresh'],
        [49.999, 'stale'],
        [50, 'load'],
      ],
    ],
    ['max-stale', { maxStaleMs: Infinity }, [[100_000, 'stale']]],
    [
      'nothing stale',
      { isFreshOnly: true, maxStaleMs: Infinity },
      [
        [9.999, 'fresh'],
        [10, 'load'],
      ],
    ],
    ['what may be stale', { isFreshOnly: false }, [[10, 'stale']]],
    [
      'max-age=20, max-stale: the age counts',
      { maxAgeMs: 20_000, maxStaleMs: Infinity },
      [
        [19, 'stale'],
        [20, 'load'],
      ],
    ],
  ])('is fresh, stale or expired by its age and the directives of the caller (%s)', (_, wanted, rows) => {
    for (const [age, decision] of rows)
      expect([age, decideFreshness(aged(age), policy, wanted)]).toEqual([age, decision]);
  });

  it.each<[what: string, wanted: Wanted, rows: [age: number, may: boolean][]]>([
    [
      'nothing said',
      {},
      [
        [0, true],
        [30, true],
        [69.999, true],
        [70, false],
      ],
    ],
    ['no-cache', { maxAgeMs: 0 }, [[0, false]]],
    ['nothing stale', { isFreshOnly: true }, [[0, false]]],
    ['what may be stale', { isFreshOnly: false }, [[0, true]]],
    [
      'max-age=40',
      { maxAgeMs: 40_000 },
      [
        [39, true],
        [40, false],
      ],
    ],
  ])('may replace the answer of a system that failed (%s)', (_, wanted, rows) => {
    for (const [age, may] of rows)
      expect([age, canReplaceError(aged(age), policy, wanted)]).toEqual([age, may]);
  });

  it('is never returned if its source allows no caching', () => {
    const none = freshness();
    expect(decideFreshness({ ageMs: 0, maxAgeMs: 0 }, none, {})).toBe('load');
    expect(canReplaceError({ ageMs: 0, maxAgeMs: 0 }, none, {})).toBe(false);
  });
});

it('the answer "not found" of a system with consent is used for 10 s, and never when stale', () => {
  expect(wantedOfUnknownCustomer({})).toEqual({ maxAgeMs: 10_000, isFreshOnly: true });
  expect(
    wantedOfUnknownCustomer({ maxAgeMs: 60_000, maxStaleMs: 5, onlyIfCached: true, isFreshOnly: false }),
  ).toEqual({
    maxAgeMs: 10_000,
    maxStaleMs: 5,
    onlyIfCached: true,
    isFreshOnly: true,
  });
  expect(wantedOfUnknownCustomer({ maxAgeMs: 3_000 })).toEqual({ maxAgeMs: 3_000, isFreshOnly: true });
});
