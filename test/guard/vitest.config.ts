import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/** Compares calls and bytes of a request with fixed bounds: `npx vitest run --config test/guard/vitest.config.ts`. */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    globalSetup: ['test/guard/compile-gateway.ts'],
    include: ['test/guard/*.guard.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect,
  },
});
