import { describe, expect, it } from 'vitest';
import { isNotFound, kindOf, readRateLimits } from '../../sources/facebook/errors.js';
import { timeline } from '../../sources/facebook/timeline.js';
import { itemsAfter, newestItems, readCursor, toCursor } from '../../sources/facebook/walk.js';
import type { Context, Customer } from '../../src/customer/customer.js';

interface Item {
  at: string;
  id: string;
}

/** Reads pages of items. The cursor of a page is its number; null is the first. */
function pageReader(pages: readonly (readonly Item[])[], last: string | null = null) {
  const read: (string | null)[] = [];
  return {
    read,
    readPage: (cursor: string | null) => {
      read.push(cursor);
      const number = Number(cursor ?? 0);
      const next = number + 1 < pages.length ? String(number + 1) : last;
      return Promise.resolve({ items: pages[number] ?? [], next });
    },
  };
}

const item = (at: string, id = 'm'): Item => ({ at, id });

describe('the items of Facebook after a position', () => {
  const pages = [[item('9'), item('8', 'b'), item('8', 'a')], [], [item('7'), item('5')]];
  const after = async (position: { page: string | null; at: string; id: string } | null, count: number) => {
    const { readPage, read } = pageReader(pages);
    const found = await itemsAfter(
      { what: 'messages', readPage, positionOf: (found: Item) => found },
      position,
      count,
    );
    return { items: found.map(({ item: { at, id }, position: { page } }) => [at, id, page]), read };
  };

  it.each([
    ['the first', null, 2, ['9 m null', '8 b null'], [null]],
    [
      'all, even after an empty page',
      null,
      9,
      ['9 m null', '8 b null', '8 a null', '7 m 2', '5 m 2'],
      [null, '1', '2'],
    ],
    ['those after one', { page: null, at: '9', id: 'm' }, 1, ['8 b null'], [null]],
    ['those of the same moment', { page: null, at: '8', id: 'b' }, 1, ['8 a null'], [null]],
    ['those of the next page', { page: null, at: '8', id: 'a' }, 1, ['7 m 2'], [null, '1', '2']],
    ['those after a deleted one', { page: null, at: '8.5', id: 'x' }, 1, ['8 b null'], [null]],
    ['those of a later page', { page: '2', at: '7', id: 'm' }, 3, ['5 m 2'], ['2']],
  ])('are %s', async (_, position, count, expected, read) => {
    const found = await after(position, count);
    expect(found.items.map((parts) => parts.map(String).join(' '))).toEqual(expected);
    expect(found.read).toEqual(read);
  });

  it.each([
    ['that leads to itself', [[item('9')]], '0', 2],
    ['without an end', Array.from({ length: 11 }, () => []), null, 10],
  ])('are an error in a list %s', async (_, list, last, calls) => {
    const { readPage, read } = pageReader(list, last);
    const found = itemsAfter({ what: 'messages', readPage, positionOf: (of: Item) => of }, null, 5);
    await expect(found).rejects.toMatchObject({ kind: 'incomplete' });
    expect(read).toHaveLength(calls);
  });

  it('are found on the tenth page too', async () => {
    const list = Array.from({ length: 10 }, (_, i) => (i === 9 ? [item('1')] : []));
    const { readPage } = pageReader(list);
    expect(
      await itemsAfter({ what: 'messages', readPage, positionOf: (of: Item) => of }, null, 5),
    ).toHaveLength(1);
  });
});

describe('the newest items of Facebook', () => {
  it.each([
    ['until there are enough', 5, 2, { items: 2, isComplete: false, calls: 2 }],
    ['until the last page', 5, 9, { items: 3, isComplete: true, calls: 3 }],
    ['up to a number of pages', 2, 9, { items: 2, isComplete: false, calls: 2 }],
    ['all, if exactly that number', 3, 9, { items: 3, isComplete: true, calls: 3 }],
  ])('are read %s', async (_, maxPages, enough, expected) => {
    const { readPage, read } = pageReader([[item('3')], [item('2')], [item('1')]]);
    const { items, isComplete } = await newestItems(readPage, {
      maxPages,
      isEnough: (found) => found.length >= enough,
    });
    expect({ items: items.length, isComplete, calls: read.length }).toEqual(expected);
  });

  it('are read until a page leads to itself', async () => {
    const { readPage, read } = pageReader([[item('3')], [item('2')]], '1');
    expect(await newestItems(readPage, { maxPages: 9, isEnough: () => false })).toMatchObject({
      isComplete: false,
    });
    expect(read).toHaveLength(2);
  });
});

describe('a cursor of Facebook', () => {
  it.each([null, 'abc=', '...'])('has the page %s', (page) => {
    const position = { page, at: '2026-11-01T00:00:00.000Z', id: 'm' };
    expect(readCursor('list', toCursor('list', position))).toEqual(position);
  });

  it.each(['.', '..'])('is refused with the page %s, which no address can have', (page) => {
    expect(() => readCursor('list', toCursor('list', { page, at: '1', id: 'm' }))).toThrow('cursor');
  });
});

