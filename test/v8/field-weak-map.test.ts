import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldWeakMap } from '../../src/v8/field-weak-map.js';

describe('a WeakMap that uses private fields', () => {
  it('returns the last value of each object, as a WeakMap does, separately for each map', () => {
    const steps = fc.array(fc.record({ key: fc.nat(5), table: fc.nat(1), value: fc.option(fc.nat()) }));
    fc.assert(
      fc.property(steps, (all) => {
        const keys = Array.from({ length: 6 }, () => ({}));
        const pairs = [0, 1].map(() => ({
          ours: fieldWeakMap<object, number | null>(),
          model: new WeakMap<object, number | null>(),
        }));
        for (const { key, table, value } of all) {
          const [object, pair] = [keys[key] ?? {}, pairs[table]];
          pair?.ours.set(object, value);
          pair?.model.set(object, value);
          for (const { ours, model } of pairs)
            for (const key of keys) expect(ours.get(key)).toBe(model.get(key));
        }
      }),
    );
  });

  it('leaves no visible trace in an object, frozen or not', () => {
    const table = fieldWeakMap<object, string>();
    for (const object of [{ a: 1 }, Object.freeze({ a: 1 })]) {
      table.set(object, 'known');
      expect(table.get(object)).toBe('known');
      expect(object).toStrictEqual({ a: 1 });
      expect(Reflect.ownKeys(object)).toEqual(['a']);
      expect(JSON.stringify(object)).toBe('{"a":1}');
      expect(table.get({ ...object })).toBeUndefined();
      expect(table.get(structuredClone(object))).toBeUndefined();
    }
  });
});
