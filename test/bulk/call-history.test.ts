import { describe, expect, test } from 'vitest';
import { createCallHistory } from '../../src/bulk/call-history.js';

const sizesOf = (keys: number, maxKeys: number): number[] =>
  keys > maxKeys ? [maxKeys, ...sizesOf(keys - maxKeys, maxKeys)] : [keys];

/** What a part loads with one loader: one call for each batch, unless given. */
const loadedBy = (
  sizes: readonly number[],
  maxKeys: number,
  callsOf: (size: number) => number = () => 1,
  cachedRecords = 0,
) => [
  {
    source: 'shop',
    records: sizes.reduce((sum, size) => sum + size, cachedRecords),
    cachedRecords,
    batches: sizes.map((size) => ({
      ...{ loader: 'orders', maxKeys, slots: { length: size } },
      ...{ calls: callsOf(size), scope: { retries: 0 } },
    })),
  },
];

describe('the calls of earlier parts', () => {
  test('show nothing before the first part', () => {
    const history = createCallHistory();
    expect(history.callsOf(100)).toBeUndefined();
    expect(history.msPerLine).toBeUndefined();
  });

  const cases: [string, number[], number, ((size: number) => number) | undefined, number, number][] = [
    ['one call for all keys', [100], Infinity, undefined, 1_000, 1],
    ['batches of 100', sizesOf(250, 100), 100, undefined, 1_000, 10],
    ['two groups of keys, one after the other', [100, 100], Infinity, undefined, 1_000, 2],
    ['a call for each key', [50], Infinity, (size) => size, 1_000, 200],
    ['a call for each key, in batches of one', sizesOf(50, 1), 1, undefined, 1_000, 200],
  ];
  test.each(cases)('are projected to a larger part: %s', (_, sizes, maxKeys, callsOf, lines, expected) => {
    const history = createCallHistory();
    history.add(250, loadedBy(sizes, maxKeys, callsOf), 500);
    expect(history.callsOf(lines)?.get('shop')).toBeCloseTo(expected);
    expect(history.msPerLine).toBe(2);
  });

  test('do not count cached records as cheap', () => {
    const history = createCallHistory();
    // Half of the records were cached.
    history.add(100, loadedBy(sizesOf(50, 1), 1, undefined, 50), 100);
    history.add(100, loadedBy([], 1, undefined, 100), 100);
    expect(history.callsOf(100)?.get('shop')).toBeCloseTo(100);
  });
});
