import { describe, expect, it } from 'vitest';
import { freshness, judge, keepMs, mayStandIn, type Wanted } from '../../src/cache/freshness.js';

const NOTHING = { maxAgeMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, notFoundMaxAgeMs: 0 };

describe('how long answers are kept', () => {
  it('is what the loader says, else what its source says, else not at all', () => {
    const source = { maxAge: '1 day', staleIfError: '2 days' } as const;
    expect(freshness({ maxAge: '1 minute' }, source)).toMatchObject({
      maxAgeMs: 60_000,
      staleIfErrorMs: 172_800_000,
    });
    expect(freshness(undefined, source)).toMatchObject({ maxAgeMs: 86_400_000 });
    expect(freshness({}, undefined)).toEqual({ ...NOTHING, isSaid: false });
    expect(freshness({ maxAge: '0 s' }, source)).toMatchObject({ maxAgeMs: 0, isSaid: true });
  });

  it('is 10 seconds at most for "nothing found", unless it is said', () => {
    expect(freshness({ maxAge: '1 day' }).notFoundMaxAgeMs).toBe(10_000);
    expect(freshness({ maxAge: '2 s' }).notFoundMaxAgeMs).toBe(2_000);
    expect(freshness({}).notFoundMaxAgeMs).toBe(0);
    expect(freshness({ maxAge: '1 day' }, { notFoundMaxAge: '1 hour' }).notFoundMaxAgeMs).toBe(3_600_000);
    expect(freshness({ notFoundMaxAge: '0 s' }, { notFoundMaxAge: '1 hour' }).notFoundMaxAgeMs).toBe(0);
  });

  it('is as long as an answer can be of any use', () => {
    const policy = freshness({ staleWhileRevalidate: '10 s', staleIfError: '1 minute' });
    expect(keepMs(5_000, policy)).toBe(65_000);
    expect(keepMs(5_000, freshness({ staleWhileRevalidate: '2 minutes', staleIfError: '1 s' }))).toBe(
      125_000,
    );
  });
});

/** Fresh for 10 s, then stale and given for 20 s more, or for 60 s more when the system fails. */
const policy = freshness({ maxAge: '10 s', staleWhileRevalidate: '20 s', staleIfError: '60 s' });
const aged = (seconds: number) => ({ ageMs: seconds * 1_000, maxAgeMs: 10_000 });

describe('an answer that is kept', () => {
  it.each<[what: string, wanted: Wanted, rows: [age: number, verdict: ReturnType<typeof judge>][]]>([
    [
      'nothing said',
      {},
      [
        [0, 'fresh'],
        [9.999, 'fresh'],
        [10, 'stale'],
        [29.999, 'stale'],
        [30, 'ask'],
      ],
    ],
    [
      'no-cache',
      { maxAgeMs: 0 },
      [
        [0, 'ask'],
        [15, 'ask'],
      ],
    ],
    [
      'max-age=5',
      { maxAgeMs: 5_000 },
      [
        [0, 'fresh'],
        [4.999, 'fresh'],
        [5, 'ask'],
        [15, 'ask'],
      ],
    ],
    [
      'max-age=15: no longer fresh, and still given by the policy',
      { maxAgeMs: 15_000 },
      [
        [9, 'fresh'],
        [14, 'stale'],
        [15, 'ask'],
      ],
    ],
    [
      'max-stale=5: less than the policy gives anyway',
      { maxStaleMs: 5_000 },
      [
        [20, 'stale'],
        [30, 'ask'],
      ],
    ],
    [
      'max-stale=40',
      { maxStaleMs: 40_000 },
      [
        [9, 'fresh'],
        [49.999, 'stale'],
        [50, 'ask'],
      ],
    ],
    ['max-stale', { maxStaleMs: Infinity }, [[100_000, 'stale']]],
    [
      'max-age=20, max-stale: the age counts',
      { maxAgeMs: 20_000, maxStaleMs: Infinity },
      [
        [19, 'stale'],
        [20, 'ask'],
      ],
    ],
  ])('is judged by its age and by what the caller wants (%s)', (_, wanted, rows) => {
    for (const [age, verdict] of rows)
      expect([age, judge(aged(age), policy, wanted)]).toEqual([age, verdict]);
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
    [
      'max-age=40',
      { maxAgeMs: 40_000 },
      [
        [39, true],
        [40, false],
      ],
    ],
  ])('may stand in for a system that failed (%s)', (_, wanted, rows) => {
    for (const [age, may] of rows) expect([age, mayStandIn(aged(age), policy, wanted)]).toEqual([age, may]);
  });

  it('is never given when its source wants nothing kept', () => {
    const none = freshness();
    expect(judge({ ageMs: 0, maxAgeMs: 0 }, none, {})).toBe('ask');
    expect(mayStandIn({ ageMs: 0, maxAgeMs: 0 }, none, {})).toBe(false);
  });
});
