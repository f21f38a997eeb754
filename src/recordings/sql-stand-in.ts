import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { sqlCall } from '../declared/sql-grammar.js';
import type { Environment } from '../settings.js';
import { measuredCalls, RecordingError } from './read-recording.js';
import type { RecordedTable, Recording } from './recording.js';
import type { RecordedStandIn } from './stand-in.js';
import { tableStandIn } from './table-stand-in.js';

/** A database server for the test. Closing it removes its data. */
export interface DatabaseServer {
  /** The URL for the superuser. */
  connectionString: string;
  close(): Promise<void>;
}

/** Starts PostgreSQL with the recorded tables. The source gets a role that may only read them. */
export async function startSqlStandIn(
  recording: Recording,
  settings: (url: string) => Environment,
  startServer: () => Promise<DatabaseServer>,
): Promise<RecordedStandIn> {
  const { source, tables = {} } = recording;
  const measured = measuredCalls(recording, sqlCall);
  const statements = Object.entries(tables).flatMap(([name, table]) => statementsOf(source, name, table));
  const server = await startServer();
  const password = randomBytes(12).toString('hex');
  try {
    await run(server.connectionString, async (client) => {
      for (const { text, values } of statements) await client.query(text, values);
      await client.query(`CREATE ROLE reader LOGIN PASSWORD '${password}'`);
      for (const schema of new Set(['public', ...Object.keys(tables).flatMap(schemaOf)])) {
        await client.query(`GRANT USAGE ON SCHEMA ${quoted(schema)} TO reader`);
        await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${quoted(schema)} TO reader`);
      }
    });
  } catch (error) {
    await server.close();
    throw error;
  }
  const { host, pathname } = new URL(server.connectionString);
  return {
    name: source,
    url: `postgres://${host}`,
    protocol: 'sql',
    ...tableStandIn(measured, tables),
    settings: (url) => settings(`postgres://reader:${password}@${new URL(url).host}${pathname}`),
    close: () => server.close(),
  };
}

async function run(connectionString: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const { default: driver } = await import('pg');
  const client = new driver.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The schema of a name such as `planning.lesson`. */
function schemaOf(table: string): string[] {
  const at = table.indexOf('.');
  return at === -1 ? [] : [table.slice(0, at)];
}

/** The built-in types of PostgreSQL. A column of another type, such as an enum, becomes text. */
const TYPE =
  /^(smallint|integer|bigint|numeric|real|double precision|text|boolean|uuid|date|jsonb?|bytea|interval|(character varying|character|varchar|char|numeric|decimal)\(\d+(, ?\d+)?\)|character varying|"char"|name|(timestamp|time)(\(\d\))?( with(out)? time zone)?|timestamptz(\(\d\))?)(\[\])?$/i;

function statementsOf(
  source: string,
  name: string,
  { columns, primaryKey, indexes, rows }: RecordedTable,
): { text: string; values: unknown[] }[] {
  const table = name.split('.').map(quoted).join('.');
  if (columns.length === 0) throw new RecordingError(source, `The table "${name}" has no columns.`);
  const parts = columns.map(
    ({ name: column, type, isNullable }) =>
      `${quoted(column)} ${TYPE.test(type) ? type : 'text'}${isNullable ? '' : ' NOT NULL'}`,
  );
  if (primaryKey.length > 0) parts.push(`PRIMARY KEY (${primaryKey.map(quoted).join(', ')})`);
  const known = new Set(columns.map((column) => column.name));
  return [
    ...schemaOf(name).map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`),
    `CREATE TABLE ${table} (${parts.join(', ')})`,
    ...indexes
      // An index of an expression is left out, because it has no column.
      .filter((index) => index.columns.length > 0 && index.columns.every((column) => known.has(column)))
      .map(
        (index) =>
          `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ON ${table} (${index.columns.map(quoted).join(', ')})`,
      ),
  ]
    .map((text): { text: string; values: unknown[] } => ({ text, values: [] }))
    .concat({
      text: `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`,
      values: [JSON.stringify(rows)],
    });
}
