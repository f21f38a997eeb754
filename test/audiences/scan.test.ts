import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  evaluate,
  impliedLeaves,
  leavesOf,
  type Condition,
  type Truth,
} from '../../src/audiences/condition.js';
import {
  BEGINNING,
  scan,
  type Counts,
  type Identified,
  type Position,
  type Systems,
} from '../../src/audiences/scan.js';

/** A comparison of a made-up world, by its number. */
type Leaf = number;
const LEAVES: readonly Leaf[] = [0, 1, 2, 3];

interface Person {
  /** Undefined: a system fails that must be known to identify the person. */
  identified: 'customer' | 'ambiguous' | 'unknown';
  truths: readonly Truth[];
  /** Ids of the person's records in the listing system. */
  recordIds: readonly string[];
}

const leaf = (of: Leaf): Condition<Leaf> => ({ kind: 'leaf', leaf: of });

/** All comparisons that a list follows from: every member has a record that the list of a TRUE comparison contains. */
function systemsOf(people: () => readonly Person[], read: Leaf[] = []): Systems<Leaf, Person> {
  return {
    list: (seed, after, first) => {
      const listed = people()
        .filter(({ truths }) => truths[seed] !== 'FALSE')
        .flatMap(({ recordIds }) => recordIds)
        .toSorted()
        .filter((id) => after === null || id > after);
      return Promise.resolve({ recordIds: listed.slice(0, first), hasMore: listed.length > first });
    },
    identify: (_, recordIds) =>
      Promise.resolve(
        recordIds.map((id): Identified<Person> => {
          const person = people().find((candidate) => candidate.recordIds.includes(id));
          if (person === undefined) return { kind: 'none' };
          return person.identified === 'customer'
            ? { kind: 'customer', member: person, recordIds: person.recordIds }
            : { kind: person.identified };
        }),
      ),
    read: (of, members) => {
      read.push(of);
      return Promise.resolve(members.map(({ truths }) => truths[of] ?? 'UNKNOWN'));
    },
  };
}

interface Pages {
  members: Person[];
  counts: Counts;
}

async function readPages(
  systems: Systems<Leaf, Person>,
  { where, seed, order = LEAVES }: { where: Condition<Leaf>; seed: Leaf; order?: readonly Leaf[] },
  { first, maxParts, maxTogether }: { first: number; maxParts: number; maxTogether: number },
  betweenPages: () => void = () => undefined,
): Promise<Pages> {
  const members: Person[] = [];
  let from: Position = BEGINNING;
  for (let page = 0; page < 1_000; page += 1) {
    const result = await scan({ where, seed, order, from, first, maxParts, maxTogether }, systems);
    expect(result.members.length).toBeLessThanOrEqual(first);
    members.push(...result.members.map(({ member }) => member));
    from = result.end;
    if (!result.hasMore) return { members, counts: from.counts };
    betweenPages();
  }
  throw new Error('The pages do not end.');
}

const truth = fc.constantFrom<Truth>('TRUE', 'FALSE', 'UNKNOWN');
const person = fc.record({
  identified: fc.oneof(
    { weight: 6, arbitrary: fc.constant('customer' as const) },
    fc.constantFrom('ambiguous' as const, 'unknown' as const),
  ),
  truths: fc.tuple(truth, truth, truth, truth),
  recordCount: fc.integer({ min: 1, max: 3 }),
});
/** The records of the people are mixed in the list. */
const world = fc.array(person, { maxLength: 12 }).chain((people) => {
  const total = people.reduce((sum, { recordCount }) => sum + recordCount, 0);
  return fc
    .shuffledSubarray(
      Array.from({ length: total }, (_, i) => String(i).padStart(2, '0')),
      { minLength: total, maxLength: total },
    )
    .map((ids) => {
      let next = 0;
      return people.map(({ recordCount, ...rest }): Person => {
        const recordIds = ids.slice(next, (next += recordCount));
        return { ...rest, recordIds };
      });
    });
});
const { condition } = fc.letrec<{ condition: Condition<Leaf> }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...LEAVES).map(leaf),
    fc.record({
      kind: fc.constantFrom('all' as const, 'any' as const),
      of: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), of: tie('condition') }),
  ),
}));
const sizes = fc.record({
  first: fc.integer({ min: 1, max: 5 }),
  maxParts: fc.integer({ min: 1, max: 3 }),
  maxTogether: fc.integer({ min: 1, max: 6 }),
});

