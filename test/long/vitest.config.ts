import { defineConfig } from 'vitest/config';
import ordinary from '../../vitest.config.js';

/** Runs all cases of the tests that `npm test` shortens: `npx vitest run --config test/long/vitest.config.ts`. */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    ...ordinary.test,
    include: [
      'test/bulk/job-crash.test.ts',
      'test/context/tokens-forged.test.ts',
      'test/declared/fuzz.test.ts',
      'test/gateway/{callers-side-by-side,cost,execution,faults-and-freshness,hostile-answers,priority,visitor,flattened-operations,slow-part-later}.test.ts',
      'test/http/{front,suites-with-*}.test.ts',
      'test/identity/{normalisers,worlds}.test.ts',
      'test/loaders/interleavings.test.ts',
      'test/operation/{execution,response-cache}.test.ts',
      'test/privacy/{audit-crash,audit-verify,matrix}.test.ts',
      'test/recordings/drift.test.ts',
      'test/sources/{all-pages-of-the-shop,relation-pages,web-pages}.test.ts',
      'test/stitching/webshop-cost.test.ts',
      'test/webhooks/crash.test.ts',
    ],
    provide: { isThorough: true },
  },
});
