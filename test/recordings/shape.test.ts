import { describe, expect, it } from 'vitest';
import { SourceContractError } from '../../src/errors.js';
import { idNamespace } from '../../src/index.js';
import { observe } from '../../src/recordings/drift.js';
import { KeyReader } from '../../src/recordings/keys.js';
import type { LiveSystem } from '../../src/recordings/live-system.js';
import { isPassed, junitOf, linesOf } from '../../src/recordings/report.js';
import type { Recording } from '../../src/recordings/recording.js';
import { leavesOf, valueAt, withValue } from '../../src/recordings/row-changes.js';
import { compareShapes, shapeOf } from '../../src/recordings/shape.js';
import type { PromiseResult, SourceReport } from '../../src/recordings/test-source.js';

describe('the shape of rows', () => {
  const changes = (before: unknown[], after: unknown[]) =>
    compareShapes(shapeOf(before), shapeOf(after)).map(({ kind, path, text }) => `${kind} ${path} ${text}`);

  it.each([
    ['other values', [{ a: 1, b: 'x' }], [{ b: '', a: 2 }], []],
    ['a new member', [{ a: 1 }], [{ a: 1, b: true }], ['added b is new: boolean']],
    [
      'a new object',
      [{ a: 1 }],
      [{ a: 1, b: { c: 1 } }],
      ['added b is new: object', 'added b.c is new: number'],
    ],
    [
      'an object whose names are data',
      [1, 2, 3].map((n) => ({ a: { [`anna${n}@example.nl`]: n, [`Anna${n}`]: n } })),
      [{ a: { 'koen@example.nl': 4, Koen: 4 } }],
      [],
    ],
    [
      'an object without a recorded name',
      [{ a: { Anna: 1 } }],
      [{ a: { Koen: 1 } }],
      ['removed a.Anna is missing; it was number'],
    ],
    ['a new null', [{ a: 1 }], [{ a: 1, b: null }], ['added b is new: null']],
    [
      'a removed member',
      [
        { a: 1, b: 1 },
        { a: 1, b: 1 },
      ],
      [{ a: 1 }],
      ['removed b is missing; it was number'],
    ],
    ['a removed optional member', [{ a: 1, b: 1 }, { a: 1 }], [{ a: 1 }], []],
    ['a removed member of one of two rows', [{ a: 1, b: 1 }], [{ a: 1 }, { a: 1, b: 1 }], []],
    ['a removed object', [{ a: { b: 1 } }], [{}], ['removed a is missing; it was object']],
    ['an object that became null', [{ a: { b: 1 } }], [{ a: null }], ['null a is null']],
    ['an object that was null at times', [{ a: { b: 1 } }, { a: null }], [{ a: null }], []],
    [
      'a removed member of an object that is null at times',
      [{ a: { b: 1, c: 1 } }, { a: null }],
      [{ a: { c: 1 } }],
      ['removed a.b is missing; it was number'],
    ],
    ['a list without items', [{ a: [{ b: 1 }] }], [{ a: [] }], []],
    [
      'a removed member of items',
      [{ a: [{ b: 1 }] }],
      [{ a: [{}] }],
      ['removed a[].b is missing; it was number'],
    ],
    ['a new member of items', [{ a: [{ b: 1 }] }], [{ a: [{ b: 1, c: 1 }] }], ['added a[].c is new: number']],
    ['items of a list that was always empty', [{ a: [] }], [{ a: [{ b: 1 }] }], []],
    ['an object that was always null', [{ a: null }], [{ a: { b: 1 } }], []],
    ['another type of items', [{ a: [1] }], [{ a: ['x'] }], ['type a[] is text; it was number']],
    ['another type', [{ a: 1 }], [{ a: 'x' }], ['type a is text; it was number']],
    ['one more type', [{ a: 1 }, { a: 'x' }], [{ a: true }], ['type a is boolean; it was number or text']],
    ['an object instead of a value', [{ a: 1 }], [{ a: { b: 1 } }], ['type a is object; it was number']],
    ['a value instead of an object', [{ a: { b: 1 } }], [{ a: 1 }], ['type a is number; it was object']],
    ['a value that was always null', [{ a: null }], [{ a: 1 }], []],
    ['a null', [{ a: 1 }], [{ a: null }], ['null a is null']],
    ['a null again', [{ a: 1 }, { a: null }], [{ a: null }], []],
    ['a text that is a date', [{ a: 'x' }], [{ a: '2026-11-01' }], []],
    [
      'another format',
      [{ a: '2026-11-01' }],
      [{ a: '01-11-2026' }],
      ['type a is date with the day first; it was date'],
    ],
    ['a text instead of a date', [{ a: '2026-11-01' }], [{ a: 'x' }], ['type a is text; it was date']],
    [
      'a time without its zone',
      [{ a: '2026-11-01T10:00:00Z' }],
      [{ a: '2026-11-01 10:00' }],
      ['type a is date and time without a zone; it was date and time with a zone'],
    ],
    ['the same time in another zone', [{ a: '2026-11-01T10:00:00.5+01' }], [{ a: '2026-11-01T10:00Z' }], []],
  ])('with %s has the expected changes', (_, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected);
  });
});

