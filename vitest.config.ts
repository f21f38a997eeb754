import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Vitest would load graphql's ESM build for our imports while its CommonJS build serves the libraries:
    // two copies, whose types do not recognise each other.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/start-stand-ins.ts'],
    testTimeout: 20_000,
    // Tests mostly wait for systems: on two cores one worker at a time would take a quarter of an hour.
    maxWorkers: '100%',
  },
});
