import { z } from 'zod';
import { setting, type Setting, type SettingsReader } from '../../settings.js';
import { SourceError, SourceTimeoutError, SourceUnavailableError } from '../../errors.js';
import { toAbortSignal, type CallSignal } from '../../v8/call-signal.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from '../connector.js';
import { check } from '../http.js';
import { openDatabase, type Database, type FileTable, type NewestDays } from './database.js';
import { refuseImpossibleText, runQuery, type FileParameter } from './query.js';
import { createSlots } from './slots.js';

const DEFAULT_MEMORY_MB = 256;

/** Concurrent queries. Each takes one of the four threads that Node also uses for files and DNS. */
const MAX_QUERIES = 2;

/** The files of one folder as read-only tables. */
export interface FileClient extends Client {
  /**
   * The validated rows of a query. A table is named `<table>()`; `<table>_files()` returns only the names, as `file`,
   * and opens no file. Keys are always parameters (`$1`, `$2`), and a list is one parameter. Dates, timestamps,
   * decimals and big integers are returned as exact text; timestamps in UTC.
   */
  rows<T>(schema: z.ZodType<T>, text: string, parameters: readonly FileParameter[]): Promise<T[]>;
}

export interface FileOptions {
  /** The only folder that is read. */
  folder: Setting<string>;
  /** Memory limit of all queries together, in megabytes. Default 256. */
  memoryMb?: number | Setting<number>;
  /** Timeout of a query in milliseconds. The source's own timeout applies as well. Default: the source's timeout. */
  timeoutMs?: Setting<number>;
  /** The tables by their name in queries: lower-case letters, digits and underscores. */
  tables: Readonly<Record<string, DeclaredTable>>;
}

type DeclaredTable = Omit<FileTable, 'files' | 'newest'> & {
  /** Can be a setting, because the layout depends on the program that writes the files. */
  files: FileTable['files'] | Setting<string>;
  newest?: Omit<NewestDays, 'days'> & { days: number | Setting<number> };
};

/** A setting for the absolute path of a local or mounted folder. */
export function folderSetting(variable: string, example: string): Setting<string> {
  const schema = z
    .string()
    .regex(/^\/[^\0*?[\]]*$/)
    .transform((folder) => folder.replace(/(?<=.)\/+$/, ''));
  return setting(variable, schema, `the absolute path of a folder, such as ${example}`);
}

/** A setting for a pattern of files, as in `FileTable.files`. */
export function filesSetting(variable: string, usual: string): Setting<string> {
  const schema = z
    .string()
    .regex(/^[^/\0][^\0]*\.(parquet|(csv|json|ndjson|jsonl)(\.gz)?)$/)
    .refine((files) => !files.split('/').includes('..'))
    .default(usual);
  return setting(variable, schema, `files of the folder, such as ${usual} (default)`);
}

/** A connector to Parquet, CSV and JSON files. DuckDB queries them inside the gateway's process. */
export function file(declared: FileOptions): Connector<FileClient> {
  const { folder, memoryMb = DEFAULT_MEMORY_MB, timeoutMs, tables } = declared;
  return {
    settings: () => [
      folder,
      ...settingsIn([memoryMb, timeoutMs]),
      ...Object.values(tables).flatMap(({ files, newest }) => settingsIn([files, newest?.days])),
    ],
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<FileClient> => {
      const { source, maxAnswerBytes } = options;
      const database = {
        folder: reader.read(folder) ?? '',
        memoryMb: valueOf(memoryMb, reader) ?? DEFAULT_MEMORY_MB,
        tables: Object.fromEntries(
          Object.entries(tables).map(([name, table]) => [name, readTable(table, reader)]),
        ),
      };
      const longestMs = valueOf(timeoutMs, reader) ?? options.timeoutMs;
      const closed = new AbortController();
      const slots = createSlots(MAX_QUERIES);
      const inProgress = new Set<Promise<unknown>>();
      let opening: Promise<Database> | undefined;
      let closing: Promise<void> | undefined;

      const open = (): Promise<Database> => {
        if (opening !== undefined) return opening;
        const attempt = openDatabase(database, source);
        opening = attempt;
        // The next call tries again, because a missing folder may appear later.
        attempt.catch(() => {
          if (opening === attempt) opening = undefined;
        });
        return attempt;
      };
      const runWhenOpen = async (
        text: string,
        parameters: readonly FileParameter[],
        signal: AbortSignal,
      ): Promise<unknown[]> => {
        const database = await open();
        signal.throwIfAborted();
        return runQuery(database, { text, parameters, signal, source, maxAnswerBytes });
      };
      const rows = <T>(
        scope: CallScope,
        schema: z.ZodType<T>,
        text: string,
        parameters: readonly FileParameter[],
      ): Promise<T[]> => {
        const call = async (cancelled: CallSignal) => {
          refuseImpossibleText(parameters);
          const clock = new AbortController();
          const timer = setTimeout(() => {
            clock.abort(new SourceTimeoutError(source, `${source} did not answer within ${longestMs} ms.`));
          }, longestMs);
          const signal = AbortSignal.any([toAbortSignal(cancelled), closed.signal, clock.signal]);
          const work = slots.run(signal, () => runWhenOpen(text, parameters, signal));
          inProgress.add(work);
          try {
            return check(z.array(schema), await work, source);
          } finally {
            clearTimeout(timer);
            inProgress.delete(work);
          }
        };
        return scope.run(call).catch((error: unknown) => {
          if (error instanceof SourceError)
            error.addRequest({
              method: 'SELECT',
              tables: Object.keys(tables).filter(
                (name) => text.includes(`${name}(`) || text.includes(`${name}_files(`),
              ),
            });
          throw error;
        });
      };

      // DuckDB is large, so it is loaded before the first call. If loading fails, the first call reports the error.
      setImmediate(() => {
        if (!closed.signal.aborted) open().catch(() => undefined);
      });

      const close = async (): Promise<void> => {
        closed.abort(
          new SourceUnavailableError(source, `${source} is not called any more: the gateway is stopping.`, {
            kind: 'gateway-stopping',
          }),
        );
        await Promise.allSettled(inProgress);
        const database = await opening?.catch(() => undefined);
        database?.instance.closeSync();
      };
      return {
        client: (scope) => ({
          rows: (schema, text, parameters) => rows(scope, schema, text, parameters),
          ping: async () => {
            for (const name of Object.keys(tables))
              await rows(scope, z.unknown(), `SELECT 1 FROM ${name}() LIMIT 1`, []);
          },
        }),
        close: () => (closing ??= close()),
      };
    },
  };
}

function readTable({ files, newest, ...table }: DeclaredTable, reader: SettingsReader): FileTable {
  return {
    ...table,
    files: valueOf(files, reader) ?? '*.parquet',
    ...(newest !== undefined && {
      newest: { column: newest.column, days: valueOf(newest.days, reader) ?? 1 },
    }),
  };
}

type Value = string | number;

function isSetting<T extends Value>(value: T | Setting<T> | undefined): value is Setting<T> {
  return typeof value === 'object';
}

function settingsIn(
  values: readonly (Value | Setting<string> | Setting<number> | undefined)[],
): Setting<Value>[] {
  return values.filter((value) => typeof value === 'object');
}

/** The value, or the value of its setting. */
function valueOf<T extends Value>(value: T | Setting<T> | undefined, reader: SettingsReader): T | undefined {
  return isSetting(value) ? reader.read(value) : value;
}
