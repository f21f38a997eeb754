import { z } from 'zod';
import { setting, type Setting, type SettingsReader } from '../../settings.js';
import { SourceError, SourceUnavailableError } from '../../errors.js';
import type { CallSignal } from '../../v8/call-signal.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from '../connector.js';
import { yieldToOthers } from '../../chunked-work.js';
import { check } from '../http.js';
import { refuseImpossibleText, type Database, type Dialect } from './database.js';
import { openMysql } from './mysql.js';
import { mysqlDialect } from './mysql-dialect.js';
import { tablesIn } from './statement.js';
import { openPostgres, postgresDialect } from './postgres.js';

/** A relational database, read only. */
export interface SqlClient extends Client {
  /**
   * The rows of a query, checked. Values are always parameters: `$1`, `$2`, and a list `= ANY($3)`, in every database.
   * Dates, decimals and big integers arrive as text, exact; moments as text in UTC, `2026-11-01 12:00:00.5+00`.
   */
  rows<T>(schema: z.ZodType<T>, text: string, parameters: readonly unknown[]): Promise<T[]>;
  /** How this database writes what has no words that all know. */
  readonly dialect: Dialect;
}

/** The address of a database; the scheme tells which kind. */
export function databaseUrl(variable: string): Setting<string> {
  return setting(
    variable,
    z.url({ protocol: /^(postgres(ql)?|mysql|mariadb)$/ }),
    'a database address such as postgres://user:password@host:5432/name, or one of mysql:// or mariadb://',
  );
}

/** A connector to PostgreSQL, MySQL and MariaDB. */
export function sql(url: Setting<string>): Connector<SqlClient> {
  return {
    settings: () => [url],
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<SqlClient> => {
      const { source } = options;
      const address = reader.read(url) ?? '';
      const isPostgres = address.startsWith('postgres');
      const open = isPostgres ? openPostgres : openMysql;
      let opening: Promise<Database> | undefined;
      let closing: Promise<void> | undefined;
      const rows = <T>(
        scope: CallScope,
        schema: z.ZodType<T>,
        text: string,
        parameters: readonly unknown[],
      ): Promise<T[]> => {
        const call = async (signal: CallSignal) => {
          refuseImpossibleText(parameters);
          if (closing !== undefined)
            throw new SourceUnavailableError(
              source,
              `${source} is no longer asked: the gateway is stopping.`,
              { kind: 'gateway-stopping' },
            );
          const database = await (opening ??= open(address, options));
          return checkInChunks(schema, await database.query(text, parameters, signal), source);
        };
        return scope.run(call).catch((error: unknown) => {
          if (error instanceof SourceError) error.addRequest({ method: 'SELECT', tables: tablesIn(text) });
          throw error;
        });
      };
      return {
        client: (scope) => ({
          dialect: isPostgres ? postgresDialect : mysqlDialect,
          rows: (schema, text, parameters) => rows(scope, schema, text, parameters),
          ping: async () => {
            await rows(scope, z.unknown(), 'SELECT 1', []);
          },
        }),
        close: () =>
          (closing ??= Promise.resolve(
            opening?.then(
              (database) => database.close(),
              // It was never opened, as those who asked were told.
              () => undefined,
            ),
          )),
      };
    },
  };
}

/** Checking more rows takes milliseconds, so other requests continue in between. */
const CHUNK_ROWS = 250;

async function checkInChunks<T>(schema: z.ZodType<T>, answer: unknown, source: string): Promise<T[]> {
  const rows = z.array(schema);
  if (!Array.isArray(answer) || answer.length <= CHUNK_ROWS) return check(rows, answer, source);
  const checked: T[] = [];
  for (let from = 0; from < answer.length; from += CHUNK_ROWS) {
    await yieldToOthers();
    checked.push(...check(rows, answer.slice(from, from + CHUNK_ROWS), source, from));
  }
  return checked;
}
