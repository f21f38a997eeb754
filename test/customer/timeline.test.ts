import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/connection.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import { timelinePage, type TimelinePage, type TimelineSource } from '../../src/customer/timeline.js';
import { ForbiddenError, InvalidInputError, SourceTimeoutError } from '../../src/errors.js';
import type { TimelineRequest, TimelineItem, TimelineKind } from '../../src/customer/timeline-declaration.js';

const customer = {} as Customer;
const context = {
  permissions: { findsBy: 'all', maySee: () => true, seesErased: false, seesMasked: false },
} as Partial<Context> as Context;
const KINDS = ['ORDER', 'TICKET', 'CALL'] as const;

type Args = Parameters<typeof timelinePage>[1];
const loadPage = (sources: readonly TimelineSource[], args: Partial<Args> = {}): Promise<TimelinePage> =>
  timelinePage(customer, { first: 20, after: null, kinds: null, since: null, ...args }, sources, context);

/** Ten moments in one second and one a second later, each in one of several equivalent notations. */
const moment = fc
  .tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 6 }))
  .map(([tenth, decimals]) =>
    tenth === 10
      ? '2026-11-01T12:00:01Z'
      : tenth === 0 && decimals === 1
        ? '2026-11-01T12:00:00Z'
        : `2026-11-01T12:00:00.${String(tenth).padEnd(decimals, '0')}Z`,
  );
/** The moments of `moment`, and moments that differ by a microsecond. */
const at = fc.oneof(
  moment,
  fc.constantFrom('2026-11-01T12:00:00.999999Z', '2026-11-01T12:00:00.000001Z', '2026-11-01T12:00:00.1Z'),
);
const item = fc.record({
  at,
  kind: fc.constantFrom(...KINDS),
  id: fc.oneof(fc.string({ maxLength: 2 }), fc.constantFrom('\uffff', '\u{10ffff}', '10', '9', '')),
});
const items = fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 15 });
/** The items of each source. One name is the prefix of another. */
const world = fc.record({ 'a-b': items, a: items, b: items, z: items });
type World = Record<string, TimelineItem[]>;

interface Line extends TimelineItem {
  source: string;
}

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const millionths = (of: string): number => {
  const [, second = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(of) ?? [];
  return Date.parse(`${second}Z`) * 1_000 + Number(fraction.padEnd(6, '0'));
};
/** The notation of a moment in a cursor. */
const canonical = (of: string): string =>
  `${of.slice(0, 19)}.${(/\.(\d+)/.exec(of)?.[1] ?? '').padEnd(6, '0')}Z`;
const byPlace = (a: Line, b: Line): number =>
  millionths(b.at) - millionths(a.at) || text(b.source, a.source) || text(b.id, a.id);

/** All entries that match the arguments, sorted. */
const allSorted = (of: World, { kinds, since }: Partial<Args> = {}): Line[] =>
  Object.entries(of)
    .flatMap(([source, items]) => items.map((item) => ({ ...item, source })))
    .filter(({ kind }) => kinds == null || kinds.some((item) => item === kind))
    .filter((item) => since == null || millionths(item.at) >= millionths(since))
    .sort(byPlace);
const named = (lines: readonly Line[]): string[] => lines.map(({ source, id }) => `${source}:${id}`);
const idsOf = ({ nodes }: TimelinePage): string[] =>
  nodes.map(({ source, recordId }) => `${source}:${recordId}`);

/** A source that answers each `TimelineRequest` correctly, and records its calls. */
function source(name: string, items: readonly TimelineItem[], calls: string[] = []): TimelineSource {
  const fits = (item: TimelineItem, { kinds, before, since }: TimelineRequest): boolean => {
    const from = millionths(item.at);
    return (
      kinds.has(item.kind) &&
      (since === null || from >= millionths(since)) &&
      (before === null ||
        from < millionths(before.at) ||
        (from === millionths(before.at) && item.id < before.id))
    );
  };
  return {
    name,
    timeline: {
      kinds: KINDS,
      page: (_, page) => {
        calls.push(name);
        return Promise.resolve(
          items
            .filter((item) => fits(item, page))
            .sort((a, b) => byPlace({ ...a, source: name }, { ...b, source: name }))
            .slice(0, page.first),
        );
      },
    },
  };
}
const sourcesOf = (of: World, calls?: string[]): TimelineSource[] =>
  Object.entries(of).map(([name, items]) => source(name, items, calls));

const failing = (name: string): TimelineSource => ({
  name,
  timeline: {
    kinds: KINDS,
    page: () => Promise.reject(new SourceTimeoutError(name, `${name} did not answer in time.`)),
  },
});

const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 });
const kinds = fc.option(fc.subarray([...KINDS], { minLength: 1 }));
const since = fc.option(moment);

