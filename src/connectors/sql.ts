import { createHash } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import {
  ConfigError,
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
  type SourceError,
} from '../errors.js';
import { setting, type Setting, type SettingsReader } from '../config.js';
import type { Client, Connector, ConnectorOptions } from './connector.js';
import { check } from './http.js';

/** Connections to the database at once; more queries wait for one to come free. */
const MAX_CONNECTIONS = 10;

/** A relational database, read only. */
export interface SqlClient extends Client {
  /**
   * The rows of a query, checked. Keys are always parameters (`$1`, `$2`), lists as one array parameter.
   * Dates, moments, decimals and big integers arrive as text, exact.
   */
  rows<T>(schema: z.ZodType<T>, text: string, parameters: readonly unknown[]): Promise<T[]>;
}

/** The address of a database; the scheme tells which kind. */
export function databaseUrl(variable: string): Setting<string> {
  return setting(
    variable,
    z.url({ protocol: /^postgres(ql)?$/ }),
    'a database address such as postgres://user:password@host:5432/name',
  );
}

/** A connector to PostgreSQL. */
export function sql(url: Setting<string>): Connector<SqlClient> {
  return {
    settings: () => [url],
    connect: (reader: SettingsReader, options: ConnectorOptions): SqlClient => {
      const { source, guard } = options;
      const open = once(() => openPool(reader.read(url) ?? '', options));
      const rows = <T>(schema: z.ZodType<T>, text: string, parameters: readonly unknown[]): Promise<T[]> =>
        guard(async (signal) => {
          const pool = await open();
          const result = await run(
            pool,
            { name: statementName(text), text, values: [...parameters] },
            signal,
            source,
          );
          return check(z.array(schema), result.rows, source);
        });
      return {
        rows,
        ping: async () => {
          await rows(z.unknown(), 'SELECT 1', []);
        },
        close: async () => {
          if (open.started()) await (await open()).end();
        },
      };
    },
  };
}

/**
 * Values of these types are left as the server wrote them: int8, date, timestamp, timestamptz, numeric. A `date` is no
 * moment, a `numeric` no double.
 */
const RAW_TYPES: ReadonlySet<number> = new Set([20, 1082, 1114, 1184, 1700]);

async function openPool(
  connectionString: string,
  { timeoutMs, logger, source }: ConnectorOptions,
): Promise<pg.Pool> {
  const { default: driver } = await import('pg').catch((error: unknown) => {
    throw new ConfigError([`${source} needs the package "pg": npm install pg. (${String(error)})`]);
  });
  const pool = new driver.Pool({
    connectionString,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: timeoutMs,
    // The server itself stops a query that nobody waits for any longer.
    statement_timeout: timeoutMs,
    options: '-c timezone=UTC',
    application_name: 'stekkerdoos',
    types: {
      getTypeParser: ((type: Parameters<typeof driver.types.getTypeParser>[0], format: 'text') =>
        RAW_TYPES.has(type)
          ? (value: string) => value
          : (driver.types.getTypeParser(type, format) as unknown)) as typeof driver.types.getTypeParser,
    },
  });
  // An idle connection that breaks is told here; without a listener it would end the process.
  pool.on('error', (error) => {
    logger.warn({ source, code: (error as { code?: string }).code }, 'an idle database connection broke');
  });
  return pool;
}

async function run(
  pool: pg.Pool,
  query: pg.QueryConfig,
  signal: AbortSignal,
  source: string,
): Promise<pg.QueryResult> {
  let client: pg.PoolClient | undefined;
  try {
    client = await pool.connect();
    signal.throwIfAborted();
    // pg knows no signal: the connection itself is given up, and with it the query.
    const giveUp = () => client?.release(true);
    signal.addEventListener('abort', giveUp, { once: true });
    const result = await client.query(query);
    signal.removeEventListener('abort', giveUp);
    client.release();
    return result;
  } catch (error) {
    const translated = translate(source, error);
    // After an error of the server the connection is still good, after any other it is not.
    if (!signal.aborted) client?.release(!isServerError(error));
    else client?.release(true);
    throw translated;
  }
}

function isServerError(error: unknown): error is { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

/** SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(source: string, error: unknown): SourceError {
  const cause = { cause: error };
  if (!isServerError(error)) return new SourceUnavailableError(source, `${source} cannot be reached.`, cause);
  const { code } = error;
  if (code.startsWith('28')) {
    return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, cause);
  }
  if (code === '57014') return new SourceTimeoutError(source, `${source} did not answer in time.`, cause);
  if (code.startsWith('53'))
    return new SourceRateLimitedError(source, `${source} has no room for more work.`, cause);
  if (code.startsWith('08') || code.startsWith('57') || code.startsWith('58') || code.startsWith('XX')) {
    return new SourceUnavailableError(source, `${source} answered with an error.`, cause);
  }
  return new SourceContractError(source, `${source} did not understand the gateway's query.`, cause);
}

const names = new Map<string, string>();

/** Named statements are parsed and planned once a connection. The names are few: one for each query in the sources. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    names.set(text, name);
  }
  return name;
}

function once<T>(make: () => Promise<T>): (() => Promise<T>) & { started(): boolean } {
  let made: Promise<T> | undefined;
  return Object.assign(() => (made ??= make()), { started: () => made !== undefined });
}
