import { opendir, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type * as DuckDb from '@duckdb/node-api';
import {
  ConfigError,
  SourceForbiddenError,
  SourceContractError,
  SourceUnavailableError,
} from '../../errors.js';
import { translate } from './errors.js';

/** Files that together are a table. */
export interface FileTable {
  /**
   * Which files of the folder, such as `2026/*.csv`; two stars are any depth. The end of the name tells what is in them:
   * `.parquet`, `.csv` (with a header; all columns are text), or `.json`, `.ndjson`, `.jsonl`; those of text may be `.gz`.
   * Parts of the path such as `day=2026-11-01` are columns of text; files that a query's conditions on them leave out are
   * not opened.
   */
  files: string;
  /** Columns that all files may lack; they are then null. */
  optional?: readonly string[];
  /** Only the newest days are a part of the table, by the column of the path that holds the day. */
  newest?: NewestDays;
}

export interface NewestDays {
  column: string;
  days: number;
}

export interface DatabaseOptions {
  folder: string;
  memoryMb: number;
  tables: Readonly<Record<string, FileTable>>;
}

export interface Database {
  duckdb: typeof DuckDb;
  instance: DuckDb.DuckDBInstance;
  /** What is run on a connection before each query. */
  prepare(connection: DuckDb.DuckDBConnection): Promise<void>;
}

/** Threads that all queries together are worked on with; they are not Node's. */
const MAX_THREADS = 4;

/** A database in memory that may read the one folder, and whose settings no query can change. */
export async function openDatabase(
  { folder, memoryMb, tables }: DatabaseOptions,
  source: string,
): Promise<Database> {
  const duckdb = await import('@duckdb/node-api').catch((error: unknown) => {
    throw new ConfigError([
      `${source} needs the package "@duckdb/node-api": npm install @duckdb/node-api. (${String(error)})`,
    ]);
  });
  // The folder itself may be a link; nothing in it may lead out.
  const root = await readable(folder).catch((cause: unknown) => {
    // DuckDB itself would say of a folder that it may not list that there are no files.
    if (cause instanceof Error && 'code' in cause && cause.code === 'EACCES')
      throw new SourceForbiddenError(source, `${source} may not be read by the gateway.`, { cause });
    throw new SourceUnavailableError(source, `${source} has no folder where it is set to be.`, {
      cause,
      kind: 'missing-files',
    });
  });
  if (/[*?[\]]/.test(root))
    throw new SourceContractError(source, `${source} lies in a folder whose name would stand for several.`, {
      kind: 'missing-files',
    });
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryMb}MB`,
    threads: String(Math.min(availableParallelism(), MAX_THREADS)),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    for (const statement of [
      `SET allowed_directories = [${quoted(root.replace(/\/*$/, '/'))}]`,
      // What does not fit into memory is not put on a disk instead.
      "SET temp_directory = ''",
      "SET TimeZone = 'UTC'",
      'SET preserve_insertion_order = false',
      'SET enable_external_access = false',
      ...Object.entries(tables).flatMap(([name, table]) => macros(root, name, table)),
      'SET lock_configuration = true',
    ])
      await connection.run(statement);
    connection.closeSync();
  } catch (error) {
    instance.closeSync();
    throw translate(source, error);
  }
  const choices = Object.entries(tables).flatMap(([name, { newest }]) =>
    newest === undefined ? [] : [chooseNewest(name, newest)],
  );
  return {
    duckdb,
    instance,
    prepare: async (connection) => {
      for (const statement of choices) await connection.run(statement);
    },
  };
}

/** The folder without links, which can be listed. */
async function readable(folder: string): Promise<string> {
  const root = await realpath(folder);
  await (await opendir(root)).close();
  return root;
}

/** A table is looked up anew in each query, so that files which have come or gone are seen. */
function macros(root: string, name: string, { files, optional = [], newest }: FileTable): string[] {
  if (!/^[a-z][a-z\d_]*$/.test(name)) throw new TypeError(`"${name}" is no name for a table of files.`);
  if (files.startsWith('/') || files.split('/').includes('..'))
    throw new TypeError(`"${files}" leads out of the folder.`);
  const place = quoted(`${root}/${files}`);
  const reader = readerOf(files, newest === undefined ? place : `getvariable('${name}_newest')`);
  const lacking = optional.map((column) => `NULL AS "${column}"`).join(', ');
  return [
    `CREATE MACRO ${name}_files() AS TABLE SELECT file FROM glob(${place})`,
    // A macro is tried when it is made; the files of one day are enough for that.
    ...(newest === undefined ? [] : [chooseNewest(name, { ...newest, days: 1 })]),
    `CREATE MACRO ${name}() AS TABLE ${lacking === '' ? '' : `SELECT ${lacking} WHERE false UNION ALL BY NAME `}SELECT * FROM ${reader}`,
  ];
}

/**
 * Sets the variable of the connection that tells which files a query is to open: a condition would come too late, since
 * the columns of all files are looked at before it. The newest day is that of the files and not today, so that a log which
 * stands still can still be read.
 */
function chooseNewest(name: string, { column, days }: NewestDays): string {
  return `SET VARIABLE ${name}_newest = (
    WITH found AS (SELECT file, try_cast(regexp_extract(file, '/${column}=([^/]*)/', 1) AS DATE) AS day FROM ${name}_files())
    SELECT coalesce(list(file), error('No files found')) FROM found
    WHERE day > (SELECT max(day) FROM found) - ${days})`;
}

function readerOf(files: string, place: string): string {
  const common = 'hive_partitioning = true, hive_types_autocast = false, union_by_name = true';
  if (files.endsWith('.parquet')) return `read_parquet(${place}, ${common})`;
  // As it stands there: what a column looks like in the first lines is no promise about the others.
  if (/\.csv(\.gz)?$/.test(files)) return `read_csv(${place}, ${common}, header = true, all_varchar = true)`;
  if (/\.(json|ndjson|jsonl)(\.gz)?$/.test(files)) return `read_json(${place}, ${common})`;
  throw new TypeError(`Nobody knows how to read "${files}": it must end in .parquet, .csv or .json.`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
