import { availableParallelism } from 'node:os';
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
    globalSetup: [
      'test/support/temporary-folder.ts',
      'test/support/start-stand-ins.ts',
      'test/support/other-suites.ts',
    ],
    testTimeout: 20_000,
    // Hooks start databases and gateways, which takes long on a busy machine. They assert nothing.
    hookTimeout: 60_000,
    expect,
    // The suite in test/long takes all cases of the tests that have many.
    provide: { isThorough: false },
    // A worker imports the engine once for all its files, so a file leaves nothing behind: no timer, spy, or open server.
    isolate: false,
    // A test often waits for a timeout or another process; the workers beyond the cores use that time.
    maxWorkers: availableParallelism() + 2,
  },
});
