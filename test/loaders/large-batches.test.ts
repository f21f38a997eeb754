import { countSteps } from '../support/count-steps.js';
import { expect, test } from 'vitest';
import { defineLoader } from '../../src/loaders/loader.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type LoadingClient } from '../support/loading.js';

/** Tests that the number of steps of a large batch grows at most in proportion to its keys. */

const SIZE = 60;

/** Answers each key in a separate microtask, the last key first. */
const oneByOne = defineLoader<LoadingClient, string, string>({
  name: 'oneByOne',
  loadEach: (keys) =>
    keys.map(async (key, i) => {
      for (let step = i; step < keys.length; step += 1) await Promise.resolve();
      return key;
    }),
});
async function load(size: number): Promise<string[]> {
  const loading = createLoading({ clock: fakeClock() });
  loading.registry.add(loading.source('shop'), oneByOne);
  const { load: loadKey } = loading.newRequest();
  const values = await Promise.all(Array.from({ length: size }, (_, i) => loadKey(oneByOne, `key ${i}`)));
  loading.close();
  return values;
}

test('a large batch needs steps in proportion to its keys if they are loaded one by one', async () => {
  expect(new Set(await load(SIZE)).size).toBe(SIZE);
  const stepsOf = (size: number) => countSteps('loaders', () => load(size));
  const [some, twice] = [await stepsOf(SIZE), await stepsOf(2 * SIZE)];
  expect(twice / some).toBeLessThan(2.2);
});
