import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columns } from '../../sources/clickstream/stand-in/columns.js';
import { startClickstream } from '../../sources/clickstream/stand-in/index.js';
import { customersOf, writeManyEvents } from '../../sources/clickstream/stand-in/many-events.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';

describe('the stand-in of the click log', () => {
  const world = createWorld({ customers: 20 });
  let standIn: StandIn;
  let connection: DuckDBConnection;
  let parent: string;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'stekkerdoos-many-'));
    standIn = await startClickstream(world);
    connection = await (await DuckDBInstance.create(':memory:')).connect();
  });
  afterAll(async () => {
    connection.closeSync();
    await standIn.close();
    await rm(parent, { recursive: true, force: true });
  });

  const rows = async (folder: string, select: string): Promise<unknown[]> =>
    (
      await connection.runAndReadAll(
        `SELECT ${select} FROM read_parquet('${folder}/**/*.parquet', hive_partitioning = true)`,
      )
    ).getRowObjectsJson();

  it('has a folder for each day of the collector, with Parquet files in the columns of the canonical event', async () => {
    const folder = fileURLToPath(standIn.url);
    expect(standIn.settings(standIn.url)).toMatchObject({ CLICKSTREAM_FOLDER: folder });
    for (const day of await readdir(folder)) expect(day).toMatch(/^collector_date=2026-(09|10|11)-\d\d$/);
    const described = await connection.runAndReadAll(
      `DESCRIBE SELECT * FROM read_parquet('${folder}/**/*.parquet', hive_partitioning = false)`,
    );
    expect(described.getRows().map(([name]) => name)).toEqual([...Object.keys(columns)]);
  });

  it('has every click of the seed data once, and no later events', async () => {
    const clicks = world.people.flatMap(
      (person) => person.clickstream?.visits.flatMap(({ events }) => events) ?? [],
    );
    expect(
      await rows(
        fileURLToPath(standIn.url),
        `count(*)::INTEGER AS events, count(DISTINCT event_id)::INTEGER AS ids, count(DISTINCT user_id)::INTEGER AS users,
         max(collector_tstamp) < '2026-11-02'::TIMESTAMPTZ AS ended`,
      ),
    ).toEqual([
      {
        events: clicks.length,
        ids: clicks.length,
        users: new Set(clicks.flatMap(({ userId }) => userId ?? [])).size,
        ended: true,
      },
    ]);
  });

  it('generates the same events for the same number of events', async () => {
    const many = { events: 4_000, days: 3 };
    const folders = [join(parent, 'one'), join(parent, 'other')] as const;
    for (const folder of folders) await writeManyEvents(folder, many);
    const [first, second] = await Promise.all(
      folders.map((folder) =>
        rows(
          folder,
          `count(*)::INTEGER AS events, count(DISTINCT event_id)::INTEGER AS ids, count(DISTINCT user_id) > 50 AS users,
           count(DISTINCT collector_date)::INTEGER AS days, sum(hash(event_id, collector_tstamp)) AS content`,
        ),
      ),
    );
    expect(first).toMatchObject([{ events: 4_000, ids: 4_000, users: true }]);
    expect(first).toEqual(second);
    expect(customersOf(many)).toBe(100);
  });
});
