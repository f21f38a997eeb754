import { createHash } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import {
  ConfigError,
  InvalidInputError,
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
  type SourceError,
} from '../errors.js';
import { setting, type Setting, type SettingsReader } from '../config.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from './connector.js';
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
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<SqlClient> => {
      const { source } = options;
      let opening: Promise<pg.Pool> | undefined;
      let closing: Promise<void> | undefined;
      const rows = <T>(
        scope: CallScope,
        schema: z.ZodType<T>,
        text: string,
        parameters: readonly unknown[],
      ): Promise<T[]> =>
        scope.run(async (signal) => {
          refuseImpossibleText(parameters);
          if (closing !== undefined)
            throw new SourceUnavailableError(
              source,
              `${source} is no longer asked: the gateway is stopping.`,
            );
          const pool = await (opening ??= openPool(reader.read(url) ?? '', options));
          const result = await run(
            pool,
            { name: statementName(text), text, values: [...parameters] },
            signal,
            options,
          );
          return check(z.array(schema), result.rows, source);
        });
      return {
        client: (scope) => ({
          rows: (schema, text, parameters) => rows(scope, schema, text, parameters),
          ping: async () => {
            await rows(scope, z.unknown(), 'SELECT 1', []);
          },
        }),
        close: () => (closing ??= Promise.resolve(opening).then((pool) => pool?.end())),
      };
    },
  };
}

/**
 * Values of these types are left as the server wrote them: int8, date, timestamp, timestamptz, numeric. A `date` is no
 * moment, a `numeric` no double.
 */
const RAW_TYPES: ReadonlySet<number> = new Set([20, 1082, 1114, 1184, 1700]);
/** Lists of them are read as lists of text. */
const RAW_LIST_TYPES: ReadonlySet<number> = new Set([1016, 1182, 1115, 1185, 1231]);
const TEXT_LIST = 1009;

async function openPool(
  connectionString: string,
  { timeoutMs, logger, source }: ConnectorOptions,
): Promise<pg.Pool> {
  const { default: driver } = await import('pg').catch((error: unknown) => {
    throw new ConfigError([`${source} needs the package "pg": npm install pg. (${String(error)})`]);
  });
  const readerOf: (type: number, format?: 'text' | 'binary') => unknown = driver.types.getTypeParser;
  const pool = new driver.Pool({
    connectionString,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: timeoutMs,
    // The server itself stops a query that nobody waits for any longer.
    statement_timeout: timeoutMs,
    // How moments are written must not depend on how the server or the login role is set up.
    options: '-c timezone=UTC -c datestyle=ISO,YMD',
    application_name: 'stekkerdoos',
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        RAW_TYPES.has(type)
          ? (value: string) => value
          : readerOf(RAW_LIST_TYPES.has(type) ? TEXT_LIST : type, format),
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
  { source, maxAnswerBytes }: ConnectorOptions,
): Promise<pg.QueryResult> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(source, error);
  });
  const finish = finishOnce(client);
  const { stream } = client.connection;
  let bytes = 0;
  // pg knows neither a signal nor a limit: the connection itself is given up, and with it the query.
  const giveUp = () => {
    finish({ broken: true });
  };
  const measure = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) giveUp();
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', giveUp, { once: true });
    stream.on('data', measure);
    const result = await client.query(query);
    finish({ broken: false });
    return result;
  } catch (error) {
    // Also after an error of the server: a statement whose plan no longer fits its table (0A000) would fail on this
    // connection for ever. Nothing was asked on it when the call was given up before.
    finish({ broken: error !== signal.reason });
    if (bytes > maxAnswerBytes) {
      throw new SourceContractError(source, `${source} sent an answer of more than ${maxAnswerBytes} bytes.`);
    }
    throw translate(source, error);
  } finally {
    signal.removeEventListener('abort', giveUp);
    stream.off('data', measure);
  }
}

/** Gives a connection back to its pool, at most once, whoever is first to be done with it. */
function finishOnce(client: pg.PoolClient): (end: { broken: boolean }) => void {
  // A connection that breaks while it is in use rejects its query, and tells it here too; without a listener that
  // would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let finished = false;
  return ({ broken }) => {
    if (finished) return;
    finished = true;
    client.release(broken);
    // From here on the pool listens.
    client.off('error', ignore);
  };
}

/** PostgreSQL has no text with a NUL in it, and half a character would become another one on its way there. */
function refuseImpossibleText(parameters: readonly unknown[]): void {
  for (const parameter of parameters.flat()) {
    if (typeof parameter === 'string' && (parameter.includes('\0') || /\p{Surrogate}/u.test(parameter)))
      throw new InvalidInputError('A text to look for has a character in it that no text can have.');
  }
}

function isServerError(error: unknown): error is { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

const UNAVAILABLE = ['08', '40', '57', '58', 'XX'];

/** SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(source: string, error: unknown): SourceError {
  const cause = { cause: error };
  if (!isServerError(error)) return new SourceUnavailableError(source, `${source} cannot be reached.`, cause);
  const { code } = error;
  // 42501: the role may log in but not read what is asked.
  if (code.startsWith('28') || code === '42501') {
    return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, cause);
  }
  if (code === '57014') return new SourceTimeoutError(source, `${source} did not answer in time.`, cause);
  if (code.startsWith('53'))
    return new SourceRateLimitedError(source, `${source} has no room for more work.`, cause);
  // 40001 comes from a replica whose copy was changed under the query.
  if (UNAVAILABLE.some((start) => code.startsWith(start))) {
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
