import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../src/webhooks/store-database.js';
import { storeOver } from '../../src/webhooks/store-over.js';
import { openSqlite } from '../../src/webhooks/store-sqlite.js';
import type { WebhookStore } from '../../src/webhooks/store.js';
import { anEvent } from './store-contract.js';

const NOW = 1_000_000;
const HOUR_MS = 3_600_000;
/** Rows that one statement of the sweep deletes. */
const ROWS_PER_STATEMENT = 2_000;

let folder: string;
let database: Database;
let store: WebhookStore;
let at = NOW;

beforeEach(async () => {
  at = NOW;
  folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  database = await openSqlite(join(folder, 'webhooks.db'));
  store = await storeOver(database, { secret: 'a secret of the test', now: () => at });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const claims = async (): Promise<unknown> => {
  const [[row] = []] = await database.run([{ sql: 'SELECT COUNT(*) AS count FROM webhook_claims' }]);
  return row?.['count'];
};

async function planOne(): Promise<string> {
  await store.add([anEvent('1')]);
  const [leased] = await store.leaseEvents(1, HOUR_MS);
  if (leased === undefined) throw new Error('There is no event.');
  const once = { key: 'a', until: at + HOUR_MS };
  const plan = { trigger: 'orderPlaced', endpoint: 'mailer', orderKey: 'a', dueAt: at, once };
  const [id = ''] = await store.processed(leased, { deliveries: [plan] });
  return id;
}

it('a sweep deletes claims after they end, and not before', async () => {
  await planOne();
  at += HOUR_MS;
  await store.sweep();
  expect(await claims()).toBe(1);
  at += 1;
  await store.sweep();
  expect(await claims()).toBe(0);
});

it('a sweep deletes all that has ended, in several statements', async () => {
  await database.run([
    {
      sql: `INSERT INTO webhook_claims (claim_key, holder, until_at)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        SELECT 'claim ' || i, '', 0 FROM n`,
      values: [2 * ROWS_PER_STATEMENT + 1],
    },
  ]);
  expect(await claims()).toBe(2 * ROWS_PER_STATEMENT + 1);
  await store.sweep();
  expect(await claims()).toBe(0);
});

it('a sweep ends a delivery that another instance planned while its endpoint was disabled', async () => {
  const id = await planOne();
  await store.disable('mailer', 'status 410');
  await database.run([{ sql: "UPDATE webhook_deliveries SET state = 'waiting'" }]);
  await store.sweep();
  expect(await store.find(id)).toMatchObject({ state: 'dead', reason: 'endpoint is disabled' });
});