/** A source whose system cannot load single pages. It returns all items that it has read, unsorted. */
const unsorted = (
  name: string,
  items: readonly TimelineItem[],
  readBackTo: readonly string[] = [],
): TimelineSource => ({
  name,
  timeline: { kinds: KINDS, page: () => Promise.resolve({ items: items, readBackTo }) },
});

describe('a source that returns all items that it has read', () => {
  it('is sorted and divided into pages like a source that loads single pages', async () => {
    await fc.assert(
      fc.asyncProperty(world, sizes, kinds, since, async (of, [first = 1], wanted, from) => {
        const args = { first, kinds: wanted, since: from };
        const page = await loadPage(
          Object.entries(of).map(([name, items]) => unsorted(name, items)),
          args,
        );
        expect(page).toEqual(await loadPage(sourcesOf(of), args));
        const after = page.pageInfo.endCursor;
        if (after == null) return;
        const next = await loadPage(
          Object.entries(of).map(([name, items]) => unsorted(name, [...items, ...items])),
          { ...args, after },
        );
        expect(next).toEqual(await loadPage(sourcesOf(of), { ...args, after }));
      }),
      { numRuns: 100 },
    );
  });

  const moments = [5, 4, 3, 2].map((second) => `2026-11-01T12:00:0${second}Z`);
  const items = moments.map((of, i): TimelineItem => ({ kind: 'ORDER', at: of, id: String(i) }));
  const SINCE_4 = '2026-11-01T12:00:04Z';

  it.each<[string, Partial<Args>, string[], boolean]>([
    [
      'is complete if the page ends before the items that were not read',
      { first: 1 },
      [moments[3] ?? ''],
      true,
    ],
    ['is missing if the page may contain items that were not read', { first: 3 }, [moments[3] ?? ''], false],
    [
      'is missing if one of its lists was not read to the end of the page',
      { first: 1 },
      ['2020-01-01T00:00:00Z', SINCE_4],
      false,
    ],
    [
      'is complete if `since` excludes the items that were not read',
      { first: 20, since: SINCE_4 },
      [moments[2] ?? ''],
      true,
    ],
    [
      'is missing if unread items may have the moment `since`',
      { first: 20, since: SINCE_4 },
      [SINCE_4],
      false,
    ],
    ['is missing if the page is not full', { first: 20 }, ['2020-01-01T00:00:00Z'], false],
    ['is complete if all items were read', { first: 20 }, [], true],
  ])('%s', async (_, args, readBackTo, isComplete) => {
    const { nodes, missing } = await loadPage([unsorted('a', items, readBackTo)], args);
    expect(missing).toEqual(isComplete ? [] : [{ source: 'a', code: 'SOURCE_CONTRACT' }]);
    if (!isComplete) expect(nodes).toEqual([]);
  });

  it('is missing if an item has an invalid moment', async () => {
    const { missing } = await loadPage([unsorted('a', items, ['yesterday'])]);
    expect(missing).toEqual([{ source: 'a', code: 'SOURCE_CONTRACT' }]);
  });
});