describe('the places in a row', () => {
  const row = { a: 1, b: { c: 'x', d: null }, e: [{ f: false }, { f: true }], g: [], h: [['y']] };

  it('are those of its values, of lists those of the first item', () => {
    expect(leavesOf(row)).toEqual([['a'], ['b', 'c'], ['e', 0, 'f'], ['h', 0, 0]]);
    expect(leavesOf('text')).toEqual([]);
    expect(leavesOf(Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`m${i}`, i])))).toHaveLength(80);
  });

  it('have values, which a copy of the row can have changed', () => {
    expect(valueAt(row, ['e', 0, 'f'])).toBe(false);
    expect(valueAt(row, ['a', 'b', 'c'])).toBeUndefined();
    expect(withValue(row, ['b', 'c'], 2)).toEqual({ ...row, b: { c: 2, d: null } });
    expect(row.b.c).toBe('x');
  });
});

describe('made-up keys', () => {
  const reader = new KeyReader({
    namespaces: [{ name: 'no', description: '', normalise: (text) => (/^\d$/.test(text) ? text : null) }],
  });

  it('look like the known ones, and are none of them', () => {
    const keys = reader.unknown('email', ['Jip.1@example.org', 'an@example.org'], 20);
    expect(keys).toHaveLength(20);
    expect(new Set(keys).size).toBe(20);
    for (const key of keys) expect(key).toMatch(/^([a-z]{3}\.\d|[a-z]{2})@example\.org$/);
    expect(keys.filter((key) => key.includes('.', 3) && key.length > 14)).not.toEqual([]);
  });

  it('are fewer if there are no others, and none without a known one', () => {
    // The gateway takes 0 for a placeholder.
    expect(reader.unknown('no', ['1', '2'], 20).toSorted()).toEqual(['3', '4', '5', '6', '7', '8', '9']);
    expect(reader.unknown('no', [], 20)).toEqual([]);
    expect(reader.unknown('other', ['1'], 20)).toEqual([]);
    expect(reader.similar(['A-7'], 5)).toHaveLength(5);
    for (const key of reader.similar(['A-7'], 5)) expect(key).toMatch(/^[A-Z]-\d$/);
  });
});

describe('the report of a test', () => {
  const results: PromiseResult[] = [
    { id: 'a', promise: 'works', outcome: 'ok', durationMs: 1_500 },
    {
      id: 'b',
      promise: 'is <right>',
      outcome: 'failed',
      detail: 'a "b"\n& c\0',
      remedy: 'Do it.',
      durationMs: 250,
    },
    {
      id: 'c',
      promise: 'has pages',
      outcome: 'not applicable',
      detail: 'no call has pages',
      durationMs: 250,
    },
  ];
  const tested: SourceReport = { source: 'club', promises: results };
  const refused: SourceReport = { source: 'other', notTested: 'No recording.', promises: [] };

  it('is passed only if all sources were tested and no promise is broken', () => {
    const passed = { source: 'club', promises: results.filter(({ outcome }) => outcome !== 'failed') };
    expect(isPassed({ sources: [passed] })).toBe(true);
    expect(isPassed({ sources: [passed, tested] })).toBe(false);
    expect(isPassed({ sources: [passed, refused] })).toBe(false);
  });

  it('has a line for each promise, and what to do', () => {
    expect(linesOf(tested)).toEqual([
      'club',
      '  ok     a: works',
      '  failed b: is <right>',
      '         a "b"\n& c\0',
      '         What to do: Do it.',
      '  none   c: has pages (not applicable: no call has pages)',
      'club: 1 ok, 1 failed, 1 not applicable',
    ]);
    expect(linesOf(refused)).toEqual(['other: not tested. No recording.']);
  });

  it('has a case for each promise in the report for build servers', () => {
    expect(junitOf({ sources: [tested, refused] })).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuites name="stekkerdoos test">',
        '  <testsuite name="club" tests="3" failures="1" skipped="1" time="2">',
        '    <testcase classname="club.a" name="works" time="1.5"/>',
        '    <testcase classname="club.b" name="is &lt;right&gt;" time="0.25">' +
          '<failure message="a &quot;b&quot;&#10;&amp; c?">a &quot;b&quot;&#10;&amp; c?&#10;What to do: Do it.</failure></testcase>',
        '    <testcase classname="club.c" name="has pages" time="0.25"><skipped message="no call has pages"/></testcase>',
        '  </testsuite>',
        '  <testsuite name="other" tests="1" failures="1" skipped="0" time="0">',
        '    <testcase classname="other.tested" name="is tested" time="0"><failure message="No recording.">No recording.</failure></testcase>',
        '  </testsuite>',
        '</testsuites>',
        '',
      ].join('\n'),
    );
  });
});

