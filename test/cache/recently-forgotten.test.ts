import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { createRecentlyForgotten, type CallPeriod } from '../../src/cache/recently-forgotten.js';

const TAGS = ['jan', 'piet', 'shop', 'crm'];
const some = fc.subarray(TAGS);

it('returns what was forgotten since a call began, until the call ends', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ do: 'begin' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('forget' as const), tags: some }) },
    { weight: 1, arbitrary: fc.constant({ do: 'forget' as const, tags: undefined }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const recentlyForgotten = createRecentlyForgotten();
      /** The tags that were forgotten since the start of each open call. Undefined: all tags. */
      let open: { period: CallPeriod; since: Set<string> | undefined }[] = [];
      for (const step of steps) {
        if (step.do === 'begin') open.push({ period: recentlyForgotten.begin(), since: new Set() });
        else if (step.do === 'end') {
          const ended = open[step.which % Math.max(1, open.length)];
          if (ended !== undefined) recentlyForgotten.end(ended.period);
          open = open.filter((other) => other !== ended);
        } else {
          recentlyForgotten.add(step.tags);
          for (const question of open)
            if (step.tags === undefined) question.since = undefined;
            else for (const tag of step.tags) question.since?.add(tag);
        }
        for (const { period, since } of open)
          expect(TAGS.map((tag) => recentlyForgotten.has([tag], period))).toEqual(
            TAGS.map((tag) => since?.has(tag) ?? true),
          );
      }
    }),
    { numRuns: 300 },
  );
});

it('treats all tags as forgotten for a call that never ends, so that the list stays bounded', () => {
  const recentlyForgotten = createRecentlyForgotten();
  const period = recentlyForgotten.begin();
  for (let i = 0; i < 100; i += 1)
    recentlyForgotten.add(Array.from({ length: 1_000 }, (_, at) => `${i} ${at}`));
  expect(recentlyForgotten.has(['jan'], period)).toBe(false);
  recentlyForgotten.add(['one more']);
  expect(recentlyForgotten.has(['jan'], period)).toBe(true);
  expect(recentlyForgotten.has(['jan'], recentlyForgotten.begin())).toBe(false);
});

it('holds no tags for calls that have ended', () => {
  const recentlyForgotten = createRecentlyForgotten();
  const names = (round: string, count: number) => Array.from({ length: count }, (_, at) => `${round} ${at}`);
  // Together with the 2,000 tags at the end, these exceed the limit of the list.
  for (let round = 0; round < 99; round += 1) {
    const ended = recentlyForgotten.begin();
    recentlyForgotten.add(names(`open ${round}`, 1_000));
    expect(recentlyForgotten.has(['jan'], ended)).toBe(false);
    recentlyForgotten.end(ended);
    recentlyForgotten.add(names(`none open ${round}`, 1_000));
  }
  const period = recentlyForgotten.begin();
  recentlyForgotten.add(names('last', 2_000));
  expect(recentlyForgotten.has(['jan'], period)).toBe(false);
  expect(recentlyForgotten.has(['last 0'], period)).toBe(true);
});

it('has no tags in memory when no call is in progress', () => {
  const set = vi.spyOn(Map.prototype, 'set');
  const recentlyForgotten = createRecentlyForgotten();
  const [first, second] = [recentlyForgotten.begin(), recentlyForgotten.begin()];
  recentlyForgotten.add(['jan', 'piet']);
  recentlyForgotten.add(['jan']);
  const third = recentlyForgotten.begin();
  recentlyForgotten.add(['kim']);
  const tags = set.mock.contexts[0] as Map<unknown, unknown>;
  set.mockRestore();
  expect([...tags.keys()]).toEqual(['jan', 'piet', 'kim']);
  for (const [period, left] of [
    [second, ['jan', 'piet', 'kim']],
    [first, ['kim']],
    [third, []],
  ] as const) {
    recentlyForgotten.end(period);
    expect([...tags.keys()]).toEqual(left);
  }
});
