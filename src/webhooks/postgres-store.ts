import type { PoolClient } from 'pg';
import { groupCommit, type Database, type Row, type Statement } from './store-database.js';
import { missingPackage } from '../missing-package.js';

/** Concurrent transactions of one instance. */
const CONNECTIONS = 3;
const RETRIES = 5;
const CONNECT_TIMEOUT_MS = 2_000;
/** A paused server does not close connections, so the gateway does. */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** Creating the tables waits for other starting instances, and an index of a full table takes minutes. */
const PREPARATION_TIMEOUT_MS = 600_000;
/** SQLSTATEs of deadlocks and serialization failures: the transaction was rolled back and can be retried. */
const RETRYABLE_STATES = new Set(['40P01', '40001']);

/**
 * Opens a database for several instances. The queue is a table of our own, with SKIP LOCKED as in queue libraries; the README has
 * the reason.
 */
export async function openPostgres(connectionString: string): Promise<Database> {
  const { default: pg } = await import('pg').catch(missingPackage('pg', 'WEBHOOK_POSTGRES_URL'));
  const pool = new pg.Pool({
    connectionString,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // Times and counts are whole numbers far below 2^53.
    types: {
      getTypeParser: (oid, format) =>
        oid === pg.types.builtins.INT8
          ? Number
          : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
    },
  });
  // A broken connection emits an error event, which would end the process without a listener. Its query rejects, and the next
  // transaction opens another connection.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));

  async function transaction(statements: readonly Statement[], timeoutMs: number): Promise<Row[][]> {
    const client = await pool.connect();
    let failure: Error | undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`PostgreSQL did not answer within ${timeoutMs} ms.`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([runTransaction(client, statements, timeoutMs), late]);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    } finally {
      clearTimeout(timer);
      // The connection may be broken, so it is closed after a failure, and the server rolls back.
      client.release(failure);
    }
  }

  async function retried(statements: readonly Statement[], timeoutMs: number): Promise<Row[][]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await transaction(statements, timeoutMs);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (!RETRYABLE_STATES.has(code) || attempt === RETRIES) throw error;
      }
    }
  }

  return {
    run: groupCommit((statements) => retried(statements, TRANSACTION_TIMEOUT_MS), {
      connections: CONNECTIONS,
      isOfStatement,
    }),
    prepare: (statements) => retried(statements, PREPARATION_TIMEOUT_MS),
    dialect: {
      serial: 'BIGSERIAL PRIMARY KEY',
      forUpdate: 'FOR UPDATE',
      skipLocked: 'FOR UPDATE SKIP LOCKED',
    },
    close: () => pool.end(),
  };
}

async function runTransaction(
  client: PoolClient,
  statements: readonly Statement[],
  timeoutMs: number,
): Promise<Row[][]> {
  // Commits wait for the disk regardless of the server's default. The timeout is set here because a pooler such as PgBouncer
  // refuses it as a connection parameter.
  await client.query(`BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = ${timeoutMs}`);
  const rows: Row[][] = [];
  for (const { sql, values = [] } of statements)
    rows.push((await client.query(sql, [...values])).rows as Row[]);
  await client.query('COMMIT');
  return rows;
}

/** Whether a statement caused the error: SQLSTATE classes of cardinality, data, constraints and syntax. */
function isOfStatement(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(21|22|23|42)/.test(String(error.code));
}