describe('the messages of Facebook on the timeline', () => {
  const moment = (second: number) => new Date(Date.UTC(2026, 10, 1, 0, 0, second)).toISOString();
  /** A conversation whose message `s` is of that second, the newest 59. Ten are on a page. */
  const pageOf = (seconds: readonly number[], next: string | null) => ({
    items: seconds.map((second) => ({
      ...{ recordId: `m${second}`, text: ` a\n b${second} `, isByCustomer: true, createdAt: moment(second) },
    })),
    next,
  });
  const page = async (request: { first: number; before?: number; since?: number }, more = {}) => {
    const calls: (string | null)[] = [];
    const load = (loader: { name: string }, key: { cursor: string | null }) => {
      if (loader.name === 'conversationPages')
        return Promise.resolve({ items: [{ recordId: 't1', userId: '3' }], next: null, ...more });
      calls.push(key.cursor);
      const newest = 59 - Number(key.cursor ?? 0);
      const seconds = Array.from({ length: 10 }, (_, i) => newest - i);
      return Promise.resolve(pageOf(seconds, newest > 10 ? String(69 - newest) : null));
    };
    const part = await timeline.page(
      { identifiers: () => Promise.resolve(['3']) } as unknown as Customer,
      {
        kinds: new Set(timeline.kinds),
        first: request.first,
        before: request.before === undefined ? null : { at: moment(request.before), id: 'm' },
        since: request.since === undefined ? null : moment(request.since),
      },
      { load } as unknown as Context,
    );
    if (!('items' in part)) throw new Error('The messages are sorted.');
    return { part, calls: calls.length };
  };

  it.each([
    ['the first page', { first: 9 }, 1, [50]],
    ['a page whose last message could have others beside it', { first: 10 }, 2, [40]],
    ['a page after a moment', { first: 5, before: 50 }, 2, [40]],
    ['a page after the moment of a message, without that message', { first: 4, before: 46 }, 2, [40]],
    ['the messages of a period', { first: 100, since: 45 }, 2, [40]],
    ['the messages since the last one of a page', { first: 100, since: 50 }, 2, [40]],
    ['all messages', { first: 100 }, 6, []],
  ])('are read as far as needed for %s', async (_, request, calls, readBackTo) => {
    const read = await page(request);
    expect(read.calls).toBe(calls);
    expect(read.part.readBackTo).toEqual(readBackTo.map(moment));
  });

  it('have their text on one line', async () => {
    const { part } = await page({ first: 1 });
    expect(part.items[0]).toEqual({ kind: 'MESSAGE', at: moment(59), id: 'm59', title: 'a b59' });
  });

  it('may all be missing if a conversation may be missing', async () => {
    await expect(page({ first: 1 }, { next: 'more' })).rejects.toMatchObject({ kind: 'incomplete' });
  });

  it.each([
    ['x'.repeat(100), 'x'.repeat(100)],
    ['x'.repeat(101), `${'x'.repeat(99)}…`],
    [null, null],
  ])('have the title of %s', async (text, title) => {
    const load = (loader: { name: string }) =>
      Promise.resolve(
        loader.name === 'conversationPages'
          ? { items: [{ recordId: 't1', userId: '3' }], next: null }
          : { items: [{ recordId: 'm1', text, createdAt: moment(1) }], next: null },
      );
    const part = await timeline.page(
      { identifiers: () => Promise.resolve(['3']) } as unknown as Customer,
      { kinds: new Set(timeline.kinds), first: 1, before: null, since: null },
      { load } as unknown as Context,
    );
    expect(part).toMatchObject({ items: [{ title }], readBackTo: [] });
  });

  it('are all missing before a conversation without a page that has messages', async () => {
    const load = (loader: { name: string }, { cursor }: { cursor: string | null }) =>
      Promise.resolve(
        loader.name === 'conversationPages'
          ? { items: [{ recordId: 't1', userId: '3' }], next: null }
          : { items: [], next: `${cursor ?? ''}x` },
      );
    const part = await timeline.page(
      { identifiers: () => Promise.resolve(['3']) } as unknown as Customer,
      { kinds: new Set(timeline.kinds), first: 1, before: null, since: null },
      { load } as unknown as Context,
    );
    expect(part).toEqual({ items: [], readBackTo: ['9999-12-31T23:59:59Z'] });
  });
});

describe('an error of Meta', () => {
  it.each([
    [[4, 17, 32, 613, 80_000, 80_004, 80_014], 'rate-limited'],
    [[190, 102], 'unauthenticated'],
    [[10, 200, 250, 299], 'forbidden'],
    [[1, 2], 'unavailable'],
    [[3, 5, 18, 100, 199, 300, 79_999, 80_015], undefined],
  ])('with a code of %o is %s', (codes, kind) => {
    for (const code of codes) expect([code, kindOf({ code })]).toEqual([code, kind]);
  });

  it('about the proof of the secret is about credentials', () => {
    expect(kindOf({ code: 100, message: 'Invalid appsecret_proof provided' })).toBe('unauthenticated');
    expect(kindOf({ code: 101, message: 'Invalid appsecret_proof provided' })).toBeUndefined();
  });

  it.each([
    [100, true],
    [803, true],
    [190, false],
  ])('with the code %d is about an unknown id: %s', (code, expected) => {
    expect(isNotFound({ code })).toBe(expected);
  });

  it.each([
    ['{"1":[{"estimated_time_to_regain_access":2}]}', 120_000],
    ['{"1":[{"estimated_time_to_regain_access":2},{"estimated_time_to_regain_access":5}],"2":[{}]}', 300_000],
    ['{"1":[{"estimated_time_to_regain_access":0}]}', undefined],
    ['{"1":[{"call_count":9}]}', undefined],
    ['no JSON', undefined],
  ])('comes with the usage %s, so the next call is after %s ms', (header, retryAfterMs) => {
    expect(readRateLimits({ 'x-business-use-case-usage': header })).toEqual(
      retryAfterMs === undefined ? undefined : { retryAfterMs },
    );
    expect(readRateLimits({ 'x-app-usage': header })).toBeUndefined();
  });
});
