import { z } from 'zod';
import { setting, type Setting, type SettingsReader } from '../../settings.js';
import { SourceError, SourceTimeoutError, SourceUnavailableError } from '../../errors.js';
import { toAbortSignal, type CallSignal } from '../../v8/call-signal.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from '../connector.js';
import { check } from '../http.js';
import { openDatabase, type Database, type FileTable, type NewestDays } from './database.js';
import { refuseImpossibleText, runQuery, type FileParameter } from './query.js';
import { createSlots } from './slots.js';

/**
 * Queries at once; more wait for one to end. Each takes one of the four threads that Node also reads files and looks up
 * names with.
 */
const MAX_QUERIES = 2;

/** Files of one folder, read only, as tables. */
export interface FileClient extends Client {
  /**
   * The rows of a query, checked. A table is named as `<table>()`; `<table>_files()` has the names alone, as `file`, and
   * opens none. Keys are always parameters (`$1`, `$2`), lists as one parameter. Dates, moments, decimals and big
   * integers arrive as text, exact; moments in UTC.
   */
  rows<T>(schema: z.ZodType<T>, text: string, parameters: readonly FileParameter[]): Promise<T[]>;
}

export interface FileOptions {
  /** The only folder that is read. */
  folder: Setting<string>;
  /** The most memory that all queries together take, in megabytes. */
  memoryMb: Setting<number>;
  /** The longest that a query may take, in milliseconds; the source's own timeout holds as well. */
  timeoutMs: Setting<number>;
  /** By the name that queries have for them: lower case letters, digits and underscores. */
  tables: Readonly<Record<string, DeclaredTable>>;
}

type DeclaredTable = Omit<FileTable, 'files' | 'newest'> & {
  /** May be a setting: files lie as whoever writes them wants it. */
  files: FileTable['files'] | Setting<string>;
  newest?: Omit<NewestDays, 'days'> & { days: Setting<number> };
};

/** The whole path of a folder on this machine, or mounted on it. */
export function folderSetting(variable: string, example: string): Setting<string> {
  const schema = z
    .string()
    .regex(/^\/[^\0*?[\]]*$/)
    .transform((folder) => folder.replace(/(?<=.)\/+$/, ''));
  return setting(variable, schema, `the whole path of a folder, such as ${example}`);
}

/** Which files of the folder, as `FileTable.files` has them. */
export function filesSetting(variable: string, usual: string): Setting<string> {
  const schema = z
    .string()
    .regex(/^[^/\0][^\0]*\.(parquet|(csv|json|ndjson|jsonl)(\.gz)?)$/)
    .refine((files) => !files.split('/').includes('..'))
    .default(usual);
  return setting(variable, schema, `files of the folder, such as ${usual} (default)`);
}

/** A connector to Parquet, CSV and JSON files, queried by DuckDB inside the gateway's own process. */
export function file(declared: FileOptions): Connector<FileClient> {
  const { folder, memoryMb, timeoutMs, tables } = declared;
  return {
    settings: () => [
      folder,
      memoryMb,
      timeoutMs,
      ...Object.values(tables).flatMap(({ files, newest }) => [
        ...(typeof files === 'string' ? [] : [files]),
        ...(newest === undefined ? [] : [newest.days]),
      ]),
    ],
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<FileClient> => {
      const { source, maxAnswerBytes } = options;
      const given = {
        folder: reader.read(folder) ?? '',
        memoryMb: reader.read(memoryMb) ?? 1,
        tables: Object.fromEntries(
          Object.entries(tables).map(([name, table]) => [name, readTable(table, reader)]),
        ),
      };
      const longestMs = reader.read(timeoutMs) ?? options.timeoutMs;
      const closed = new AbortController();
      const slots = createSlots(MAX_QUERIES);
      const underWay = new Set<Promise<unknown>>();
      let opening: Promise<Database> | undefined;
      let closing: Promise<void> | undefined;

      const open = (): Promise<Database> => {
        if (opening !== undefined) return opening;
        const own = openDatabase(given, source);
        opening = own;
        // A folder that is not there yet may be there for the next call.
        own.catch(() => {
          if (opening === own) opening = undefined;
        });
        return own;
      };
      const ask = async (
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
          const work = slots.run(signal, () => ask(text, parameters, signal));
          underWay.add(work);
          try {
            return check(z.array(schema), await work, source);
          } finally {
            clearTimeout(timer);
            underWay.delete(work);
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

      // The engine is large, and the first who asks need not wait while it is loaded. What is wrong then is told to them.
      setImmediate(() => {
        if (!closed.signal.aborted) open().catch(() => undefined);
      });

      const close = async (): Promise<void> => {
        closed.abort(
          new SourceUnavailableError(source, `${source} is no longer asked: the gateway is stopping.`, {
            kind: 'gateway-stopping',
          }),
        );
        await Promise.allSettled(underWay);
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
    files: typeof files === 'string' ? files : (reader.read(files) ?? '*.parquet'),
    ...(newest !== undefined && {
      newest: { column: newest.column, days: reader.read(newest.days) ?? 1 },
    }),
  };
}
