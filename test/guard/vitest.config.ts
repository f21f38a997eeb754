import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/** Holds what a request takes against bounds, by counting: `npx vitest run --config test/guard/vitest.config.ts`. */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: { include: ['test/guard/*.guard.ts'], testTimeout: 120_000, hookTimeout: 120_000, expect },
});
