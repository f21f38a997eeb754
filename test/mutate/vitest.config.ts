import { defineConfig } from 'vitest/config';
import ordinary from '../../vitest.config.js';

/** The tests that `npm run mutate` selects; it runs them in a copy of the repository. */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: { ...ordinary.test, isolate: true, include: process.env['MUTATE_TESTS']?.split(',') ?? [] },
});
