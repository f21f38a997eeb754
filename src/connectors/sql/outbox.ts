import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** A table that a system writes what happened into, and from which it is taken. */
export interface Outbox {
  /**
   * Gives rows to be kept, in the order of their ids and from behind one id on. Those whose ids come back are gone from the
   * table; when it fails they are all still there. Rows that somebody else has in hand are left out. Resolves with the last
   * id that was seen; undefined when there was none.
   */
  take(
    after: string,
    use: (rows: readonly OutboxRow[]) => Promise<readonly string[]>,
  ): Promise<string | undefined>;
  /** Until there may be more, or the signal. Rejects when the connection is lost. */
  news(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Whatever else its columns are. */
export interface OutboxRow {
  id: string;
  [column: string]: unknown;
}

export interface OutboxTable {
  /** Its name, and that of the channel on which PostgreSQL says that there is something new: letters, digits and `_`. */
  name: string;
}

/** Rows in one transaction. */
const MOST_ROWS = 100;
/** A notification may have been lost with a connection, or never have been sent. */
const POSTGRES_LOOK_MS = 30_000;
/** MySQL and MariaDB say nothing of themselves. */
const MYSQL_LOOK_MS = 1_000;
const CONNECT_MS = 5_000;
const QUERY_MS = 10_000;

const selectFrom = (name: string, after: string) =>
  `SELECT * FROM ${name} WHERE id > ${after} ORDER BY id LIMIT ${MOST_ROWS} FOR UPDATE SKIP LOCKED`;

export async function openOutbox(address: string, table: OutboxTable): Promise<Outbox> {
  if (!/^[a-z_][a-z\d_]{0,62}$/.test(table.name)) throw new TypeError(`${table.name} is no name of a table`);
  return address.startsWith('postgres') ? openPostgres(address, table) : openMysql(address, table);
}

async function openPostgres(address: string, { name }: OutboxTable): Promise<Outbox> {
  const { default: driver } = await import('pg');
  const client = new driver.Client({
    connectionString: address,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
  });
  const lost = new AbortController();
  client.on('error', () => {
    lost.abort();
  });
  client.on('end', () => {
    lost.abort();
  });
  let hasNews = false;
  client.on('notification', () => {
    hasNews = true;
  });
  await client.connect();
  // Before the first look, so that nothing falls between the two.
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
    news: async (signal) => {
      const until = AbortSignal.any([signal, lost.signal, AbortSignal.timeout(POSTGRES_LOOK_MS)]);
      if (!hasNews) await once(client, 'notification', { signal: until }).catch(() => undefined);
      hasNews = false;
      if (lost.signal.aborted) throw new Error('the connection is lost');
    },
    close: () => client.end(),
  };
}

async function openMysql(address: string, { name }: OutboxTable): Promise<Outbox> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({
    uri: address.replace(/^mariadb:/, 'mysql:'),
    connectTimeout: CONNECT_MS,
    supportBigNumbers: true,
    bigNumberStrings: true,
    timezone: 'Z',
  });
  connection.on('error', () => undefined);
  const query = async (sql: string, values: readonly unknown[] = []) =>
    (await connection.query({ sql, values: [...values], timeout: QUERY_MS }))[0];
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
    news: async (signal) => {
      await wait(MYSQL_LOOK_MS, undefined, { signal }).catch(() => undefined);
    },
    // A server that hangs would not answer a farewell either.
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
