import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type pg from 'pg';
import {
  SourceAuthenticationError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
  type SourceError,
} from '../../errors.js';
import { safeCode } from '../../diagnosis.js';
import type { CallSignal } from '../../v8/call-signal.js';
import type { ConnectorOptions } from '../connector.js';
import { networkFailure } from '../vendor-code.js';
import { refuseImpossibleText, type Database, type Dialect } from './database.js';
import { nameIn } from './statement.js';
import { missingPackage } from '../../missing-package.js';

/** The size of the pool, unless the concurrency of the source is higher. Further queries wait for a connection. */
const DEFAULT_POOL_SIZE = 10;

/** Timeout for cancelling a query at the server. */
const CANCEL_TIMEOUT_MS = 500;

export const postgresDialect: Dialect = {
  forEach: ({ query, columns, values, shared = {}, orderBy }) => {
    const names = Object.keys(shared);
    const queryOfShared = query.replace(
      /\bshared\.(\w+)/g,
      (_, name: string) => `$${String(names.indexOf(name) + 2)}`,
    );
    // JSON escapes a NUL as six characters, which a later check would not find.
    for (const value of values) refuseImpossibleText(Object.values(value));
    const types = Object.entries(columns).map(([name, type]) => `${name} ${String(type)}`);
    return [
      `SELECT found.*
       FROM json_to_recordset($1::json) AS requested (${types.join(', ')})
       CROSS JOIN LATERAL (${queryOfShared}) AS found
       ORDER BY ${orderBy}`,
      [JSON.stringify(values), ...Object.values(shared)],
    ];
  },
  bytes: (column) => `${column} COLLATE "C"`,
};

/** Opens a PostgreSQL database. The first query opens the first connection. */
export async function openPostgres(connectionString: string, options: ConnectorOptions): Promise<Database> {
  const { default: driver } = await import('pg').catch(missingPackage('pg', options.source));
  const pool = openPool(driver, connectionString, options);
  const cancelling = new Set<Promise<void>>();
  const cancel = (client: pg.PoolClient): void => {
    const cancelled = cancelQuery(driver, client).finally(() => cancelling.delete(cancelled));
    cancelling.add(cancelled);
  };
  return {
    query: async (text, parameters, signal) => {
      const query = { name: statementName(text), text, values: [...parameters] };
      const { rows }: { rows: unknown } = await run(pool, query, signal, cancel, options);
      return rows;
    },
    close: async () => {
      await pool.end();
      await Promise.all(cancelling);
    },
  };
}

/**
 * Types whose values are returned as the server writes them: int8, date, timestamp, timestamptz, numeric. A `date` is
 * not a point in time, and a `numeric` is not a double.
 */
const RAW_TYPES: ReadonlySet<number> = new Set([20, 1082, 1114, 1184, 1700]);
/** Their list types are read as lists of text. */
const RAW_LIST_TYPES: ReadonlySet<number> = new Set([1016, 1182, 1115, 1185, 1231]);
const TEXT_LIST = 1009;

function openPool(
  driver: typeof pg,
  connectionString: string,
  { timeoutMs, concurrency = 0, logger, source }: ConnectorOptions,
): pg.Pool {
  const readerOf: (type: number, format?: 'text' | 'binary') => unknown = driver.types.getTypeParser;
  const pool = new driver.Pool({
    connectionString,
    max: Math.max(DEFAULT_POOL_SIZE, concurrency),
    connectionTimeoutMillis: timeoutMs,
    // The server stops the query too, in case a cancellation does not arrive.
    statement_timeout: timeoutMs,
    // The format of timestamps must not depend on the configuration of the server or the role. The gateway only reads.
    options: '-c timezone=UTC -c datestyle=ISO,YMD -c default_transaction_read_only=on',
    application_name: 'stekkerdoos',
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        RAW_TYPES.has(type)
          ? (value: string) => value
          : readerOf(RAW_LIST_TYPES.has(type) ? TEXT_LIST : type, format),
    },
  });
  // An idle connection that breaks is reported here. Without a listener it would end the process.
  pool.on('error', (error) => {
    logger.warn(
      { source, code: (error as { code?: string }).code },
      'an idle database connection was lost; the next query opens another',
    );
  });
  return pool;
}

