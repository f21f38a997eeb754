import { defineConfig } from 'vitest/config';

/** How long a test looks for what must come: a machine that does much else takes its time. */
export const expect = { poll: { timeout: 10_000 } };

export default defineConfig({
  resolve: {
    // Vitest would load graphql's ESM build for our imports while its CommonJS build serves the libraries:
    // two copies, whose types do not recognise each other.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/start-stand-ins.ts', 'test/support/other-suites.ts'],
    testTimeout: 20_000,
    expect,
    // Tests mostly wait for systems: on two cores one worker at a time would take a quarter of an hour.
    maxWorkers: '100%',
  },
});
