import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createForgettings, type Asked } from '../../src/cache/forgettings.js';

const TAGS = ['jan', 'piet', 'shop', 'crm'];
const some = fc.subarray(TAGS);

it('tells what was forgotten since a question was put, as long as it is open', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ do: 'begin' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('forget' as const), tags: some }) },
    { weight: 1, arbitrary: fc.constant({ do: 'forget' as const, tags: undefined }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const forgettings = createForgettings();
      /** Of each open question the tags that were forgotten since; undefined: everything was. */
      let open: { asked: Asked; since: Set<string> | undefined }[] = [];
      for (const one of steps) {
        if (one.do === 'begin') open.push({ asked: forgettings.begin(), since: new Set() });
        else if (one.do === 'end') {
          const ended = open[one.which % Math.max(1, open.length)];
          if (ended !== undefined) forgettings.end(ended.asked);
          open = open.filter((other) => other !== ended);
        } else {
          forgettings.forget(one.tags);
          for (const question of open)
            if (one.tags === undefined) question.since = undefined;
            else for (const tag of one.tags) question.since?.add(tag);
        }
        for (const { asked, since } of open)
          expect(TAGS.map((tag) => forgettings.hasForgotten([tag], asked))).toEqual(
            TAGS.map((tag) => since?.has(tag) ?? true),
          );
      }
    }),
    { numRuns: 300 },
  );
});

it('takes everything for forgotten rather than hold names without end for a question that is never answered', () => {
  const forgettings = createForgettings();
  const asked = forgettings.begin();
  for (let i = 0; i < 100; i += 1) forgettings.forget(Array.from({ length: 1_000 }, (_, at) => `${i} ${at}`));
  expect(forgettings.hasForgotten(['jan'], asked)).toBe(false);
  forgettings.forget(['one more']);
  expect(forgettings.hasForgotten(['jan'], asked)).toBe(true);
  expect(forgettings.hasForgotten(['jan'], forgettings.begin())).toBe(false);
});
