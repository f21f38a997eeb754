import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pages, pagesOfEach } from '../../src/connectors/paging.js';
import { SourceContractError } from '../../src/errors.js';
import { createProtection } from '../../src/resilience/wrap.js';
import { CallController } from '../../src/v8/call-signal.js';

interface Page {
  values: readonly number[];
  next?: string | undefined;
}

const shop = { source: 'shop', what: 'things' };
const tooMany = new SourceContractError('shop', 'shop holds more things than can be read at once.');

/** A system with these pages, each with a link to the next one. Counts its calls. */
function linked(all: readonly (readonly number[])[]) {
  const requests: (string | undefined)[] = [];
  return {
    requests,
    ...shop,
    read: (link: string | undefined): Promise<Page> => {
      requests.push(link);
      const at = link === undefined ? 0 : Number(link.slice(1));
      return Promise.resolve({ values: all[at] ?? [], next: at + 1 < all.length ? `/${at + 1}` : undefined });
    },
    items: ({ values }: Page) => values,
    next: ({ next }: Page) => next,
  };
}

describe('the pages of a list', () => {
  it('are read by link to the end, in their order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 8 }), async (all) => {
        const { requests, ...system } = linked(all);
        expect(await pages(system)).toEqual({ items: all.flat(), isComplete: true });
        expect(requests).toHaveLength(Math.max(1, all.length));
      }),
    );
  });

  it('are read by offset', async () => {
    const all = Array.from({ length: 25 }, (_, i) => i);
    const offsets: (number | undefined)[] = [];
    const list = await pages({
      ...shop,
      read: (offset: number | undefined) => {
        offsets.push(offset);
        return Promise.resolve(all.slice(offset ?? 0, (offset ?? 0) + 10));
      },
      items: (page) => page,
      next: (page, { length }) => (page.length < 10 ? undefined : length),
    });
    expect(list).toEqual({ items: all, isComplete: true });
    expect(offsets).toEqual([undefined, 10, 20]);
  });

  it('are read by cursor, where null ends the list', async () => {
    const list = await pages({
      ...shop,
      read: (cursor: string | undefined) =>
        Promise.resolve(cursor === undefined ? { of: ['a'], after: 'x' } : { of: ['b'], after: null }),
      items: ({ of }) => of,
      next: ({ after }) => after,
    });
    expect(list).toEqual({ items: ['a', 'b'], isComplete: true });
  });

  it.each([
    ['pages', { maxPages: 2 }, [1, 2, 3]],
    ['items', { maxItems: 3 }, [1, 2, 3]],
    ['items, which is reached within a page', { maxItems: 4 }, [1, 2, 3, 4, 5]],
    ['what is needed', { isEnough: (read: readonly number[]) => read.includes(2) }, [1, 2, 3]],
  ])('are read up to the limit of %s, and the list is marked as incomplete', async (_, bound, expected) => {
    const { requests, ...system } = linked([[1], [2, 3], [4, 5], [6]]);
    expect(await pages({ ...system, ...bound, acceptPart: true })).toEqual({
      items: expected,
      isComplete: false,
    });
    expect(requests.length).toBeLessThan(4);
  });

  it.each([{ maxPages: 2 }, { maxItems: 3 }, { isEnough: () => true }])(
    'are a complete list if the limit is reached with the last page: %j',
    async (bound) => {
      const system = linked(bound.isEnough === undefined ? [[1], [2, 3]] : [[1, 2, 3]]);
      expect(await pages({ ...system, ...bound })).toEqual({ items: [1, 2, 3], isComplete: true });
    },
  );

  it.each([{ maxPages: 2 }, { maxItems: 3 }])(
    'are an error if there are more pages beyond a limit: %j',
    async (bound) => {
      const { requests, ...system } = linked([[1], [2, 3], [4, 5], [6]]);
      await expect(pages({ ...system, ...bound })).rejects.toEqual(tooMany);
      expect(requests).toHaveLength(2);
    },
  );

  it('are not an error if enough items were read at the limit', async () => {
    const system = linked([[1], [2, 3], [4, 5]]);
    const list = await pages({ ...system, maxPages: 2, isEnough: (read) => read.includes(3) });
    expect(list).toEqual({ items: [1, 2, 3], isComplete: false });
  });

  it('are an empty list if there is no first page', async () => {
    const list = await pages({
      ...shop,
      read: () => Promise.resolve(null),
      items: () => [1],
      next: () => 'on',
    });
    expect(list).toEqual({ items: [], isComplete: true });
  });

  it('end after ten pages if the system always has a further one', async () => {
    let count = 0;
    const list = await pages({
      ...shop,
      acceptPart: true,
      read: () => Promise.resolve((count += 1)),
      items: (page) => [page],
      next: (page) => page,
    });
    expect(list).toEqual({ items: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], isComplete: false });
  });

  it('end after ten thousand items', async () => {
    const page = Array.from({ length: 4_000 }, (_, i) => i);
    let count = 0;
    const { items, isComplete } = await pages({
      ...shop,
      acceptPart: true,
      read: () => Promise.resolve((count += 1)),
      items: () => page,
      next: (at) => at,
    });
    expect([items.length, isComplete, count]).toEqual([12_000, false, 3]);
  });

  it.each([
    ['to itself', ['/1', '/1']],
    ['in a circle', ['/1', '/2', '/1']],
  ])('are an error when a page leads %s', async (_, links) => {
    let count = -1;
    const reading = pages({
      ...shop,
      acceptPart: true,
      read: () => Promise.resolve({ link: links[(count += 1)] }),
      items: () => [1],
      next: ({ link }) => link,
    });
    await expect(reading).rejects.toEqual(tooMany);
    await expect(reading).rejects.toMatchObject({ code: 'SOURCE_CONTRACT', kind: 'incomplete' });
    expect(count).toBe(links.length - 1);
  });

  it('fail with the error of the page that fails', async () => {
    const error = new Error('the second page fails');
    const reading = pages({
      ...shop,
      read: (at: string | undefined) => (at === undefined ? Promise.resolve(1) : Promise.reject(error)),
      items: () => [1],
      next: () => 'second',
    });
    await expect(reading).rejects.toBe(error);
  });

  it('are not read further after the call is cancelled', async () => {
    const controller = new CallController();
    const scope = createProtection({ source: 'shop', limits: {}, clock: performance, observe: {} }).scope({
      priority: 'interactive',
      signal: controller.signal,
    });
    let count = 0;
    const reading = pages({
      ...shop,
      read: () =>
        scope.run(() => {
          count += 1;
          if (count === 3) controller.abort(new Error('The caller has disconnected.'));
          return Promise.resolve(count);
        }),
      items: (page) => [page],
      next: (page) => page,
    });
    await expect(reading).rejects.toThrow('The caller has disconnected.');
    expect(count).toBe(3);
  });
});

