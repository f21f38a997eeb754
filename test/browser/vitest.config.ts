import { defineConfig } from 'vitest/config';
import ordinary from '../../vitest.config.js';

/** Runs the pages in the Chromium at /usr/bin/chromium or at `CHROMIUM`: `npx vitest run --config test/browser/vitest.config.ts`. */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    ...ordinary.test,
    include: ['test/browser/*.browser.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
