import { defineConfig } from 'vitest/config';
import ordinary from '../../vitest.config.js';

/**
 * Runs all cases of the tests that `npm test` shortens, with each file in its own process:
 * `npx vitest run --config test/long/vitest.config.ts`
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    ...ordinary.test,
    include: [
      'test/context/tokens-forged.test.ts',
      'test/gateway/{execution,faults-and-freshness,hostile-answers,visitor}.test.ts',
      'test/http/suites-with-*.test.ts',
      'test/privacy/{audit-crash,matrix}.test.ts',
      'test/webhooks/crash.test.ts',
    ],
    isolate: true,
    provide: { isThorough: true },
  },
});
