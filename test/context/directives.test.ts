import { describe, expect, it } from 'vitest';
import { priorityOf, readDirectives, type FollowedDirectives } from '../../src/context/directives.js';
import type { Wanted } from '../../src/cache/freshness.js';
import type { Priority } from '../../src/priority.js';

const read = (
  headers: Record<string, string>,
  followed: FollowedDirectives = 'any',
  priority: Priority = 'interactive',
) => readDirectives(new Headers(headers), { followed, priority });

describe('the cache directives of a caller', () => {
  it.each<[header: string, any: Wanted, sparing: Wanted]>([
    ['no-cache', { maxAgeMs: 0 }, {}],
    ['no-store', { maxAgeMs: 0 }, {}],
    ['max-age=0', { maxAgeMs: 0 }, {}],
    ['max-age=5', { maxAgeMs: 5_000 }, {}],
    ['max-age="5"', { maxAgeMs: 5_000 }, {}],
    ['max-age=5, no-cache', { maxAgeMs: 0 }, {}],
    ['max-age=99999999999', { maxAgeMs: 99_999_999_999_000 }, {}],
    ['max-stale', { maxStaleMs: Infinity }, { maxStaleMs: Infinity }],
    ['max-stale=30', { maxStaleMs: 30_000 }, { maxStaleMs: 30_000 }],
    ['max-stale="30"', { maxStaleMs: 30_000 }, { maxStaleMs: 30_000 }],
    ['max-stale=0', { maxStaleMs: 0 }, { maxStaleMs: 0 }],
    ['only-if-cached', { onlyIfCached: true }, { onlyIfCached: true }],
    [
      'Max-Age=60,MAX-STALE=30 , Only-If-Cached',
      { maxAgeMs: 60_000, maxStaleMs: 30_000, onlyIfCached: true },
      { maxStaleMs: 30_000, onlyIfCached: true },
    ],
    // Unknown directives are ignored, and never have the effect of a known one.
    ['max-stale=soon', {}, {}],
    ['max-stale=-1', {}, {}],
    ['max-stale=5.5', {}, {}],
    ['max-stale=', {}, {}],
    ['max-staleness', {}, {}],
    ['max-age', {}, {}],
    ['max-age=', {}, {}],
    ['max-age=-1', {}, {}],
    ['s-max-age=5, xmax-stale, not-only-if-cached', {}, {}],
    ['no-transform, min-fresh=5', {}, {}],
    ['', {}, {}],
  ])('are read: %s', (header, any, sparing) => {
    const headers = { 'cache-control': header };
    expect(read(headers).wanted).toEqual(any);
    expect(read(headers, 'sparing').wanted).toEqual(sparing);
    expect(read(headers, 'none').wanted).toEqual({});
  });

  it('have no effect if the header is missing', () => {
    expect(read({})).toEqual({ wanted: {}, priority: 'interactive', shouldReportSources: false });
  });
});

describe('how long a caller waits', () => {
  it.each([
    ['wait=1', 1_000],
    ['wait=0', 0],
    ['respond-async, wait=10', 10_000],
    ['WAIT=3, return=minimal', 3_000],
    ['wait=-1', undefined],
    ['wait=soon', undefined],
    ['wait', undefined],
    ['await=5', undefined],
    ['return=minimal', undefined],
  ])('is read from Prefer: %s', (prefer, waitMs) => {
    expect(read({ prefer }).waitMs).toBe(waitMs);
    // It reduces the load on the systems, so every caller may use it.
    expect(read({ prefer }, 'none').waitMs).toBe(waitMs);
  });
});

describe('the priority of a caller', () => {
  it.each<[own: Priority, given: string | null, is: Priority]>([
    ['interactive', null, 'interactive'],
    ['interactive', 'automation', 'automation'],
    ['interactive', 'bulk', 'bulk'],
    ['interactive', 'urgent', 'interactive'],
    ['interactive', 'Bulk', 'interactive'],
    ['automation', 'interactive', 'automation'],
    ['automation', 'bulk', 'bulk'],
    ['bulk', 'interactive', 'bulk'],
    ['bulk', 'automation', 'bulk'],
  ])('can only be lowered: a caller with %s that requests %s has %s', (priority, input, is) => {
    expect(priorityOf(input, priority)).toBe(is);
    expect(read(input === null ? {} : { 'x-priority': input }, 'any', priority).priority).toBe(is);
  });
});

describe('X-Sources', () => {
  it.each([
    ['1', true],
    ['0', false],
    ['true', false],
    ['', false],
  ])('requests the report only with the value 1 (%j)', (value, shouldReportSources) => {
    expect(read({ 'x-sources': value })).toMatchObject({ shouldReportSources });
  });
});
