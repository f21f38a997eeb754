import { opendir, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type * as DuckDb from '@duckdb/node-api';
import { SourceForbiddenError, SourceContractError, SourceUnavailableError } from '../../errors.js';
import { translate } from './errors.js';
import { missingPackage } from '../../missing-package.js';

/** The files that form a table. */
export interface FileTable {
  /**
   * A pattern of files in the folder, such as `2026/*.csv`; two stars match any depth. The extension gives the format:
   * `.parquet`, `.csv` (with a header; all columns are text), or `.json`, `.ndjson`, `.jsonl`. Text formats may end in
   * `.gz`. Parts of the path such as `day=2026-11-01` are text columns. Files that conditions on them exclude are not
   * opened.
   */
  files: string;
  /** Columns that may be missing from all files; they are then null. */
  optional?: readonly string[];
  /** Limits the table to the newest days, by the path column that holds the day. */
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
  /** Runs on each connection before its query. */
  prepare(connection: DuckDb.DuckDBConnection): Promise<void>;
}

/** Threads of DuckDB for all queries together. They are not Node's threads. */
const MAX_THREADS = 4;

/** Opens an in-memory database that can read only this folder. Queries cannot change its settings. */
export async function openDatabase(
  { folder, memoryMb, tables }: DatabaseOptions,
  source: string,
): Promise<Database> {
  const duckdb = await import('@duckdb/node-api').catch(missingPackage('@duckdb/node-api', source));
  // The folder itself may be a symbolic link. Links inside it must not lead out of it.
  const root = await resolveFolder(folder).catch((cause: unknown) => {
    // For a folder without list permission, DuckDB itself would only report that no files were found.
    if (cause instanceof Error && 'code' in cause && cause.code === 'EACCES')
      throw new SourceForbiddenError(
        source,
        `${source} cannot be read: the gateway has no permission for its folder.`,
        { cause },
      );
    throw new SourceUnavailableError(source, `${source} has no folder at the configured path.`, {
      cause,
      kind: 'missing-files',
    });
  });
  if (/[*?[\]]/.test(root))
    throw new SourceContractError(
      source,
      `${source} is in a folder whose name contains a wildcard character.`,
      {
        kind: 'missing-files',
      },
    );
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
      // Data that does not fit into memory must not be written to disk.
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

/** Resolves the links of the folder, and checks that it can be listed. */
async function resolveFolder(folder: string): Promise<string> {
  const root = await realpath(folder);
  await (await opendir(root)).close();
  return root;
}

/** Each query lists the files of a table again, so that new and removed files are seen. */
function macros(root: string, name: string, { files, optional = [], newest }: FileTable): string[] {
  if (!/^[a-z][a-z\d_]*$/.test(name))
    throw new TypeError(`"${name}" is not a valid name for a table of files.`);
  if (files.startsWith('/') || files.split('/').includes('..'))
    throw new TypeError(`"${files}" leads out of the folder.`);
  const place = quoted(`${root}/${files}`);
  const reader = readerOf(files, newest === undefined ? place : `getvariable('${name}_newest')`);
  const lacking = optional.map((column) => `NULL AS "${column}"`).join(', ');
  return [
    `CREATE MACRO ${name}_files() AS TABLE SELECT file FROM glob(${place})`,
    // DuckDB runs a macro when it is created; the files of one day are enough for that.
    ...(newest === undefined ? [] : [chooseNewest(name, { ...newest, days: 1 })]),
    `CREATE MACRO ${name}() AS TABLE ${lacking === '' ? '' : `SELECT ${lacking} WHERE false UNION ALL BY NAME `}SELECT * FROM ${reader}`,
  ];
}

/**
 * Sets the connection's variable with the files that a query opens. A condition would be too late, because DuckDB
 * first reads the columns of all files. The newest day is that of the files, not the current day, so that an old log
 * can still be read.
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
  // All columns are text, because the first lines do not determine the types of the others.
  if (/\.csv(\.gz)?$/.test(files)) return `read_csv(${place}, ${common}, header = true, all_varchar = true)`;
  if (/\.(json|ndjson|jsonl)(\.gz)?$/.test(files)) return `read_json(${place}, ${common})`;
  throw new TypeError(`"${files}" has an unknown format: it must end in .parquet, .csv or .json.`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
