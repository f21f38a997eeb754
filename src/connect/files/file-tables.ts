import { z } from 'zod';
import type { FilesConnect } from '../../declared/files-grammar.js';
import type { CallBudget } from '../call-budget.js';
import { isKeyOfPerson } from '../words.js';
import { isDeclarable } from '../tables/declarable-name.js';
import { isSecretName } from '../tables/table-names.js';
import { groupBy, SECRET, type Column, type LeftOut, type Table } from '../tables/table.js';
import { duckDbValue } from './column-values.js';
import type { FilePattern } from './file-patterns.js';
import { UnreadableFilesError, type FilesSession } from './files-session.js';

/** The columns of the tables of a folder, by the types that DuckDB finds. */

/** The number of rows that decide the column types of a text file. */
const TYPE_ROWS = 20_000;
/** Of a longer log, only this many days are read: the newest. */
const MAX_DAYS = 90;

const describedColumn = z.object({ table: z.string(), column: z.string(), type: z.string() });
type DescribedColumn = z.infer<typeof describedColumn>;

/** The member `tables` of `connect`. */
export function declaredTables(patterns: readonly FilePattern[]): FilesConnect['tables'] {
  return Object.fromEntries(
    patterns.map(({ name, files, day }) => [
      name,
      {
        files,
        ...(day !== undefined && day.count > MAX_DAYS
          ? { newest: { column: day.column, days: MAX_DAYS } }
          : {}),
      },
    ]),
  );
}

export function isCsv(files: string): boolean {
  return /\.csv(\.gz)?$/.test(files);
}

export interface DescribedTables {
  tables: readonly Table[];
  unreadable: readonly { name: string; because: string }[];
}

const NO_HEADER = 'Its first line has values instead of the names of columns. Add a line with the names.';
/** Calls that are reserved for the other steps. */
const CALLS_OF_OTHER_STEPS = 10;

/**
 * Describes tables by one query. If it fails, each half is described separately, so that a damaged file
 * affects one table. `open` opens a session with some of the tables.
 */
export async function describeTables(
  patterns: readonly FilePattern[],
  root: string,
  budget: Pick<CallBudget, 'left'>,
  open: (patterns: readonly FilePattern[]) => FilesSession,
): Promise<DescribedTables> {
  const session = open(patterns);
  try {
    const queries = patterns.map((pattern) => describeQuery(root, pattern));
    const columns = await session.rows(describedColumn, queries.join(' UNION ALL '));
    const byTable = groupBy(columns, ({ table }) => table);
    const hasNames = ({ name }: FilePattern) =>
      (byTable.get(name) ?? []).every(({ column }) => !isKeyOfPerson(column));
    return {
      tables: patterns.filter(hasNames).map((pattern) => tableOf(pattern, byTable.get(pattern.name) ?? [])),
      unreadable: patterns
        .filter((pattern) => !hasNames(pattern))
        .map(({ name }) => ({ name, because: NO_HEADER })),
    };
  } catch (error) {
    if (!(error instanceof UnreadableFilesError)) throw error;
    if (patterns.length === 1 || budget.left <= CALLS_OF_OTHER_STEPS)
      return { tables: [], unreadable: patterns.map(({ name }) => ({ name, because: error.message })) };
  } finally {
    await session.close();
  }
  const middle = Math.ceil(patterns.length / 2);
  const halves = [patterns.slice(0, middle), patterns.slice(middle)];
  const described: DescribedTables[] = [];
  for (const half of halves) described.push(await describeTables(half, root, budget, open));
  return {
    tables: described.flatMap(({ tables }) => tables),
    unreadable: described.flatMap(({ unreadable }) => unreadable),
  };
}

/** The values decide the types of text files. The declared source reads them as text. */
function describeQuery(root: string, { name, files }: FilePattern): string {
  const place = text(`${root}/${files}`);
  const source = isCsv(files)
    ? `read_csv(${place}, header = true, union_by_name = true, hive_partitioning = true, hive_types_autocast = false, sample_size = ${TYPE_ROWS})`
    : `${name}()`;
  return `SELECT ${text(name)} AS "table", column_name AS "column", column_type AS "type" FROM (DESCRIBE SELECT * FROM ${source})`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function tableOf({ name, files }: FilePattern, described: readonly DescribedColumn[]): Table {
  const leftOut: LeftOut[] = [];
  const columns = described.flatMap(({ column, type }): Column[] => {
    const value = duckDbValue(type);
    const because = isSecretName(column)
      ? SECRET
      : !isDeclarable(column)
        ? 'a declaration cannot name them'
        : 'their types cannot be mapped';
    if (because !== 'their types cannot be mapped' || value === undefined) {
      leftOut.push({ column, because });
      return [];
    }
    const isText = isCsv(files);
    return [
      {
        ...{ name: column, type, isNullable: true, ignoresCase: false },
        value: isText ? { ...value, keys: 'text' } : value,
      },
    ];
  });
  return {
    ...{ name, plainName: name, schema: '', isView: false, base: name, files, columns, leftOut },
    ...{ primaryKey: [], indexes: [], foreignKeys: [] },
  };
}
