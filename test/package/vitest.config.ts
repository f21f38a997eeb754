import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/**
 * Tests the package in an empty folder, as npm installs it: `npx vitest run --config test/package/vitest.config.ts`. It installs the package's
 * dependencies from npm's cache, or else from the registry.
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    globalSetup: ['test/package/install-package.ts'],
    include: [
      'test/package/*.package.ts',
      // Uses the installed package too. Without the vendors' contracts it cannot run.
      ...(existsSync(process.env['CONTRACTS'] ?? '') ? ['test/contracts/nine-systems/*.package.ts'] : []),
    ],
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect,
  },
});
