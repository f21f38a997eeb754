import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceContractError } from '../../src/errors.js';
import { alignMany, alignOne, alignSingle, isSameByCollation, uniqueById } from '../../src/loaders/align.js';

interface Rec {
  key: string;
  id: number;
}

const options = { source: 'shop', keyOf: ({ key }: Rec): string => key, idOf: ({ id }: Rec) => id };
const NAMES = ['a', 'b', 'c', '__proto__', 'constructor', ''] as const;
const keys = fc.array(fc.constantFrom<string>(...NAMES), { minLength: 1, maxLength: 8 });
/** Keys, and their records in any order, with some missing and some repeated. */
const answers = keys.chain((requested) =>
  fc.record({
    requested: fc.constant(requested),
    found: fc.array(fc.record({ key: fc.constantFrom(...requested), id: fc.nat(5) }), { maxLength: 20 }),
  }),
);
const foreign = fc.record({ key: fc.constantFrom('d', 'toString', 'A!'), id: fc.nat(5) });

/** The expected records of a key: the first record of each id. */
function recordsOf(key: string, found: readonly Rec[]): Rec[] {
  const matching = found.filter((record) => record.key === key);
  return matching.filter((record, i) => matching.findIndex(({ id }) => id === record.id) === i);
}

describe('the alignment of records with the keys that requested them', () => {
  it('returns the first record of each key or null, for any order of the records', () => {
    fc.assert(
      fc.property(answers, ({ requested, found }) => {
        const aligned = alignOne(requested, found, options);
        expect(aligned).toHaveLength(requested.length);
        for (const [i, key] of requested.entries())
          expect(aligned[i]).toBe(found.find((record) => record.key === key) ?? null);
      }),
    );
  });

  it('returns exactly the records of each key in order, once for each id', () => {
    fc.assert(
      fc.property(answers, ({ requested, found }) => {
        const aligned = alignMany(requested, found, options);
        expect(aligned).toHaveLength(requested.length);
        for (const [i, key] of requested.entries()) expect(aligned[i]).toEqual(recordsOf(key, found));
      }),
    );
  });

  it('returns the same result if records are repeated', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat(), { maxLength: 5 }), ({ requested, found }, places) => {
        const repeated = [...found, ...places.flatMap((place) => found[place % found.length] ?? [])];
        expect(alignMany(requested, repeated, options)).toEqual(alignMany(requested, found, options));
        expect(alignOne(requested, repeated, options)).toEqual(alignOne(requested, found, options));
      }),
    );
  });

  it('returns the same result for any order of different records', () => {
    const shuffled = answers.chain(({ requested, found }) => {
      const distinct = [...new Map(found.map((record) => [record.key, record])).values()];
      return fc.record({
        requested: fc.constant(requested),
        found: fc.constant(distinct),
        other: fc.shuffledSubarray(distinct, { minLength: distinct.length }),
      });
    });
    fc.assert(
      fc.property(shuffled, ({ requested, found, other }) => {
        expect(alignOne(requested, other, options)).toEqual(alignOne(requested, found, options));
      }),
    );
  });

  it('refuses an answer with a record that no key requested', () => {
    fc.assert(
      fc.property(answers, foreign, fc.nat(), ({ requested, found }, stranger, place) => {
        const mixed = found.toSpliced(place % (found.length + 1), 0, stranger);
        expect(() => alignOne(requested, mixed, options)).toThrow(SourceContractError);
        expect(() => alignMany(requested, mixed, options)).toThrow(SourceContractError);
      }),
    );
  });

  it('omits such records if the system also returns similar matches', () => {
    fc.assert(
      fc.property(answers, foreign, fc.nat(), ({ requested, found }, stranger, place) => {
        const mixed = found.toSpliced(place % (found.length + 1), 0, stranger);
        const loose = { ...options, matching: 'loose' } as const;
        expect(alignMany(requested, mixed, loose)).toEqual(alignMany(requested, found, options));
        expect(alignOne(requested, mixed, loose)).toEqual(alignOne(requested, found, options));
      }),
    );
  });

  it.each([
    ['case', 'EVA@example.nl'],
    ['accents', 'éva@example.nl'],
    ['blanks around it', ' eva@example.nl '],
  ])('omits a record that a collation finds under a key that differs in %s', (_, key) => {
    const collation = { ...options, matching: 'collation' } as const;
    const record = { key: 'eva@example.nl', id: 1 };
    expect(alignMany(['eva@example.nl'], [record, { key, id: 2 }], collation)).toEqual([[record]]);
    expect(() => alignMany(['eva@example.nl'], [record, { key, id: 2 }], options)).toThrow(
      SourceContractError,
    );
  });

  it('refuses a record that no collation would match', () => {
    const collation = { ...options, matching: 'collation' } as const;
    expect(() => alignMany(['eva@example.nl'], [{ key: 'ev@example.nl', id: 2 }], collation)).toThrow(
      SourceContractError,
    );
  });

  it('has the source but no key in its error', () => {
    let error: unknown;
    try {
      alignOne(['eva@example.nl'], [{ key: 'jan@example.nl', id: 1 }], options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'SOURCE_CONTRACT',
      kind: 'wrong-record',
      source: 'shop',
      message: 'shop returned a record that was not requested.',
    });
  });

  it('returns a record with several keys under each requested key', () => {
    const several = { source: 'shop', keyOf: ({ all }: { all: string[] }) => all, idOf: () => 1 };
    const record = { all: ['a', 'b', 'z'] };
    expect(alignMany(['b', 'a', 'c'], [record], several)).toEqual([[record], [record], []]);
    expect(() => alignMany(['c'], [record], several)).toThrow(SourceContractError);
    expect(() => alignMany(['c'], [{ all: [] }], several)).toThrow(SourceContractError);
  });

  it('returns two lists for a key that is requested twice, so that they can be changed separately', () => {
    const [first, second] = alignMany(['a', 'a'], [{ key: 'a', id: 1 }], options);
    first?.push({ key: 'a', id: 2 });
    expect(second).toHaveLength(1);
  });

  it('compares a single record with the key that requested it', () => {
    const record = { key: 'a', id: 1 };
    expect(alignSingle('a', record, options)).toBe(record);
    expect(alignSingle('a', null, options)).toBeNull();
    expect(() => alignSingle('b', record, options)).toThrow(SourceContractError);
  });

  it('returns the first record of each id in a list without keys', () => {
    const [first, second] = [
      { key: 'a', id: 1 },
      { key: 'b', id: 2 },
    ];
    expect(uniqueById([first, second, { key: 'c', id: 1 }], options.idOf)).toEqual([first, second]);
  });

  it('accepts a record with several keys if a collation finds one of them', () => {
    const collation = {
      source: 'shop',
      keyOf: ({ all }: { all: string[] }) => all,
      matching: 'collation',
    } as const;
    expect(alignOne(['a'], [{ all: ['z', 'A'] }], collation)).toEqual([null]);
    expect(() => alignOne(['a'], [{ all: ['z', 'y'] }], collation)).toThrow(SourceContractError);
  });

  it('returns the first of several records with the same id', () => {
    const [older, newer] = [
      { key: 'a', id: 1, name: 'older' },
      { key: 'a', id: 1, name: 'newer' },
    ];
    expect(alignMany(['a'], [older, newer], options)[0]?.[0]).toBe(older);
  });
});

describe('two texts', () => {
  it.each([
    ['eva', 'eva', true],
    ['eva', 'EVA', true],
    ['eva', 'éva', true],
    ['eva', ' eva ', true],
    ['ﬁets', 'FIETS', true],
    ['straße', 'STRASSE', true],
    ['eva', 'ev', false],
    ['eva', 'e va', false],
    ['eva', 'eva!', false],
    ['', 'eva', false],
  ])('%j and %j are equal for a collation: %s', (text, other, expected) => {
    expect(isSameByCollation(text, other)).toBe(expected);
    expect(isSameByCollation(other, text)).toBe(expected);
  });
});
