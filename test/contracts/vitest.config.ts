import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/**
 * Checks the stand-ins against the vendors' published contracts, which are not part of this repository:
 * `CONTRACTS=<folder with them> npx vitest run --config test/contracts/vitest.config.ts`
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: { include: ['test/contracts/*.contract.ts'], testTimeout: 60_000, hookTimeout: 60_000, expect },
});