describe('the timeline', () => {
  it('returns the same items page by page as one sorted list, with at most one call per source and page', async () => {
    await fc.assert(
      fc.asyncProperty(world, sizes, kinds, since, async (of, pages, wanted, from) => {
        const expected = named(allSorted(of, { kinds: wanted, since: from }));
        const seen: string[] = [];
        let after: string | null = null;
        for (let read = 0; ; read += 1) {
          const first = pages[read % pages.length] ?? 1;
          const calls: string[] = [];
          const page = await loadPage(sourcesOf(of, calls), { first, after, kinds: wanted, since: from });
          expect(calls).toHaveLength(new Set(calls).size);
          expect(page.missing).toEqual([]);
          seen.push(...idsOf(page));
          expect(page.pageInfo.hasNextPage).toBe(seen.length < expected.length);
          if (!page.pageInfo.hasNextPage) break;
          expect(page.nodes).toHaveLength(first);
          after = page.pageInfo.endCursor ?? null;
        }
        expect(seen).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('continues correctly from the cursor of any entry of any source', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (of) => {
        const all = await loadPage(sourcesOf(of), { first: 100 });
        for (const [i, { cursor }] of all.edges.entries()) {
          const next = await loadPage(sourcesOf(of), { first: 100, after: cursor });
          expect(idsOf(next)).toEqual(idsOf(all).slice(i + 1));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('returns each remaining item once, even if items are added between two pages', async () => {
    const arrival = fc.record({ source: fc.constantFrom('a', 'a-b', 'b', 'z'), item });
    await fc.assert(
      fc.asyncProperty(
        world,
        sizes,
        fc.array(fc.array(arrival, { maxLength: 4 }), { maxLength: 8 }),
        async (begin, pages, arrivals) => {
          const of: World = Object.fromEntries(
            Object.entries(begin).map(([name, items]) => [name, [...items]]),
          );
          const atFirst = named(allSorted(of));
          const seen: string[] = [];
          let last: Line | undefined;
          let after: string | null = null;
          for (let read = 0; ; read += 1) {
            const first = pages[read % pages.length] ?? 1;
            const older = allSorted(of).filter((line) => last === undefined || byPlace(last, line) < 0);
            const page = await loadPage(sourcesOf(of), { first, after });
            expect(idsOf(page)).toEqual(named(older.slice(0, first)));
            expect(page.pageInfo.hasNextPage).toBe(older.length > first);
            seen.push(...idsOf(page));
            if (!page.pageInfo.hasNextPage) break;
            last = older[first - 1];
            after = page.pageInfo.endCursor ?? null;
            for (const { source: name, item } of arrivals[read] ?? []) {
              const items = of[name] ?? [];
              if (items.every(({ id }) => id !== item.id)) items.push(item);
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.filter((id) => atFirst.includes(id))).toEqual(atFirst);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('names the sources that fail, and returns the items of the others', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        fc.subarray(['a', 'a-b', 'b', 'z']),
        fc.integer({ min: 1, max: 50 }),
        async (of, down, first) => {
          const up = Object.fromEntries(Object.entries(of).filter(([name]) => !down.includes(name)));
          const page = await loadPage([...down.map(failing), ...sourcesOf(up)], { first });
          expect(idsOf(page)).toEqual(named(allSorted(up).slice(0, first)));
          expect(page.missing).toEqual(down.map((name) => ({ source: name, code: 'SOURCE_TIMEOUT' })));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('shows no repeated, unrequested or unsorted items of any source, and reports missing sources', async () => {
    // The items of the source in any order, some of them twice, cut off at any place.
    const input = items.chain((item) =>
      fc
        .tuple(fc.subarray(item), fc.nat({ max: 30 }))
        .chain(([twice, length]) =>
          fc
            .shuffledSubarray([...item, ...twice], { minLength: item.length + twice.length })
            .map((all) => all.slice(0, length)),
        ),
    );
    await fc.assert(
      fc.asyncProperty(
        world,
        input,
        fc.integer({ min: 1, max: 8 }),
        fc.option(item),
        fc.constantFrom('a', 'b', 'z'),
        kinds,
        since,
        async ({ a, z }, all, first, last, name, wanted, from) => {
          const place = last && { ...last, at: canonical(last.at), source: name };
          const args = {
            first,
            after: place && encodeCursor('Customer.timeline', [place.at, place.source, place.id]),
            kinds: wanted,
            since: from,
          };
          const wild: TimelineSource = {
            name: 'b',
            timeline: { kinds: KINDS, page: () => Promise.resolve(all) },
          };
          const page = await loadPage([wild, ...sourcesOf({ a, z })], args);
          const isReported = page.missing.length > 0;
          if (isReported) expect(page.missing).toEqual([{ source: 'b', code: 'SOURCE_CONTRACT' }]);
          const expected = allSorted(isReported ? { a, z } : { a, b: [...new Set(all)], z }, args).filter(
            (line) => place === null || byPlace(place, line) < 0,
          );
          expect(idsOf(page)).toEqual(named(expected.slice(0, first)));
          expect(page.pageInfo.hasNextPage).toBe(expected.length > first);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['newest first', (all: TimelineItem[]) => all, []],
    ['oldest first', (all: TimelineItem[]) => all.toReversed(), ['SOURCE_CONTRACT']],
    ['with one twice', (all: TimelineItem[]) => all.flatMap((item) => [item, item]), ['SOURCE_CONTRACT']],
  ])(
    'reports a source whose full page comes %s, because items may have been cut off',
    async (_, reorder, codes) => {
      const items = ['3', '2', '1'].map((id): TimelineItem => ({
        kind: 'ORDER',
        id,
        at: `2026-11-0${id}T12:00:00Z`,
      }));
      const page: TimelineSource = {
        name: 'a',
        timeline: { kinds: KINDS, page: (__, { first }) => Promise.resolve(reorder(items).slice(0, first)) },
      };
      expect((await loadPage([page], { first: 1 })).missing.map(({ code }) => code)).toEqual(codes);
      // A page that is not full was not cut off.
      const all = await loadPage([page], { first: 10 });
      expect([idsOf(all), all.missing]).toEqual([['a:3', 'a:2', 'a:1'], []]);
    },
  );

  it('accepts a page that continues beyond `since`, without the older items', async () => {
    const items = ['3', '2', '1'].map((id): TimelineItem => ({
      kind: 'ORDER',
      id,
      at: `2026-11-0${id}T12:00:00Z`,
    }));
    const page: TimelineSource = {
      name: 'a',
      timeline: { kinds: KINDS, page: () => Promise.resolve(items) },
    };
    const { nodes, missing } = await loadPage([page], { first: 2, since: '2026-11-02T12:00:00Z' });
    expect([nodes.map(({ recordId }) => recordId), missing]).toEqual([['3', '2'], []]);
  });

  it('reports a source that returns its first page again', async () => {
    const items = Array.from({ length: 9 }, (_, i): TimelineItem => ({
      kind: 'ORDER',
      id: String(i),
      at: '2026-11-01T12:00:00Z',
    })).reverse();
    const again: TimelineSource = {
      name: 'a',
      timeline: { kinds: KINDS, page: (_, { first }) => Promise.resolve(items.slice(0, first)) },
    };
    const page = await loadPage([again], { first: 3 });
    expect(page.missing).toEqual([]);
    const { nodes, pageInfo, missing } = await loadPage([again], {
      first: 3,
      after: page.pageInfo.endCursor ?? null,
    });
    expect({ nodes, pageInfo, missing }).toEqual({
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      missing: [{ source: 'a', code: 'SOURCE_CONTRACT' }],
    });
  });

  it('calls only the sources with a requested kind, for those kinds only', async () => {
    const calls: [string, TimelineKind[]][] = [];
    const of = (name: string, items: TimelineKind[]): TimelineSource => ({
      name,
      timeline: {
        kinds: items,
        page: (_, page) => {
          calls.push([name, [...page.kinds]]);
          return Promise.resolve([]);
        },
      },
    });
    const sources = [of('a', ['ORDER']), of('b', ['TICKET', 'CALL']), of('z', ['MESSAGE'])];
    await loadPage(sources, { kinds: ['CALL', 'MESSAGE'] });
    expect(calls.splice(0)).toEqual([
      ['b', ['CALL']],
      ['z', ['MESSAGE']],
    ]);
    const none = await loadPage(sources, { kinds: [] });
    expect([calls, none.nodes, none.missing]).toEqual([[], [], []]);
  });

  it('calls no source for a kind that the caller may not see, and refuses a request for only such kinds', async () => {
    const requested: TimelineKind[][] = [];
    const page: TimelineSource['timeline']['page'] = (_, { kinds }) => {
      requested.push([...kinds]);
      return Promise.resolve([]);
    };
    const sources = [
      { name: 'a', timeline: { kinds: KINDS, page } },
      { name: 'b', timeline: { kinds: ['CALL'], page } },
    ];
    const maySee = (place: string) => place !== 'TimelineKind.CALL';
    const restricted = { permissions: { ...context.permissions, maySee } } as Partial<Context> as Context;
    const load = (kinds: Args['kinds']) =>
      timelinePage(customer, { first: 20, after: null, kinds, since: null }, sources, restricted);
    await load(null);
    expect(requested).toEqual([['ORDER', 'TICKET']]);
    await expect(load(['ORDER', 'CALL'])).rejects.toThrow(ForbiddenError);
    expect(requested).toHaveLength(1);
  });

  it('shows an entry with the fields that its source returns, and null for the rest', async () => {
    const items: TimelineItem[] = [
      {
        kind: 'ORDER',
        at: '2026-11-01T12:00:00.123456Z',
        id: 'O1',
        title: 'Order O1',
        status: 'PAID',
        amount: { amount: '12.50', currency: 'EUR' },
      },
      { kind: 'CALL', at: '2026-11-01T12:00:00Z', id: 'C1' },
    ];
    const { nodes, edges } = await loadPage([source('a', items)]);
    expect(nodes).toEqual([
      {
        kind: 'ORDER',
        happenedAt: '2026-11-01T12:00:00.123Z',
        source: 'a',
        recordId: 'O1',
        title: 'Order O1',
        status: 'PAID',
        amount: { amount: '12.50', currency: 'EUR' },
      },
      {
        kind: 'CALL',
        happenedAt: '2026-11-01T12:00:00.000Z',
        source: 'a',
        recordId: 'C1',
        title: null,
        status: null,
        amount: null,
      },
    ]);
    expect(edges.map(({ node }) => node)).toEqual(nodes);
  });

  it('reports a source with an invalid moment', async () => {
    const { missing } = await loadPage([
      source('z', []),
      source('a', [{ kind: 'ORDER', at: 'yesterday', id: '1' }]),
    ]);
    expect(missing).toEqual([{ source: 'a', code: 'SOURCE_CONTRACT' }]);
  });

  it.each([
    ['nothing', ''],
    ['a word', 'garbage'],
    ['another list', encodeCursor('Customer.events', ['2026-11-01T12:00:00.000000Z', 'a', '1'])],
    ['no moment', encodeCursor('Customer.timeline', ['yesterday', 'a', '1'])],
    ['a moment in another notation', encodeCursor('Customer.timeline', ['2026-11-01T12:00:00Z', 'a', '1'])],
    ['an invalid day', encodeCursor('Customer.timeline', ['2026-02-30T12:00:00.000000Z', 'a', '1'])],
    ['an invalid year', encodeCursor('Customer.timeline', ['0000-02-20T12:00:00.000000Z', 'a', '1'])],
  ])("refuses a cursor of %s as the caller's mistake, and calls no source", async (_, after) => {
    const calls: string[] = [];
    await expect(loadPage([source('a', [], calls)], { after })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
    });
    expect(calls).toEqual([]);
  });

  it('requests no moment after the last one of four-digit years', async () => {
    const calls: TimelineRequest['before'][] = [];
    const listening: TimelineSource = {
      name: 'a',
      timeline: {
        kinds: KINDS,
        page: (_, { before }) => {
          calls.push(before);
          return Promise.resolve([{ kind: 'ORDER', at: '2026-11-01T12:00:00Z', id: '1' }]);
        },
      },
    };
    const after = encodeCursor('Customer.timeline', ['9999-12-31T23:59:59.999999Z', 'z', '1']);
    expect(idsOf(await loadPage([listening], { after }))).toEqual(['a:1']);
    expect(calls).toEqual([{ at: '9999-12-31T23:59:59.999999Z', id: '' }]);
  });

  it.each([
    '',
    'yesterday',
    '2026-11-01',
    '2026-11-01T12:00:00',
    '2026-02-30T12:00:00Z',
    '9999-12-31T23:00:00-02:00',
  ])('refuses "%s" as `since`', async (from) => {
    await expect(loadPage([], { since: from })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('accepts `since` in any time zone and with any precision', async () => {
    const calls: (string | null)[] = [];
    const listening: TimelineSource = {
      name: 'a',
      timeline: {
        kinds: KINDS,
        page: (_, page) => {
          calls.push(page.since);
          return Promise.resolve([]);
        },
      },
    };
    for (const from of [
      '2026-11-01T12:00:00Z',
      '2026-11-01T13:00:00.5+01:00',
      '2026-11-01T12:00:00.123456789Z',
    ])
      await loadPage([listening], { since: from });
    expect(calls).toEqual([
      '2026-11-01T12:00:00.000000Z',
      '2026-11-01T12:00:00.500000Z',
      '2026-11-01T12:00:00.123456Z',
    ]);
  });

  it.each([0, 101, -1])('refuses a page of %d entries', async (first) => {
    await expect(loadPage([], { first })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it.each([
    ['a defect', new TypeError('A defect of the gateway.')],
    ["the caller's mistake", new InvalidInputError('A text in the query has an invalid character.')],
  ])('throws %s, and does not report a missing source', async (_, error) => {
    const broken: TimelineSource = {
      name: 'a',
      timeline: { kinds: KINDS, page: () => Promise.reject(error) },
    };
    await expect(loadPage([broken, source('b', [])])).rejects.toBe(error);
  });
});