/**
 * The rules of the README, without the order of the reads: a customer is in, out or unknown. `all` needs each part, `any` needs one,
 * `not` is the opposite, and what is not known stays unknown.
 */
function naive(of: Condition<Leaf>, truths: readonly Truth[]): boolean | null {
  if (of.kind === 'leaf') return { TRUE: true, FALSE: false, UNKNOWN: null }[truths[of.leaf] ?? 'UNKNOWN'];
  if (of.kind === 'not') {
    const inner = naive(of.of, truths);
    return inner === null ? null : !inner;
  }
  const parts = of.of.map((part) => naive(part, truths));
  if (of.kind === 'all')
    return parts.some((part) => part === false) ? false : parts.some((part) => part === null) ? null : true;
  return parts.some((part) => part === true) ? true : parts.some((part) => part === null) ? null : false;
}

describe('evaluate', () => {
  test.each<[Condition<Leaf>['kind'], Truth[], Truth]>([
    ['all', ['TRUE', 'TRUE'], 'TRUE'],
    ['all', ['TRUE', 'UNKNOWN'], 'UNKNOWN'],
    ['all', ['FALSE', 'UNKNOWN'], 'FALSE'],
    ['any', ['FALSE', 'FALSE'], 'FALSE'],
    ['any', ['FALSE', 'UNKNOWN'], 'UNKNOWN'],
    ['any', ['TRUE', 'UNKNOWN'], 'TRUE'],
    ['not', ['TRUE'], 'FALSE'],
    ['not', ['FALSE'], 'TRUE'],
    ['not', ['UNKNOWN'], 'UNKNOWN'],
  ])('%s of %j is %s', (kind, truths, expected) => {
    const parts = truths.map((_, i) => leaf(i));
    const of: Condition<Leaf> =
      kind === 'not' ? { kind, of: leaf(0) } : { kind: kind === 'any' ? 'any' : 'all', of: parts };
    expect(evaluate(of, (index) => truths[index] ?? 'UNKNOWN')).toBe(expected);
  });
});

describe('impliedLeaves', () => {
  test.each<[string, Condition<Leaf>, Leaf[]]>([
    ['a comparison', leaf(0), [0]],
    ['each part of all', { kind: 'all', of: [leaf(0), { kind: 'all', of: [leaf(1)] }] }, [0, 1]],
    ['the only part of any', { kind: 'any', of: [leaf(2)] }, [2]],
    ['no part of any', { kind: 'any', of: [leaf(0), leaf(1)] }, []],
    ['no part of not', { kind: 'all', of: [{ kind: 'not', of: leaf(0) }, leaf(1)] }, [1]],
  ])('are %s', (_, of, expected) => {
    expect(impliedLeaves(of)).toEqual(expected);
  });

  test('are met by every customer who meets the condition', () => {
    fc.assert(
      fc.property(condition, fc.tuple(truth, truth, truth, truth), (where, truths) => {
        if (naive(where, truths) === true)
          expect(impliedLeaves(where).map((of) => truths[of])).not.toContain('FALSE');
      }),
    );
  });
});

