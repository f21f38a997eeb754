import { z } from 'zod';
import { setting, type Setting, type SettingsReader } from '../../settings.js';
import { SourceContractError, SourceError, SourceUnavailableError } from '../../errors.js';
import type { CallSignal } from '../../v8/call-signal.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from '../connector.js';
import { yieldToOthers } from '../../chunked-work.js';
import { check } from '../http.js';
import { refuseImpossibleText, type Database, type Dialect } from './database.js';
import { openMysql } from './mysql.js';
import { mysqlDialect } from './mysql-dialect.js';
import { tablesIn } from './statement.js';
import { openPostgres, postgresDialect } from './postgres.js';
import { mysqlTableScans, postgresTableScans, type TableScan } from './table-scan.js';

/** A relational database, read only. */
export interface SqlClient extends Client {
  /**
   * The validated rows of a query. Values are always parameters, in every database: `$1`, `$2`, and a list `=
   * ANY($3)`. Dates, decimals and big integers are returned as exact text; timestamps as text in UTC, `2026-11-01
   * 12:00:00.5+00`.
   */
  rows<T>(schema: z.ZodType<T>, text: string, parameters: readonly unknown[]): Promise<T[]>;
  /**
   * Requests the plan of a query from the database, without running it. Throws a SourceContractError if it would read every row of
   * a table with more than 10,000 rows. A query that passed is not checked again on this connection.
   */
  checkPlan(text: string, parameters: readonly unknown[]): Promise<void>;
  /** The SQL of this database where databases differ. */
  readonly dialect: Dialect;
}

/** Reading more rows to find those of a few keys takes a database too long, and fills its memory with unneeded rows. */
const MAX_SCANNED_ROWS = 10_000;

/** A setting for the address of a database. Its scheme determines the kind of database. */
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
      const findTableScans = isPostgres ? postgresTableScans : mysqlTableScans;
      const passed = new Set<string>();
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
              `${source} is not called any more: the gateway is stopping.`,
              { kind: 'gateway-stopping' },
            );
          const database = await (opening ??= open(address, options));
          return checkInSlices(schema, await database.query(text, parameters, signal), source);
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
          checkPlan: async (text, parameters) => {
            if (passed.has(text)) return;
            const scans = await findTableScans(text, parameters, (schema, explain, values) =>
              rows(scope, schema, explain, values),
            );
            const scan = scans.find((found) => found.rows > MAX_SCANNED_ROWS);
            if (scan !== undefined) throw scanError(source, scan, text);
            passed.add(text);
          },
          ping: async () => {
            await rows(scope, z.unknown(), 'SELECT 1', []);
          },
        }),
        close: () =>
          (closing ??= Promise.resolve(
            opening?.then(
              (database) => database.close(),
              // Opening failed, and the calls that waited for it got the error.
              () => undefined,
            ),
          )),
      };
    },
  };
}

/** Rows that are validated before the process yields to the event loop. More would take several milliseconds. */
const ROWS_PER_SLICE = 250;

async function checkInSlices<T>(schema: z.ZodType<T>, answer: unknown, source: string): Promise<T[]> {
  const rows = z.array(schema);
  if (!Array.isArray(answer) || answer.length <= ROWS_PER_SLICE) return check(rows, answer, source);
  const checked: T[] = [];
  for (let from = 0; from < answer.length; from += ROWS_PER_SLICE) {
    await yieldToOthers();
    checked.push(...check(rows, answer.slice(from, from + ROWS_PER_SLICE), source, from));
  }
  return checked;
}

function scanError(source: string, { table }: TableScan, text: string): SourceContractError {
  const error = new SourceContractError(
    source,
    `${source} is not queried: it would read every row of a large table.`,
    {
      kind: 'table-scan',
      received: { name: table },
    },
  );
  error.addRequest({ method: 'SELECT', tables: tablesIn(text) });
  return error;
}
