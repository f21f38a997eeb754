import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import type { StandIn, World } from '../../stand-ins/world.js';
import { columns } from './columns.js';
import { eventsOfVisit, type EventRow } from './events.js';
import { createEmitter, webhookSecret } from './webhook.js';

/**
 * A click log in the layout of Snowplow's lake loaders: Parquet files, with a folder for each day of
 * collection.
 */
export async function startClickstream(world: World): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-clickstream-'));
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const visits = world.people.flatMap(({ clickstream }) => clickstream?.visits ?? []);
    await writeEvents(join(folder, 'events'), visits.flatMap(eventsOfVisit));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name: 'clickstream',
    url: pathToFileURL(join(folder, 'events')).href,
    settings: (url) => ({
      CLICKSTREAM_FOLDER: fileURLToPath(url),
      CLICKSTREAM_WEBHOOK_SECRETS: webhookSecret,
    }),
    emitter: createEmitter(world, Date.now),
    close,
  };
}

/** Writes events to a folder that does not exist yet. */
export async function writeEvents(folder: string, events: readonly EventRow[]): Promise<void> {
  const lines = `${folder}.ndjson`;
  await writeFile(lines, events.map((event) => JSON.stringify(event)).join('\n'));
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    const connection = await database.connect();
    const types = Object.entries(columns).map(([name, type]) => `"${name}": '${type}'`);
    await connection.run(`
      COPY (
        SELECT *, strftime(collector_tstamp AT TIME ZONE 'UTC', '%Y-%m-%d') AS collector_date
        FROM read_json('${lines}', format = 'newline_delimited', columns = { ${types.join(', ')} })
        ORDER BY collector_tstamp
      ) TO '${folder}' (FORMAT parquet, PARTITION_BY (collector_date))`);
    connection.closeSync();
  } finally {
    database.closeSync();
    await rm(lines, { force: true });
  }
}
