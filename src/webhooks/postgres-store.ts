import type { PoolClient } from 'pg';
import { groupCommit, type Database, type Row, type Statement } from './store-database.js';

/** Transactions written at once by one instance. */
const CONNECTIONS = 3;
const RETRIES = 5;
const CONNECT_WITHIN_MS = 2_000;
/** A server that stands still closes no connection, so this process does. */
const TRANSACTION_WITHIN_MS = 10_000;
/** Making the tables waits for other instances that start, and an index of a full table takes long. */
const PREPARATION_WITHIN_MS = 600_000;
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
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
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

  async function transaction(statements: readonly Statement[], withinMs: number): Promise<Row[][]> {
    const client = await pool.connect();
    let failure: Error | undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`PostgreSQL did not answer within ${withinMs} ms.`));
      }, withinMs);
    });
    try {
      return await Promise.race([written(client, statements, withinMs), late]);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      clearTimeout(timer);
      // What is wrong may be the connection itself: it is closed, and the server rolls back.
      client.release(failure);
    }
  }

  async function repeated(statements: readonly Statement[], withinMs: number): Promise<Row[][]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await transaction(statements, withinMs);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!TRY_AGAIN.has(code) || attempt === RETRIES) throw error;
      }
    }
  }

  return {
    run: groupCommit((statements) => repeated(statements, TRANSACTION_WITHIN_MS), {
      connections: CONNECTIONS,
      isOfStatement,
    }),
    prepare: (statements) => repeated(statements, PREPARATION_WITHIN_MS),
    dialect: {
      serial: 'BIGSERIAL PRIMARY KEY',
      forUpdate: 'FOR UPDATE',
      skipLocked: 'FOR UPDATE SKIP LOCKED',
    },
    close: () => pool.end(),
  };
}

async function written(
  client: PoolClient,
  statements: readonly Statement[],
  withinMs: number,
): Promise<Row[][]> {
  // Whatever the server's default: what is kept is on disk. A pooler such as PgBouncer refuses the timeout as a parameter
  // of the connection.
  await client.query(`BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = ${withinMs}`);
  const rows: Row[][] = [];
  for (const { sql, values = [] } of statements)
    rows.push((await client.query(sql, [...values])).rows as Row[]);
  await client.query('COMMIT');
  return rows;
}

/** SQLSTATE classes of cardinality, data, constraints and SQL. All others are about the connection, the server or its resources. */
function isOfStatement(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(21|22|23|42)/.test(String(error.code));
}
