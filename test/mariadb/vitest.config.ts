import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/**
 * The order system in a real MariaDB. `MARIADB_URL` is one whose user may create databases and users; each file has
 * its own there, and drops them:
 * `MARIADB_URL=mariadb://root@127.0.0.1:3306 npx vitest run --config test/mariadb/vitest.config.ts`
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: {
    include: ['test/mariadb/*.mariadb.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect,
    // The files run in sequence, because they share one server, and its load would affect measured times.
    fileParallelism: false,
  },
});
