import { defineConfig } from 'vitest/config';
import ordinary from '../../vitest.config.js';

/**
 * The tests of which `npm test` takes a part, with all their cases, each file in a process of its own:
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
      'test/http/by-*.test.ts',
      'test/privacy/{audit-crash,matrix}.test.ts',
      'test/webhooks/crash.test.ts',
    ],
    isolate: true,
    provide: { isThorough: true },
  },
});
