import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransientMap } from '../../src/v8/transient-map.js';

describe('a map of short-lived entries', () => {
  it('returns the last value that was set and not deleted, as a Map does', () => {
    const step = fc.record({ key: fc.nat(5), isSet: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (all) => {
        const [ours, model] = [new TransientMap<number, object>(), new Map<number, object>()];
        for (const { key, isSet } of all) {
          const value = {};
          for (const map of [ours, model])
            if (isSet) map.set(key, value);
            else map.delete(key);
          for (let key = 0; key <= 5; key += 1) expect(ours.get(key)).toBe(model.get(key));
        }
      }),
    );
  });
});
