export type Value = string | number | null;

export interface Statement {
  /** `$1`, `$2` ... stand for the values. */
  sql: string;
  values?: readonly Value[];
}

export type Row = Readonly<Record<string, unknown>>;

/** What the store needs of a database. */
export interface Database {
  /** In one transaction. Resolves to the rows of each statement when all of it is on disk; rejects when none of it is. */
  run(statements: readonly Statement[]): Promise<Row[][]>;
  /** Makes the tables and indices, in one transaction that may take minutes. */
  prepare(statements: readonly Statement[]): Promise<unknown>;
  /** What differs from database to database. */
  dialect: {
    /** The type of a number that counts up by itself and is the table's key. */
    serial: string;
    /** Locks the rows of a select, or passes over those that another has locked. Nothing where there is one writer. */
    forUpdate: string;
    skipLocked: string;
  };
  close(): Promise<void>;
}

/** One connection: everything in one transaction. */
export type Execute = (statements: readonly Statement[]) => Promise<Row[][]>;

interface Batch {
  statements: readonly Statement[];
  resolve: (rows: Row[][]) => void;
  reject: (error: unknown) => void;
}

/** More in one transaction would have the first of them wait for long. */
const MAX_GROUP = 200;

export interface GroupCommitOptions {
  /** Transactions that are written at once. */
  connections: number;
  /** Whether a statement may be the reason of the error. If not, as when the database is away, no batch is tried alone. Default: it may. */
  isOfStatement?: (error: unknown) => boolean;
}

/**
 * Group commit: what is asked for while a transaction is being written goes together into the next one. A disk takes
 * some hundreds of transactions a second, however little is in them.
 */
export function groupCommit(
  execute: Execute,
  { connections, isOfStatement = () => true }: GroupCommitOptions,
): Execute {
  const waiting: Batch[] = [];
  let running = 0;

  async function work(): Promise<void> {
    for (let group = waiting.splice(0, MAX_GROUP); group.length > 0; group = waiting.splice(0, MAX_GROUP)) {
      try {
        await together(group);
      } catch (error) {
        // One of them may be why, and the others need not pay for it.
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
