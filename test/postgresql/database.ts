import { randomBytes } from 'node:crypto';
import pg from 'pg';

interface OwnDatabase {
  url: string;
  /** Every row of the tables, as text. Default: those of webhooks. */
  text(tables?: readonly string[]): Promise<string>;
  /** Ends all connections and refuses new ones, as if the server were unavailable. */
  shut(): Promise<void>;
  reopen(): Promise<void>;
  /** Drops the database. */
  close(): Promise<void>;
}

/** Creates a database for one test, in the PostgreSQL that POSTGRESQL_URL names. */
export async function createDatabase(): Promise<OwnDatabase> {
  const server = process.env.POSTGRESQL_URL;
  if (server === undefined) throw new Error('POSTGRESQL_URL must be the address of a PostgreSQL.');
  const name = `webhooks_${randomBytes(5).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const databaseUrl = url.href;
  await query(server, `CREATE DATABASE ${name}`);
  return {
    url: databaseUrl,
    text: async (tables = ['webhook_events', 'webhook_deliveries', 'webhook_claims']) => {
      const rows = await Promise.all(
        tables.map((table) => query(databaseUrl, `SELECT t::text AS row FROM ${table} t`)),
      );
      return rows.flat().map(String).join('\n');
    },
    shut: async () => {
      await query(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await query(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    },
    reopen: async () => {
      await query(server, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    },
    close: async () => {
      await query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function query(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}
