import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { missingPackage } from '../../missing-package.js';

/** A table into which a system writes events, and from which the gateway removes them. */
export interface Outbox {
  /**
   * Passes rows to `use`, in the order of their ids, starting after `after`. Rows whose ids `use` returns are deleted
   * from the table. If it fails, all rows stay. Rows that another process has locked are skipped. Resolves to the
   * last id that was read; undefined if there was none.
   */
  take(
    after: string,
    use: (rows: readonly OutboxRow[]) => Promise<readonly string[]>,
  ): Promise<string | undefined>;
  /** Waits until there may be new rows, or until the signal aborts. Rejects if the connection is lost. */
  waitForRows(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A row of the table. Only `id` is required. */
export interface OutboxRow {
  id: string;
  [column: string]: unknown;
}

export interface OutboxTable {
  /** The name of the table, and of the channel on which PostgreSQL notifies about new rows: letters, digits and `_`. */
  name: string;
}

/** The most rows in one transaction. */
const ROWS_PER_TRANSACTION = 100;
/** Interval of polling in PostgreSQL, because a notification may be lost with a connection. */
const POSTGRES_POLL_MS = 30_000;
/** Interval of polling in MySQL and MariaDB, which have no notifications. */
const MYSQL_POLL_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 10_000;

const selectFrom = (name: string, after: string) =>
  `SELECT * FROM ${name} WHERE id > ${after} ORDER BY id LIMIT ${ROWS_PER_TRANSACTION} FOR UPDATE SKIP LOCKED`;

export async function openOutbox(address: string, table: OutboxTable): Promise<Outbox> {
  if (!/^[a-z_][a-z\d_]{0,62}$/.test(table.name))
    throw new TypeError(`${table.name} is not a valid table name: use letters, digits and underscores`);
  return address.startsWith('postgres') ? openPostgres(address, table) : openMysql(address, table);
}

async function openPostgres(address: string, { name }: OutboxTable): Promise<Outbox> {
  const { default: driver } = await import('pg').catch(missingPackage('pg', 'An outbox'));
  const client = new driver.Client({
    connectionString: address,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  });
  const lost = new AbortController();
  client.on('error', () => {
    lost.abort();
  });
  client.on('end', () => {
    lost.abort();
  });
  let hasNotification = false;
  client.on('notification', () => {
    hasNotification = true;
  });
  await client.connect();
  // LISTEN comes before the first read, so that no row is missed in between.
  await client.query(`LISTEN ${name}`);
  return {
    take: (after, use) =>
      inTransaction(
        (text) => client.query(text),
        async () => {
          const { rows }: { rows: OutboxRow[] } = await client.query(selectFrom(name, '$1'), [after]);
          const done = rows.length === 0 ? [] : await use(rows);
          if (done.length > 0) await client.query(`DELETE FROM ${name} WHERE id = ANY($1::bigint[])`, [done]);
          return rows.at(-1)?.id;
        },
      ),
    waitForRows: async (signal) => {
      const until = AbortSignal.any([signal, lost.signal, AbortSignal.timeout(POSTGRES_POLL_MS)]);
      if (!hasNotification) await once(client, 'notification', { signal: until }).catch(() => undefined);
      hasNotification = false;
      if (lost.signal.aborted) throw new Error('The connection to the outbox was lost.');
    },
    close: () => client.end(),
  };
}

async function openMysql(address: string, { name }: OutboxTable): Promise<Outbox> {
  const { createConnection } = await import('mysql2/promise').catch(missingPackage('mysql2', 'An outbox'));
  const connection = await createConnection({
    uri: address.replace(/^mariadb:/, 'mysql:'),
    connectTimeout: CONNECT_TIMEOUT_MS,
    supportBigNumbers: true,
    bigNumberStrings: true,
    timezone: 'Z',
  });
  connection.on('error', () => undefined);
  const query = async (sql: string, values: readonly unknown[] = []) =>
    (await connection.query({ sql, values: [...values], timeout: QUERY_TIMEOUT_MS }))[0];
  await query("SET time_zone = '+00:00'");
  return {
    take: (after, use) =>
      inTransaction(query, async () => {
        const found = await query(selectFrom(name, '?'), [after]);
        const rows = (found as Record<string, unknown>[]).map((row) => ({ ...row, id: String(row['id']) }));
        const done = rows.length === 0 ? [] : await use(rows);
        if (done.length > 0) await query(`DELETE FROM ${name} WHERE id IN (?)`, [done]);
        return rows.at(-1)?.id;
      }),
    waitForRows: async (signal) => {
      await wait(MYSQL_POLL_MS, undefined, { signal }).catch(() => undefined);
    },
    // A hanging server would not answer QUIT either.
    close: () => {
      connection.destroy();
      return Promise.resolve();
    },
  };
}

async function inTransaction<T>(run: (text: string) => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  await run('BEGIN');
  try {
    const result = await work();
    await run('COMMIT');
    return result;
  } catch (error) {
    await run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
