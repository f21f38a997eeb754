import { groupCommit, type Database, type Row, type Statement } from './store-database.js';

/** Transactions written at once by one instance. */
const CONNECTIONS = 3;
const RETRIES = 5;
/** PostgreSQL broke off one of two transactions that waited for each other, and nothing of it was done. */
const TRY_AGAIN = new Set(['40P01', '40001']);

/**
 * One database for several instances. When to send, who sends and when to try again stand in our own table, and rows
 * are taken by SKIP LOCKED, as queue libraries do: see the README for why it is none of these.
 */
export async function openPostgres(connectionString: string): Promise<Database> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString,
    max: CONNECTIONS,
    connectionTimeoutMillis: 5_000,
    // Times and counts are whole numbers far below 2^53.
    types: {
      getTypeParser: (oid, format) =>
        oid === pg.types.builtins.INT8
          ? Number
          : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
    },
  });
  // A connection that breaks tells so by an event too, which nobody would hear otherwise: and that ends the process.
  // What was being asked fails by itself, and the next transaction opens another connection.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));

  async function transaction(statements: readonly Statement[]): Promise<Row[][]> {
    const client = await pool.connect();
    let failure: Error | undefined;
    try {
      // Whatever the server's default: what is kept is on disk.
      await client.query('BEGIN; SET LOCAL synchronous_commit = on');
      const rows: Row[][] = [];
      for (const { sql, values = [] } of statements)
        rows.push((await client.query(sql, [...values])).rows as Row[]);
      await client.query('COMMIT');
      return rows;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      await client.query('ROLLBACK').catch(() => undefined);
      throw failure;
    } finally {
      // What is wrong may be the connection itself.
      client.release(failure);
    }
  }

  const run = groupCommit(async (statements) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await transaction(statements);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!TRY_AGAIN.has(code) || attempt === RETRIES) throw error;
      }
    }
  }, CONNECTIONS);

  return {
    run,
    dialect: {
      serial: 'BIGSERIAL PRIMARY KEY',
      forUpdate: 'FOR UPDATE',
      skipLocked: 'FOR UPDATE SKIP LOCKED',
    },
    close: () => pool.end(),
  };
}
