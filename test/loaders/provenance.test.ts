import { describe, expect, it } from 'vitest';
import type { EntryState } from '../../src/cache/cache.js';
import { createProvenance, failedOrigin, type Origin } from '../../src/loaders/provenance.js';
import { fakeClock } from '../support/clock.js';

const STATE = {} as EntryState;
const live = (parts: Partial<Origin> = {}): Origin => ({
  source: 'shop',
  status: 'live',
  records: 1,
  ageMs: 0,
  freshMs: 1_000,
  startedAt: 0,
  batchCalls: undefined,
  entryState: undefined,
  ...parts,
});
const cached = (parts: Partial<Origin> = {}): Origin =>
  live({ status: 'cached', entryState: STATE, ...parts });
const calls = (count: number, retries: number) => ({
  ...{ loader: 'orders', maxKeys: 100, slots: { length: 1 } },
  ...{ calls: count, scope: { retries } },
});

function provenanceOf(origins: readonly Origin[], { details = true }: { details?: boolean } = {}) {
  const provenance = createProvenance(fakeClock(), { details });
  for (const origin of origins) provenance.note(origin);
  return provenance;
}

describe('the status of a source', () => {
  it.each<[string, Origin['status'][], Origin['status']]>([
    ['one answer', ['cached'], 'cached'],
    ['a live answer and cached answers', ['cached', 'live', 'cached'], 'live'],
    ['a stale answer and a live one', ['live', 'stale'], 'stale'],
    ['a failed answer and a stale one', ['failed', 'stale', 'live'], 'failed'],
  ])('is the worst of %s', (_, statuses, expected) => {
    const origins = statuses.map((status) => live({ status }));
    for (const all of [origins, origins.toReversed()]) {
      const provenance = provenanceOf(all);
      expect(provenance.statuses()).toEqual({ shop: expected });
      expect(provenance.report(['shop'])['shop']?.status).toBe(expected);
    }
  });

  it('is reported separately for each source', () => {
    const provenance = provenanceOf([live({ status: 'failed' }), cached({ source: 'crm' })]);
    expect(provenance.statuses()).toEqual({ shop: 'failed', crm: 'cached' });
  });
});

describe('the freshness of a response', () => {
  it('has the age of the oldest answer, and ends when the first answer becomes stale', () => {
    const origins = [
      live({ ageMs: 300, freshMs: 700 }),
      live({ ageMs: 500, freshMs: 900 }),
      live({ ageMs: 0, freshMs: 800 }),
    ];
    expect(provenanceOf(origins).freshness()).toEqual({ ageMs: 500, freshMs: 700 });
    expect(provenanceOf(origins.toReversed()).freshness()).toEqual({ ageMs: 500, freshMs: 700 });
  });

  it('has ended if an answer is stale or failed', () => {
    expect(provenanceOf([live(), live({ freshMs: -5 })]).freshness()).toEqual({ ageMs: 0, freshMs: 0 });
    expect(provenanceOf([live(), failedOrigin('shop', 0)]).freshness()).toEqual({ ageMs: 0, freshMs: 0 });
  });

  it('is unknown if no source was needed', () => {
    expect(provenanceOf([]).freshness()).toBeUndefined();
  });
});

describe('the parts of a response', () => {
  it('are known if all answers were cached and fresh', () => {
    const parts = [cached(), cached({ source: 'crm' })];
    expect(provenanceOf(parts).parts()).toEqual([
      { source: 'shop', entryState: STATE },
      { source: 'crm', entryState: STATE },
    ]);
    expect(provenanceOf([]).parts()).toEqual([]);
  });

  it('are unknown if one answer was not cached, at any position', () => {
    expect(provenanceOf([live(), cached()]).parts()).toBeUndefined();
    expect(provenanceOf([cached(), live(), cached()]).parts()).toBeUndefined();
  });

  it('are unknown if there are more than 2,000', () => {
    const all = Array.from({ length: 2_000 }, () => cached());
    expect(provenanceOf(all).parts()).toHaveLength(2_000);
    expect(provenanceOf([...all, cached()]).parts()).toBeUndefined();
    expect(provenanceOf([...all, cached(), cached()]).parts()).toBeUndefined();
  });
});

describe('the report about a source', () => {
  it('counts answers, and each batch of calls once', () => {
    const [batch, other] = [calls(2, 1), calls(1, 0)];
    const provenance = provenanceOf([
      live({ batchCalls: batch, records: 3 }),
      live({ batchCalls: batch, records: 1 }),
      live({ batchCalls: other, records: 0 }),
      cached(),
    ]);
    expect(provenance.report(['shop'])['shop']).toMatchObject({ records: 5, calls: 3, retries: 1 });
  });

  it('has the age of the oldest answer in complete seconds', () => {
    const provenance = provenanceOf([cached({ ageMs: 2_999 }), cached({ ageMs: 1_000 })]);
    expect(provenance.report(['shop'])['shop']?.age).toBe(2);
  });

  it('has the time from the first call to the last answer, in tenths of a millisecond', () => {
    const clock = fakeClock();
    const start = clock.now();
    const provenance = createProvenance(clock, { details: true });
    clock.advance(10.26);
    provenance.note(live({ startedAt: start + 4.04 }));
    clock.advance(5);
    provenance.note(live({ startedAt: start + 2.04 }));
    provenance.note(live({ startedAt: start + 3 }));
    clock.advance(5);
    expect(provenance.report(['shop'])['shop']).toMatchObject({ startedMs: 2, durationMs: 13.2 });
  });

  it('reports a source that was not needed as skipped', () => {
    expect(provenanceOf([]).report(['shop'])).toEqual({
      shop: { status: 'skipped', age: 0, calls: 0, records: 0, retries: 0, startedMs: 0, durationMs: 0 },
    });
  });

  it('is empty if no details were requested', () => {
    expect(provenanceOf([live()], { details: false }).report(['shop'])).toEqual({});
  });

  it('counts the calls but no answer for a key that could not be loaded', () => {
    const provenance = provenanceOf([failedOrigin('shop', 0, calls(2, 1))]);
    expect(provenance.report(['shop'])['shop']).toMatchObject({
      status: 'failed',
      records: 0,
      calls: 2,
      retries: 1,
    });
    expect(provenance.parts()).toBeUndefined();
  });
});
