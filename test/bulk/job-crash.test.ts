import { expect, it } from 'vitest';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { isThorough } from '../support/thorough.js';
import { crashJobs } from './crashing-jobs.js';

/** BULK_KILLS=200 runs more, by hand. */
const KILLS = Number(process.env['BULK_KILLS'] ?? (isThorough ? 10 : 2));
const TIMEOUT_MS = 120_000 + KILLS * 20_000;

it(
  'loses no row of a job, and repeats none, if one of two gateways with one file is killed at any time',
  async () => {
    expectNothingLost(await crashJobs({ kills: KILLS }));
  },
  TIMEOUT_MS,
);

it.runIf(isThorough)(
  'loses no row of a job, and repeats none, if one of two gateways with one PostgreSQL is killed at any time',
  async () => {
    const system = await startOrderSystem(createWorld({ customers: 1 }));
    try {
      expectNothingLost(await crashJobs({ kills: KILLS, postgresUrl: system.ownerUrl }));
    } finally {
      await system.close();
    }
  },
  TIMEOUT_MS,
);

function expectNothingLost(report: Awaited<ReturnType<typeof crashJobs>>): void {
  expect(report).toMatchObject({ kills: KILLS, unfinished: [], lost: [], repeated: [], wrong: [] });
  expect(report.rows).toBeGreaterThanOrEqual(4_500);
}
