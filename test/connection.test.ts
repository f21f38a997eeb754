import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  connection,
  connectionOfList,
  decodeCursor,
  encodeCursor,
  pageSize,
  type Connection,
} from '../src/connection.js';
import { globalId } from '../src/global-id.js';

interface Item {
  at: string;
  id: string;
}
const LIST = { name: 'Customer.things', positionOf: ({ at, id }: Item) => [at, id] as const };
const item = fc.record({ at: fc.constantFrom('2026-01-01', '2026-01-02', '2026-01-03'), id: fc.string() });
const items = fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 30 });
const newestFirst = (a: Item, b: Item): number =>
  a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1;

/** Reads pages until there is no next one. */
async function allPages<Node>(
  read: (after: string | null) => Connection<Node> | Promise<Connection<Node>>,
): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let after: string | null = null; ;) {
    const page: Connection<Node> = await read(after);
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor;
    if (after === null) throw new Error('There is a next page, but no cursor for it.');
  }
}

describe('a page of a list', () => {
  it('has all four fields of PageInfo, and an edge for each node', () => {
    const functions = {
      nodeOf: (item: string) => `node ${item}`,
      cursorOf: (item: string) => `cursor ${item}`,
    };
    const { edges, nodes, pageInfo } = connection(['a', 'b', 'c'], 2, functions);
    expect({ edges, nodes, pageInfo }).toEqual({
      edges: [
        { node: 'node a', cursor: 'cursor a' },
        { node: 'node b', cursor: 'cursor b' },
      ],
      nodes: ['node a', 'node b'],
      pageInfo: {
        hasNextPage: true,
        hasPreviousPage: false,
        startCursor: 'cursor a',
        endCursor: 'cursor b',
      },
    });
    expect(connection(['a', 'b'], 2, functions)).toMatchObject({
      nodes: ['node a', 'node b'],
      pageInfo: { hasNextPage: false, endCursor: 'cursor b' },
    });
    expect(connection([], 2, functions).pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: null,
    });
  });

  it.each([0, 101, -1, 1.5, NaN])('cannot have %d items', (first) => {
    expect(() => pageSize(first)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });
});

describe('a list that was loaded completely', () => {
  it('is divided into pages that together have each item once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.integer({ min: 1, max: 10 }), async (all, first) => {
        const descending = all.toSorted(newestFirst);
        expect(await allPages((after) => connectionOfList(all, { first, after }, LIST))).toEqual(descending);
        const ascending = { ...LIST, order: 'ASCENDING' as const };
        expect(await allPages((after) => connectionOfList(all, { first, after }, ascending))).toEqual(
          descending.toReversed(),
        );
      }),
    );
  });

  it('continues at the same place after newer items are added and the last item of the page is removed', () => {
    const old = [1, 2, 3, 4].map((day) => ({ at: `2026-01-0${day}`, id: String(day) }));
    const { endCursor } = connectionOfList(old, { first: 2 }, LIST).pageInfo;
    const now = [...old.filter(({ id }) => id !== '3'), { at: '2026-02-01', id: '5' }];
    const next = connectionOfList(now, { first: 2, after: endCursor }, LIST);
    expect(next.nodes.map(({ id }) => id)).toEqual(['2', '1']);
  });

  it('refuses a cursor of another list, even if the list is empty', () => {
    const after = encodeCursor('Customer.others', ['2026-01-01', '1']);
    expect(() => connectionOfList<Item>([], { first: 1, after }, LIST)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    );
  });
});

describe('a cursor', () => {
  it('contains the position that it was created from', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (list, position) => {
        expect(decodeCursor(list, encodeCursor(list, position), position.length)).toEqual(position);
      }),
    );
  });

  it.each([
    ['of another list', encodeCursor('Customer.others', ['a', 'b'])],
    ['with fewer parts', encodeCursor('Customer.things', ['a'])],
    ['with more parts', encodeCursor('Customer.things', ['a', 'b', 'c'])],
    ['that is empty', ''],
    ['that is a word', 'garbage'],
    ['of numbers', Buffer.from('["Customer.things",1,2]').toString('base64url')],
    ['of an object', Buffer.from('{"0":"Customer.things"}').toString('base64url')],
    ['of nothing', Buffer.from('null').toString('base64url')],
    ['with a NUL', encodeCursor('Customer.things', ['a', 'b\0'])],
    ['with half a character', encodeCursor('Customer.things', ['a', 'b\ud800'])],
    ['that is longer than any of ours', encodeCursor('Customer.things', ['a', 'b'.repeat(3_000)])],
  ])("%s is the caller's mistake", (_, cursor) => {
    expect(() => decodeCursor('Customer.things', cursor, 2)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    );
  });
});

describe('a global id', () => {
  it('is the same for the same object, and differs for any other', () => {
    const object = fc.tuple(fc.string(), fc.array(fc.string()));
    fc.assert(
      fc.property(object, object, ([type, key], [otherType, otherKey]) => {
        const isSame = type === otherType && JSON.stringify(key) === JSON.stringify(otherKey);
        expect(globalId(type, ...key) === globalId(otherType, ...otherKey)).toBe(isSame);
        expect(globalId(type, ...key)).toMatch(/^[\w-]+$/);
      }),
    );
  });
});
