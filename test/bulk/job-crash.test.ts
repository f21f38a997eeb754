import { expect, it } from 'vitest';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { isThorough } from '../support/thorough.js';
import { crashJobs } from './crashing-jobs.js';

/** BULK_KILLS=200 runs more, by hand. */
const KILLS = Number(process.env['BULK_KILLS'] ?? (isThorough ? 10 : 1));

const inFile = () => crashJobs({ kills: KILLS });
async function inPostgresql() {
  const system = await startOrderSystem(createWorld({ customers: 1 }));
  try {
    return await crashJobs({ kills: KILLS, postgresUrl: system.ownerUrl });
  } finally {
    await system.close();
  }
}

it.each([['file', inFile] as const, ...(isThorough ? [['PostgreSQL', inPostgresql] as const] : [])])(
  'loses no row of a job, and repeats none, if one of two gateways with one %s is killed at any time',
  async (_, crash) => {
    const report = await crash();
    expect(report).toMatchObject({ kills: KILLS, unfinished: [], lost: [], repeated: [], wrong: [] });
    expect(report.rows).toBeGreaterThanOrEqual(4_500);
  },
  120_000 + KILLS * 20_000,
);