async function run(
  pool: pg.Pool,
  query: pg.QueryConfig,
  signal: CallSignal,
  cancel: (client: pg.PoolClient) => void,
  { source, maxAnswerBytes }: ConnectorOptions,
): Promise<pg.QueryResult> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translate(source, error);
  });
  const finish = finishOnce(client);
  const { stream } = client.connection;
  let bytes = 0;
  // pg supports neither a signal nor a size limit. The query is cancelled at the server, which notices a closed
  // connection only when it sends. The connection is discarded too: the cancellation may arrive late, and would then
  // hit the next query.
  const abandon = () => {
    cancel(client);
    finish({ broken: true });
  };
  const measure = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes && bytes - chunk.length <= maxAnswerBytes) abandon();
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', abandon, { once: true });
    stream.on('data', measure);
    const result = await client.query(query);
    finish({ broken: false });
    return result;
  } catch (error) {
    // The connection is discarded after an error of the server too: a prepared statement whose plan no longer fits
    // its table (0A000) would fail on it again. It is reused only if the call was cancelled before its query was
    // sent.
    finish({ broken: error !== signal.reason });
    if (bytes > maxAnswerBytes) {
      throw new SourceContractError(
        source,
        `${source} sent an answer of more than ${maxAnswerBytes} bytes.`,
        {
          kind: 'too-large',
        },
      );
    }
    throw translate(source, error, query.text);
  } finally {
    signal.removeEventListener('abort', abandon);
    stream.off('data', measure);
  }
}

/** Returns a connection to its pool once; further calls have no effect. */
function finishOnce(client: pg.PoolClient): (end: { broken: boolean }) => void {
  // A connection that breaks during a query rejects the query, and emits an error here. Without a listener it would
  // end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let finished = false;
  return ({ broken }) => {
    if (finished) return;
    finished = true;
    client.release(broken);
    // From now on the pool handles errors.
    client.off('error', ignore);
  };
}

/**
 * Members of pg that its types omit:
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
interface CancelConnection {
  stream: Socket;
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void;
}
interface Cancellable {
  host: string;
  port: number;
  processID: number;
  secretKey: number;
  connection: { ssl: pg.ClientConfig['ssl']; sslNegotiation: string };
}

/** Cancels the client's query over a separate connection with the same encryption. */
function cancelQuery(driver: typeof pg, client: pg.PoolClient): Promise<void> {
  const { host, port, processID, secretKey, connection } = client as unknown as Cancellable;
  const { ssl, sslNegotiation } = connection;
  return new Promise((resolve) => {
    const other = new driver.Connection({ ssl, sslNegotiation } as object) as unknown as CancelConnection;
    const timer = setTimeout(finish, CANCEL_TIMEOUT_MS);
    function finish(): void {
      clearTimeout(timer);
      other.stream.destroy();
      resolve();
    }
    const sendCancel = () => {
      other.cancel(processID, secretKey);
    };
    other.on('connect', () => {
      if (!ssl) sendCancel();
      else if (sslNegotiation !== 'direct') other.requestSsl();
    });
    other.on('sslconnect', sendCancel);
    // The server closes the connection after it has sent the signal. If it cannot be reached, its own timeout stops
    // the query.
    other.on('error', finish);
    other.on('end', finish);
    if (host.startsWith('/')) other.connect(`${host}/.s.PGSQL.${port}`);
    else other.connect(port, host);
  });
}

function isServerError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

const UNAVAILABLE = ['08', '40', '57', '58', 'XX'];

/** Missing objects by SQLSTATE: a table, a schema or a database; a column or a function. */
const MISSING: Readonly<Record<string, 'missing-table' | 'missing-column'>> = {
  '42P01': 'missing-table',
  '3F000': 'missing-table',
  '3D000': 'missing-table',
  '42703': 'missing-column',
  '42883': 'missing-column',
};

/** SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(source: string, error: unknown, statement = ''): SourceError {
  const cause = { cause: error };
  if (!isServerError(error))
    return new SourceUnavailableError(source, `${source} cannot be reached.`, {
      ...cause,
      ...networkFailure(error),
    });
  const { code } = error;
  const details = {
    ...cause,
    received: { sqlState: safeCode(code), name: nameIn(error.message, statement) },
  };
  if (code.startsWith('28'))
    return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, details);
  // The role may log in but not read the requested table.
  if (code === '42501')
    return new SourceForbiddenError(source, `${source} does not let the gateway read this.`, {
      ...details,
      kind: 'missing-grant',
    });
  if (code === '57014') return new SourceTimeoutError(source, `${source} did not answer in time.`, details);
  if (code.startsWith('53'))
    return new SourceRateLimitedError(source, `${source} has no room for more work.`, {
      ...details,
      kind: 'no-room',
    });
  // 40001 comes from a replica whose data changed during the query.
  if (UNAVAILABLE.some((start) => code.startsWith(start)))
    return new SourceUnavailableError(source, `${source} returned an error.`, {
      ...details,
      kind: 'server-error',
    });
  return new SourceContractError(source, `${source} did not understand the gateway's query.`, {
    ...details,
    kind: MISSING[code] ?? 'request-refused',
  });
}

const names = new Map<string, string>();

/**
 * Named statements are parsed and planned once for each connection. There are few names: one for each query of the
 * sources.
 */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('hex').slice(0, 32);
    names.set(text, name);
  }
  return name;
}
