import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fifo, type Queued } from '../../src/resilience/fifo.js';

interface Entry extends Queued<Entry> {
  number: number;
}

it('preserves the order of arrival if elements are removed from any place', () => {
  const step = fc.oneof(
    fc.constant('add' as const),
    fc.constant('remove first' as const),
    fc.nat({ max: 20 }), // removes the one at this place
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new Fifo<Entry>();
      const expected: Entry[] = [];
      for (const [number, item] of steps.entries()) {
        if (item === 'add') {
          const entry: Entry = { number };
          expect(queue.has(entry)).toBe(false);
          queue.add(entry);
          expected.push(entry);
        } else {
          const [gone] = expected.splice(item === 'remove first' ? 0 : item, 1);
          if (gone === undefined) continue;
          expect(queue.has(gone)).toBe(true);
          queue.remove(gone);
          expect(queue.has(gone)).toBe(false);
        }
        expect(queue.length).toBe(expected.length);
        const found: number[] = [];
        for (let entry = queue.first; entry !== undefined; entry = entry.after) found.push(entry.number);
        expect(found).toEqual(expected.map((entry) => entry.number));
      }
    }),
  );
});