describe('the pages of several lists', () => {
  it('are read together, each list until its last page', async () => {
    const lists: Record<string, readonly number[]> = { a: [1, 2, 3], b: [], c: [4] };
    const rounds: unknown[] = [];
    const found = await pagesOfEach(['a', 'b', 'c'], {
      ...shop,
      read: (open: readonly { key: string; at: number | undefined }[]) => {
        rounds.push(open.map(({ key, at = 0 }) => `${key}${at}`));
        return Promise.resolve(
          open.map(({ key, at = 0 }) => {
            const items = lists[key] ?? [];
            return { values: items.slice(at, at + 1), next: at + 1 < items.length ? at + 1 : null };
          }),
        );
      },
      items: ({ values }) => values,
      next: ({ next }) => next,
    });
    expect(found).toEqual([
      { items: [1, 2, 3], isComplete: true },
      { items: [], isComplete: true },
      { items: [4], isComplete: true },
    ]);
    expect(rounds).toEqual([['a0', 'b0', 'c0'], ['a1'], ['a2']]);
  });

  it('fail separately: an error, a repeated page, and a missing page', async () => {
    const error = new Error('not this one');
    const found = await pagesOfEach(['error', 'late error', 'circle', 'none', 'no next', 'good'], {
      ...shop,
      read: (open: readonly { key: string; at: string | undefined }[]) =>
        Promise.resolve(
          open.map(({ key, at }) => {
            if (key === 'error' || (key === 'late error' && at !== undefined)) return error;
            if (key === 'none' || (key === 'no next' && at !== undefined)) return null;
            return { values: [1], next: key === 'good' ? undefined : 'again' };
          }),
        ),
      items: ({ values }) => values,
      next: ({ next }) => next,
    });
    expect(found).toEqual([
      error,
      error,
      tooMany,
      { items: [], isComplete: true },
      tooMany,
      { items: [1], isComplete: true },
    ]);
  });

  it('are incomplete if a linked page is missing', async () => {
    const found = await pagesOfEach(['a'], {
      ...shop,
      acceptPart: true,
      read: (open: readonly { at: string | undefined }[]) =>
        Promise.resolve(open.map(({ at }) => (at === undefined ? { values: [1] } : null))),
      items: ({ values }) => values,
      next: () => 'next',
    });
    expect(found).toEqual([{ items: [1], isComplete: false }]);
  });
});
