import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** How long a test looks for what must come: a machine that does much else takes its time. */
export const expect = { poll: { timeout: 10_000 } };

/** Tests that count all timers of their process. */
const COUNTS_TIMERS =
  /test\/(resilience\/|cache\/cache\.|identity\/identity-graph\.|webhooks\/(deliver-pump|event-pace)\.|http\/overload\.)/;

/** Runs the tests that count timers first: a connection that an earlier file used could set one meanwhile. */
class TimerTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [
      ...sorted.filter(({ moduleId }) => COUNTS_TIMERS.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !COUNTS_TIMERS.test(moduleId)),
    ];
  }
}

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
    setupFiles: ['test/support/real-timers.ts'],
    testTimeout: 20_000,
    // Hooks start databases and gateways, which takes long on a busy machine. They assert nothing.
    hookTimeout: 60_000,
    expect,
    // The suite in test/long takes all cases of the tests that have many.
    provide: { isThorough: false },
    // A worker imports the engine once for all its files, so a file leaves nothing behind: no timer, spy, or open server.
    isolate: false,
    sequence: { sequencer: TimerTestsFirst },
    // A test often waits for a timeout or another process; the workers beyond the cores use that time.
    maxWorkers: availableParallelism() + 2,
  },
});
