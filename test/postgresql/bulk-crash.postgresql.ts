import { afterEach, beforeEach, expect, it } from 'vitest';
import { crashJobs } from '../bulk/crashing-jobs.js';
import { createDatabase } from './database.js';

const KILLS = Number(process.env['BULK_KILLS'] ?? 10);

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.close());

it(
  'two gateways lose no row of a job, and repeat none, if either of them is killed',
  async () => {
    const report = await crashJobs({ kills: KILLS, postgresUrl: database.url });
    expect(report).toMatchObject({ unfinished: [], lost: [], repeated: [], wrong: [], refused: [] });
    expect(report.rows).toBeGreaterThanOrEqual(4_500);
  },
  120_000 + KILLS * 20_000,
);
