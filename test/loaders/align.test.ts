import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignMany, alignOne } from '../../src/loaders/align.js';

interface Rec {
  key: string;
  text: string;
}

const keyOf = ({ key }: Rec): string => key;
const keys = fc.array(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', ''), { maxLength: 8 });
/** In any order, with some missing, some repeated, and some that nobody asked for. */
const records = fc.array(
  fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'toString', ''), text: fc.string() }),
  { maxLength: 20 },
);

describe('putting records beside the keys that asked for them', () => {
  it('gives each key its first record or null, whatever order they come in', () => {
    fc.assert(
      fc.property(keys, records, (asked, found) => {
        const aligned = alignOne(asked, found, keyOf);
        expect(aligned).toHaveLength(asked.length);
        for (const [i, key] of asked.entries()) {
          expect(aligned[i]).toBe(found.find((record) => record.key === key) ?? null);
        }
      }),
    );
  });

  it('gives each key all of its records in their order, and none of another', () => {
    fc.assert(
      fc.property(keys, records, (asked, found) => {
        const aligned = alignMany(asked, found, keyOf);
        expect(aligned).toHaveLength(asked.length);
        for (const [i, key] of asked.entries()) {
          expect(aligned[i]).toEqual(found.filter((record) => record.key === key));
        }
      }),
    );
  });

  it('gives the same whatever order different records come in', () => {
    const distinct = fc.uniqueArray(
      records.map((all) => all[0] ?? { key: 'a', text: '' }),
      { selector: keyOf },
    );
    fc.assert(
      fc.property(keys, distinct, fc.infiniteStream(fc.nat()), (asked, found, places) => {
        const order = [...places.take(found.length)];
        const shuffled = found
          .map((record, i) => ({ record, place: order[i] ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ record }) => record);
        expect(alignOne(asked, shuffled, keyOf)).toEqual(alignOne(asked, found, keyOf));
      }),
    );
  });

  it('gives a key that is asked twice two lists, so that changing one leaves the other', () => {
    const [first, second] = alignMany(['a', 'a'], [{ key: 'a', text: '' }], keyOf);
    first?.push({ key: 'a', text: 'more' });
    expect(second).toHaveLength(1);
  });
});
