import { z } from 'zod';
import { groupCommit, type Database, type Row, type Statement } from './store-database.js';

/** What we use of libsql, whose own types say little. */
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
 * One file, written by one gateway. The promises of libsql are kept by threads of its own, so that waiting for the disk
 * holds up no request.
 */
export async function openSqlite(file: string): Promise<Database> {
  const { default: LibSql } = await import('libsql/promise');
  const connection = new LibSql(file, {}) as Connection;
  // busy_timeout: somebody replaying from the command line may be writing for a moment. FULL: a commit is on disk when
  // it returns, as it would not be in WAL mode otherwise.
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
        // SQLite has rolled back by itself already when the disk is full.
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
      // What is under way is finished first: it is one behind the other.
      await run([]);
      connection.close();
    },
  };
}