describe('a scan', () => {
  test('finds the customers of a naive evaluation, each once, with the same counts, in pages of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        condition,
        sizes,
        fc.shuffledSubarray([...LEAVES], { minLength: 4 }),
        async (people, where, size, order) => {
          const [seed] = impliedLeaves(where);
          if (seed === undefined) return;
          const { members, counts } = await readPages(
            systemsOf(() => people),
            { where, seed, order },
            size,
          );
          const listed = people.filter(({ truths }) => truths[seed] !== 'FALSE');
          const expected = listed.filter(({ identified }) => identified === 'customer');
          expect(new Set(members)).toEqual(
            new Set(expected.filter(({ truths }) => naive(where, truths) === true)),
          );
          expect(new Set(members).size).toBe(members.length);
          const recordsOf = (kind: Person['identified']) =>
            listed.filter(({ identified }) => identified === kind).flatMap(({ recordIds }) => recordIds)
              .length;
          expect(counts).toEqual({
            matching: members.length,
            unknown:
              recordsOf('unknown') + expected.filter(({ truths }) => naive(where, truths) === null).length,
            ambiguous: recordsOf('ambiguous'),
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('differs by UNKNOWN alone while a system is unavailable', async () => {
    await fc.assert(
      fc.asyncProperty(world, condition, fc.constantFrom(...LEAVES), async (people, where, down) => {
        const [seed] = impliedLeaves(where).filter((of) => of !== down);
        if (seed === undefined) return;
        const size = { first: 3, maxParts: 2, maxTogether: 4 };
        const known = people.map((candidate): Person => ({ ...candidate, identified: 'customer' }));
        const failing = known.map((candidate) => ({
          ...candidate,
          truths: candidate.truths.map((of, i) => (i === down ? 'UNKNOWN' : of)),
        }));
        const healthy = await readPages(
          systemsOf(() => known),
          { where, seed },
          size,
        );
        const degraded = await readPages(
          systemsOf(() => failing),
          { where, seed },
          size,
        );
        const ids = ({ members }: Pages) => new Set(members.map(({ recordIds }) => recordIds[0]));
        expect([...ids(degraded)].filter((id) => !ids(healthy).has(id))).toEqual([]);
        expect(degraded.counts.matching + degraded.counts.unknown).toBeGreaterThanOrEqual(
          healthy.counts.matching + healthy.counts.unknown,
        );
      }),
      { numRuns: 100 },
    );
  });

  test('shows no customer twice, and omits none who does not change, while others change between pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        world,
        world,
        sizes,
        fc.integer({ min: 0, max: 11 }),
        async (people, later, size, from) => {
          const where = leaf(0);
          // From `from` on, the values of the customers change. Their records stay.
          const changed = people.map((candidate, i) =>
            i < from ? candidate : { ...candidate, truths: later[i]?.truths ?? candidate.truths },
          );
          let current: readonly Person[] = people;
          const { members } = await readPages(
            systemsOf(() => current),
            { where, seed: 0 },
            size,
            () => {
              current = current === people ? changed : people;
            },
          );
          const ids = members.map(({ recordIds }) => recordIds[0]);
          expect(new Set(ids).size).toBe(ids.length);
          for (const [i, candidate] of people.entries())
            if (
              changed[i]?.truths[0] === candidate.truths[0] &&
              candidate.truths[0] === 'TRUE' &&
              candidate.identified === 'customer'
            )
              expect(ids).toContain(candidate.recordIds[0]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('reads a comparison only for the customers that it can still decide', async () => {
    const people: Person[] = [
      { identified: 'customer', truths: ['TRUE', 'FALSE', 'TRUE'], recordIds: ['1'] },
      { identified: 'customer', truths: ['TRUE', 'FALSE', 'TRUE'], recordIds: ['2'] },
    ];
    const read: Leaf[] = [];
    const where: Condition<Leaf> = { kind: 'all', of: [leaf(0), leaf(1), leaf(2)] };
    await readPages(
      systemsOf(() => people, read),
      { where, seed: 0, order: [1, 2, 0] },
      { first: 5, maxParts: 1, maxTogether: 5 },
    );
    expect(read).toEqual([1]);
    expect(leavesOf(where)).toEqual([0, 1, 2]);
  });
});
