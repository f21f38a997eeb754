import { expect, it } from 'vitest';
import { isThorough } from '../support/thorough.js';
import { crashJobs } from './crashing-jobs.js';

/** BULK_KILLS=200 runs more, by hand. test/postgresql has the same test with a PostgreSQL. */
const KILLS = Number(process.env['BULK_KILLS'] ?? (isThorough ? 10 : 1));

it(
  'loses no row of a job, and repeats none, if one of two gateways with one file is killed at any time',
  async () => {
    const report = await crashJobs({ kills: KILLS });
    const violations = { unfinished: [], lost: [], repeated: [], wrong: [], refused: [] };
    expect(report).toMatchObject({ kills: KILLS, ...violations });
    expect(report.rows).toBeGreaterThanOrEqual(4_500);
  },
  120_000 + KILLS * 20_000,
);
