import { z } from 'zod';
import { groupCommit, type Database, type Row, type Statement } from './store-database.js';
import { missingPackage } from '../missing-package.js';

/** The used part of libsql, whose types are incomplete. */
interface Connection {
  exec(sql: string): Promise<unknown>;
  prepare(sql: string): Promise<Prepared>;
  close(): unknown;
}
interface Prepared {
  all(...values: unknown[]): Promise<unknown>;
}

const someRows = z.array(z.record(z.string(), z.unknown()));

/**
 * Opens a file that one gateway writes. libsql runs statements in its own threads, so waiting for the disk does not block the
 * event loop.
 */
export async function openSqlite(file: string): Promise<Database> {
  const { default: LibSql } = await import('libsql/promise').catch(missingPackage('libsql', 'WEBHOOK_FILE'));
  const connection = new LibSql(file, {}) as Connection;
  // busy_timeout: the command line may write at the same time. synchronous = FULL: without it, a commit in WAL mode returns
  // before it is on disk.
  for (const pragma of [
    'busy_timeout = 5000',
    'journal_mode = WAL',
    'synchronous = FULL',
    'secure_delete = ON',
  ])
    await connection.exec(`PRAGMA ${pragma}`);

  const prepared = new Map<string, Prepared>();
  async function execute({ sql, values = [] }: Statement): Promise<Row[]> {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = await connection.prepare(sql.replace(/\$(\d+)/g, '?$1'));
      prepared.set(sql, statement);
    }
    return someRows.parse(await statement.all(...values));
  }

  const run = groupCommit(
    async (statements) => {
      await connection.exec('BEGIN IMMEDIATE');
      try {
        const rows: Row[][] = [];
        for (const statement of statements) rows.push(await execute(statement));
        await connection.exec('COMMIT');
        return rows;
      } catch (error) {
        // If the disk is full, SQLite has already rolled back.
        await connection.exec('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    { connections: 1 },
  );

  return {
    run,
    prepare: run,
    dialect: { serial: 'INTEGER PRIMARY KEY AUTOINCREMENT', forUpdate: '', skipLocked: '' },
    close: async () => {
      // Transactions run in order, so this one waits for those in flight.
      await run([]);
      connection.close();
    },
  };
}
