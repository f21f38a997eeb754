import { describe, expect, test } from 'vitest';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { findFinished, rememberFinished } from '../../src/identity/finished-walks.js';
import type { Identifier } from '../../src/identity/identifiers.js';
import type { IdentifyingSource } from '../../src/identity/matching.js';
import { Lookup, Walk } from '../../src/identity/walk.js';

const source = (name: string): IdentifyingSource => ({
  name,
  identity: { recordKey: `${name}Id`, yields: {}, foundBy: {} },
});
const [CRM, SHOP] = [source('crm'), source('shop')];
const RELEVANT = [CRM, SHOP];
const EVA: Identifier = { namespace: 'email', value: 'eva@example.nl' };
const JAN: Identifier = { namespace: 'email', value: 'jan@example.nl' };
const PHONE: Identifier = { namespace: 'phone', value: EVA.value };

type Answer = readonly CustomerRecord[] | undefined;
interface Parts {
  start?: Identifier;
  relevant?: readonly IdentifyingSource[];
  lookups?: readonly [source: IdentifyingSource, identifier: Identifier, answer: Answer][];
  /** The number of lookups after each round. */
  steps?: readonly number[];
}

const [FIRST, SECOND]: Answer[] = [[], []];
const LOOKUPS: NonNullable<Parts['lookups']> = [
  [CRM, EVA, FIRST],
  [SHOP, EVA, SECOND],
];

function walk({ start = EVA, relevant = RELEVANT, lookups = LOOKUPS, steps = [] }: Parts = {}): Walk {
  const created = new Walk(start, relevant);
  for (const [from, identifier, answer] of lookups) {
    const lookup = new Lookup(from, identifier);
    lookup.loaded = answer;
    created.lookups.push(lookup);
  }
  for (const count of steps) created.steps.push({ lookups: count, next: null });
  return created;
}

describe('a finished walk', () => {
  test.each<[string, Parts, boolean]>([
    ['the same answers', {}, true],
    ['another start', { start: JAN }, false],
    ['a start of the same text in another namespace', { start: PHONE }, false],
    ['other relevant sources', { relevant: [CRM] }, false],
    [
      'another second answer',
      {
        lookups: [
          [CRM, EVA, FIRST],
          [SHOP, EVA, []],
        ],
      },
      false,
    ],
    [
      'a second lookup without an answer',
      {
        lookups: [
          [CRM, EVA, FIRST],
          [SHOP, EVA, undefined],
        ],
      },
      false,
    ],
    [
      'the second answer from another source',
      {
        lookups: [
          [CRM, EVA, FIRST],
          [CRM, EVA, SECOND],
        ],
      },
      false,
    ],
    [
      'the second answer for another identifier',
      {
        lookups: [
          [CRM, EVA, FIRST],
          [SHOP, JAN, SECOND],
        ],
      },
      false,
    ],
    ['fewer lookups in the round', { lookups: [[CRM, EVA, FIRST]] }, false],
    ['the first round of one lookup', { steps: [1] }, false],
  ])('is reused or not for a walk with %s', (_, parts, isReused) => {
    const earlier = walk({ steps: [2] });
    rememberFinished(earlier);
    expect(findFinished(walk(parts))).toBe(isReused ? earlier : undefined);
  });

  test('is reused in its second round only after a first round with equally many lookups', () => {
    const earlier = walk({ steps: [1, 2] });
    rememberFinished(earlier);
    expect(findFinished(walk({ steps: [1] }))).toBe(earlier);
    expect(findFinished(walk({ steps: [2] }))).toBeUndefined();
    expect(findFinished(walk({ lookups: [[CRM, EVA, FIRST]] }))).toBe(earlier);
  });

  test('is not remembered if a lookup failed', () => {
    const first: Answer = [];
    rememberFinished(
      walk({
        lookups: [
          [CRM, EVA, first],
          [SHOP, EVA, undefined],
        ],
        steps: [2],
      }),
    );
    expect(
      findFinished(
        walk({
          lookups: [
            [CRM, EVA, first],
            [SHOP, EVA, undefined],
          ],
        }),
      ),
    ).toBeUndefined();
  });

  test('replaces only an earlier one with the same start and sources', () => {
    const others = [walk({ start: JAN, steps: [2] }), walk({ relevant: [CRM], steps: [2] })];
    const [earlier, later] = [walk({ steps: [2] }), walk({ steps: [2] })];
    for (const each of [...others, earlier, later]) rememberFinished(each);
    expect(findFinished(walk())).toBe(later);
    expect(findFinished(walk({ start: JAN }))).toBe(others[0]);
    // The relevant sources are compared as one list, so a walk needs the same list.
    expect(findFinished(walk({ relevant: others[1]?.relevant ?? [] }))).toBe(others[1]);
  });
});
