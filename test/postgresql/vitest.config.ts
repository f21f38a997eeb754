import { defineConfig } from 'vitest/config';
import ordinary, { expect } from '../../vitest.config.js';

/**
 * Events and deliveries of several instances in a real PostgreSQL. `POSTGRESQL_URL` is one whose role may create
 * databases; each file has its own there, and drops it:
 * `POSTGRESQL_URL=postgres://postgres@127.0.0.1:5432/postgres npx vitest run --config test/postgresql/vitest.config.ts`
 */
export default defineConfig({
  ...ordinary,
  root: `${import.meta.dirname}/../..`,
  test: { include: ['test/postgresql/*.postgresql.ts'], testTimeout: 60_000, hookTimeout: 60_000, expect },
});