describe('the differences of a live system', () => {
  const call = { get: '/members?no={keys|csv}', rows: '.', maxBatch: 3 };
  const recordingOf = (more: object = {}, system: object = {}): Recording => ({
    ...{ version: 1, source: 'club', kind: 'rest', recordedAt: '2026-11-01T00:00:00.000Z', system },
    calls: {
      rides: { call: { get: '/rides/{key}' }, answers: { Q1: [{ code: 'Q1' }] } },
      members: { call, answers: { '11': [{ no: '11', ride: 'Q1' }] }, ...more },
    },
    examples: [],
  });
  const observed = async (
    recording: Recording,
    rowsOf: (call: string, keys: readonly string[]) => unknown[],
    {
      times = [10],
      headers = {},
      takes = 'keys',
      namespaces = [],
    }: { times?: number[]; headers?: object; takes?: string; namespaces?: [string, string][] } = {},
  ) => {
    const requests: [string, readonly string[]][] = [];
    const live = {
      calls: new Map([
        ['members', { takes }],
        ['rides', { takes: 'key' }],
      ]),
      headers: new Map(Object.entries(headers)),
      columns: new Map(),
      rows: (name: string, keys: readonly string[]) => {
        requests.push([name, keys]);
        const ms = times[Math.min(requests.length, times.length) - 1] ?? 0;
        return Promise.resolve({ rows: rowsOf(name, keys), ms });
      },
    } as unknown as LiveSystem;
    const { drift } = await observe(recording, live, {
      ...{ key: '77', firstCalls: ['members'], namespaces: new Map([['members', 'no'], ...namespaces]) },
      keyReader: new KeyReader({
        namespaces: [idNamespace('no', '', /^\d\d$/), idNamespace('ride', '', /^Q\d$/)],
      }),
    });
    return {
      drift,
      requests,
      texts: drift.map(({ severity, call: of, text }) => `${severity} ${of ?? '-'} ${text}`),
    };
  };
  const normal = (name: string, [key]: readonly string[]) =>
    name === 'rides'
      ? key === 'Q9'
        ? [{ code: 'Q9' }]
        : []
      : key === '77'
        ? [{ no: '77', ride: 'Q9' }]
        : [];

  it('are none if it answers as recorded, and keys of other calls are those in its rows', async () => {
    const { texts, requests } = await observed(recordingOf(), normal);
    expect(texts).toEqual([]);
    expect(requests[0]).toEqual(['members', ['77']]);
    expect(requests.filter(([name]) => name === 'members').map(([, keys]) => keys.length)).toEqual([1, 1, 3]);
    expect(requests.filter(([name]) => name === 'rides')[0]).toEqual(['rides', ['Q9']]);
  });

  it('are none if a call with keys from rows refuses a key that its system does not know', async () => {
    const refusing = (name: string, keys: readonly string[]) => {
      if (name === 'rides' && keys[0] !== 'Q9') throw new SourceContractError('club', 'answered 404');
      return normal(name, keys);
    };
    expect((await observed(recordingOf(), refusing)).texts).toEqual([]);
    expect((await observed(recordingOf(), refusing, { namespaces: [['rides', 'ride']] })).texts).toEqual([
      'breaking rides fails for an unknown key: answered 404',
    ]);
  });

  it('are looked for with unknown keys in the form of the namespace of the call', async () => {
    const { requests } = await observed(recordingOf(), normal, { namespaces: [['rides', 'ride']] });
    const keys = requests.flatMap(([name, of]) => (name === 'rides' ? of : []));
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) expect(key).toMatch(/^Q\d$/);
  });

  it('are none of a batch if a call takes one key', async () => {
    const { requests } = await observed(recordingOf(), normal, { takes: 'key' });
    expect(requests.filter(([name]) => name === 'members').map(([, keys]) => keys.length)).toEqual([1, 1]);
  });

  it.each([
    ['another record of the same key', () => [{ no: '77', ride: 'Q9' }], true],
    ['a record of another key', (no: string) => [{ no: no === '77' ? '77' : '99', ride: 'Q9' }], true],
    ['a record of an unknown key', (no: string) => [{ no, ride: 'Q9' }], false],
  ])('by an unknown key may be %s', async (_, rowsOf, isFound) => {
    const { texts } = await observed(recordingOf(), (name, [key = '']) =>
      name === 'rides' ? [] : rowsOf(key),
    );
    expect(texts.includes('breaking members returns a record of another key for an unknown key')).toBe(
      isFound,
    );
  });

  it.each([
    [[100], true],
    [[100, 100, 100, 40], false],
    [[59], false],
    [[60], true],
  ])('are those of its times %o: slower %s', async (times, isSlower) => {
    const recording = recordingOf({ latencyMs: { p50: 30, p95: 50 } });
    const { drift, texts } = await observed(recording, normal, { times });
    expect(texts.some((text) => text.includes('at least twice as slow'))).toBe(isSlower);
    if (!isSlower) return;
    drift[0]?.apply?.(recording);
    expect(recording.calls['members']?.latencyMs).toEqual({ p50: times[0], p95: times[0] });
  });

  it('are none of times for a call whose slowest answers take as long', async () => {
    const times = (p50: number, p95: number) => recordingOf({ latencyMs: { p50, p95 } });
    expect((await observed(times(30, 101), normal, { times: [100] })).texts).toEqual([]);
    expect((await observed(times(1, 1), normal, { times: [20] })).texts).toEqual([]);
    expect((await observed(times(1, 1), normal, { times: [21] })).texts).not.toEqual([]);
  });

  const limits = { rateLimit: { headers: { 'X-RateLimit-Limit': '60', 'X-RateLimit-Remaining': '5' } } };
  it.each([
    [{ 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '1' }, []],
    [{ 'x-ratelimit-limit': '30' }, ['breaking - the header X-RateLimit-Limit is 30; it was 60']],
    [{ 'x-ratelimit-limit': '90' }, ['harmless - the header X-RateLimit-Limit is 90; it was 60']],
    [{ other: '1' }, ['harmless - the header X-RateLimit-Limit is missing; it was 60']],
    [{}, []],
  ])('are those of the limits %o', async (headers, expected) => {
    const recording = recordingOf({}, structuredClone(limits));
    const { texts, drift } = await observed(recording, normal, { headers });
    expect(texts).toEqual(expected);
    for (const { apply } of drift) apply?.(recording);
    const now = recording.system.rateLimit?.headers['X-RateLimit-Limit'];
    if (texts[0]?.startsWith('harmless') === true)
      expect(now).toBe(headers['x-ratelimit-limit' as keyof typeof headers]);
  });

  it('are written to the recording without values', async () => {
    const recording = recordingOf({
      answers: {
        '11': [
          { no: '11', ride: 'Q1', list: [{ a: 1 }] },
          { no: '12', ride: 'Q1', list: [{ a: 1 }] },
        ],
      },
    });
    const row = {
      ...{ no: '77', ride: null, name: 'Jip 9', age: 42, isMember: true },
      ...{ list: [{ a: 2, b: ['Geheim', 'x'] }], at: { x: 'É1' } },
    };
    const { drift } = await observed(recording, (name, [key]) =>
      name === 'members' && key === '77' ? [row] : [],
    );
    for (const { apply } of drift) apply?.(recording);
    const added = { name: 'aaa 1', age: 0, isMember: false, at: { x: 'a1' } };
    expect(recording.calls['members']?.answers['11']).toEqual([
      { no: '11', ride: null, list: [{ a: 1, b: ['aaaaaa'] }], ...added },
      { no: '12', ride: 'Q1', list: [{ a: 1, b: ['aaaaaa'] }], ...added },
    ]);
  });
});
