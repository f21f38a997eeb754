import { describe, expect, it } from 'vitest';
import { objectsIn, parsePath, stepsBelow } from '../../src/connectors/graphql/path.js';

describe('a path in a vendor’s schema', () => {
  it.each<[string, Record<string, unknown>, { text: string; items: number | undefined }[]]>([
    ['a', {}, [{ text: 'a', items: undefined }]],
    [
      'orders(first: 2, sortKey: UPDATED_AT).nodes.0',
      {},
      [
        { text: 'orders(first: 2, sortKey: UPDATED_AT)', items: 2 },
        { text: 'nodes', items: undefined },
        { text: '0', items: undefined },
      ],
    ],
    [
      'lines(first: $first, after: $after, reverse: $reverse)',
      { first: 25, after: 'eyJ=', reverse: false },
      [{ text: 'lines(first: 25, after: "eyJ=", reverse: false)', items: 25 }],
    ],
    [
      'lines(first: $first, after: $after)',
      { first: 1, after: null },
      [{ text: 'lines(first: 1, after: null)', items: 1 }],
    ],
    ['lines(query: $query)', {}, [{ text: 'lines(query: $query)', items: undefined }]],
    ['lines(after: $after)', { after: 'a") {x}' }, [{ text: 'lines(after: null)', items: undefined }]],
  ])('selects %s with %j', (path, args, segments) => {
    expect(parsePath(path, args)).toEqual(segments);
  });

  it.each([0, -1, 1.5, 100_000])('refuses %j items', (first) => {
    expect(() => parsePath('lines(first: $first)', { first })).toThrow();
  });

  it('selects fields and indexes of lists', () => {
    expect(stepsBelow(parsePath('orders(first: 2).nodes.10.name', {}))).toEqual(['nodes', 10, 'name']);
    expect(stepsBelow(parsePath('a.b(c: 1).d', {}))).toEqual(['b', 'd']);
    expect(stepsBelow(parsePath('a', {}))).toEqual([]);
  });

  it.each([
    ['a', 0],
    ['a.b', 1],
    ['a.b.c', 2],
  ])('%s has %i objects before its leaf', (path, count) => {
    expect(objectsIn(path)).toBe(count);
  });
});
