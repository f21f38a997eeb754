import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/**
 * What instances share, in real Redis servers. The tests start them; `redis-server` must be installed, or `REDIS_SERVER`
 * say which program it is: `npx vitest run --config test/redis/vitest.config.ts`
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    include: ['test/redis/*.redis.ts'],
    globalSetup: ['test/support/temporary-folder.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect,
  },
});
