export type Value = string | number | null;

export interface Statement {
  /** SQL with the parameters `$1`, `$2`, and so on. */
  sql: string;
  values?: readonly Value[];
}

export type Row = Readonly<Record<string, unknown>>;

/** A database of the store. */
export interface Database {
  /** Runs statements in one transaction. Resolves to the rows of each when all is on disk; rejects if nothing was changed. */
  run(statements: readonly Statement[]): Promise<Row[][]>;
  /** Creates the tables and indexes, in one transaction that may take minutes. */
  prepare(statements: readonly Statement[]): Promise<unknown>;
  /** The SQL that differs between databases. */
  dialect: {
    /** The type of an automatic primary key. */
    serial: string;
    /** Locks the selected rows. Empty if the database has only one writer. */
    forUpdate: string;
    /** Locks the selected rows, and skips rows that another transaction has locked. */
    skipLocked: string;
  };
  close(): Promise<void>;
}

/** Runs statements in one transaction on one connection. */
export type Execute = (statements: readonly Statement[]) => Promise<Row[][]>;

interface Batch {
  statements: readonly Statement[];
  resolve: (rows: Row[][]) => void;
  reject: (error: unknown) => void;
}

/** A larger group would delay its first batch too long. */
const MAX_BATCHES_PER_TRANSACTION = 200;

export interface GroupCommitOptions {
  /** Concurrent transactions. */
  connections: number;
  /** Whether a statement may have caused the error. If not, for example without a connection, no batch is retried alone. Default: true. */
  isOfStatement?: (error: unknown) => boolean;
}

/**
 * Group commit: batches that arrive during a transaction share the next one. A disk completes only some hundreds of transactions
 * a second, regardless of their size.
 */
export function groupCommit(
  execute: Execute,
  { connections, isOfStatement = () => true }: GroupCommitOptions,
): Execute {
  const waiting: Batch[] = [];
  let running = 0;

  async function work(): Promise<void> {
    const nextGroup = () => waiting.splice(0, MAX_BATCHES_PER_TRANSACTION);
    for (let group = nextGroup(); group.length > 0; group = nextGroup()) {
      try {
        await together(group);
      } catch (error) {
        // One batch may have caused the error, so each is retried alone.
        if (group.length === 1 || !isOfStatement(error)) for (const { reject } of group) reject(error);
        else for (const batch of group) await together([batch]).catch(batch.reject);
      }
    }
    running -= 1;
  }

  async function together(group: readonly Batch[]): Promise<void> {
    const rows = await execute(group.flatMap(({ statements }) => statements));
    let from = 0;
    for (const { statements, resolve } of group) {
      resolve(rows.slice(from, from + statements.length));
      from += statements.length;
    }
  }

  return (statements) =>
    new Promise((resolve, reject) => {
      waiting.push({ statements, resolve, reject });
      if (running >= connections) return;
      running += 1;
      void work();
    });
}
