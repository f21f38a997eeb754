import type * as mysql from 'mysql2';
import type { Connection, ConnectionOptions, QueryError, TypeCastField, TypeCastNext } from 'mysql2';
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
import type { Database } from './database.js';
import { positional } from './mysql-dialect.js';
import { nameIn } from './statement.js';
import { createConnectionPool, destroy, quit, streamOf } from './mysql-pool.js';
import { missingPackage } from '../../missing-package.js';

/** The size of the pool, unless the concurrency of the source is higher. Further queries wait for a connection. */
const DEFAULT_POOL_SIZE = 10;
/** Timeout for cancelling a query at the server. */
const KILL_TIMEOUT_MS = 500;
/**
 * The server's own timeout is longer than the gateway's by this time, so that the gateway's cancellation arrives first, also on
 * a busy machine.
 */
const SERVER_TIMEOUT_MARGIN_MS = 2_500;

type Driver = (typeof mysql)['default'];

/** Opens a MySQL or MariaDB database. The first query opens the first connection. */
export async function openMysql(address: string, options: ConnectorOptions): Promise<Database> {
  const { source, timeoutMs, concurrency = 0, maxAnswerBytes } = options;
  const { default: driver } = await import('mysql2').catch(missingPackage('mysql2', source));
  const config = connectionOptions(address, timeoutMs);
  const pool = createConnectionPool(Math.max(DEFAULT_POOL_SIZE, concurrency), async () => {
    const connection = await connect(driver, config);
    try {
      for (const text of setUpTexts(timeoutMs + SERVER_TIMEOUT_MARGIN_MS))
        await toPromise((done) => connection.query(text, done));
    } catch (error) {
      destroy(connection);
      throw error;
    }
    return connection;
  });
  /** Queries and cancellations in progress. */
  const inProgress = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    const settled: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => {
        inProgress.delete(settled);
      });
    inProgress.add(settled);
    return work;
  };

  const run = async (text: string, parameters: readonly unknown[], signal: CallSignal): Promise<unknown> => {
    const { sql, values } = positional(text, parameters);
    const bound = values.map((value) =>
      // LIMIT rejects a double, which is the driver's type for numbers.
      Number.isInteger(value) ? driver.TypedParameter.LONGLONG(value as number) : value,
    );
    const connection = await pool.acquire(signal);
    const stream = streamOf(connection);
    let broken = false;
    let bytes = 0;
    let abandon: (reason: unknown) => void = () => undefined;
    // The driver does not settle a call when its connection is destroyed.
    const abandoned = new Promise<never>((_, reject) => {
      abandon = reject;
    });
    const onAbort = () => {
      abandon(signal.reason);
    };
    const measure = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes)
        abandon(
          new SourceContractError(source, `${source} sent an answer of more than ${maxAnswerBytes} bytes.`, {
            kind: 'too-large',
          }),
        );
    };
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort);
      stream.on('data', measure);
      const answer = toPromise((done) => connection.execute(sql, bound as string[], done));
      return await Promise.race([abandoned, answer]);
    } catch (error) {
      // A connection stays usable after an error of the server, unless the error is fatal.
      broken = !isServerError(error) || error.fatal;
      // The query is cancelled with KILL, because the server notices a closed connection only when it sends. The
      // connection is destroyed too: the KILL may arrive late, and would then hit the next query.
      if (signal.aborted || bytes > maxAnswerBytes) void track(kill(driver, config, connection.threadId));
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      stream.off('data', measure);
      // MariaDB (11.8) returns wrong results when some prepared statements run twice: those with `IN (SELECT ...)` or
      // subqueries. So each statement is prepared again.
      if (!broken) connection.unprepare(sql);
      pool.release(connection, { broken });
    }
  };

  return {
    query: (text, parameters, signal) =>
      track(run(text, parameters, signal)).catch((error: unknown) => {
        throw error instanceof SourceContractError ? error : translate(source, error, text);
      }),
    close: async () => {
      while (inProgress.size > 0) await Promise.all(inProgress);
      await pool.close();
    },
  };
}

function connectionOptions(address: string, timeoutMs: number): ConnectionOptions {
  const { hostname, port, username, password, pathname, searchParams } = new URL(address);
  // Any other value enables TLS with full verification.
  const isPlain = (searchParams.get('sslmode') ?? 'disable') === 'disable';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    ...(isPlain ? {} : { ssl: { rejectUnauthorized: true, verifyIdentity: true } }),
    connectTimeout: timeoutMs,
    connectAttributes: { program_name: 'stekkerdoos' },
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    typeCast,
  };
}

/** Converts values to the form that PostgreSQL returns. */
function typeCast(field: TypeCastField, next: TypeCastNext): unknown {
  const value: unknown = next();
  // MySQL writes all six decimals of such a column.
  if (field.type === 'DATETIME' || field.type === 'TIMESTAMP') {
    if (typeof value !== 'string') return value;
    const moment = value.includes('.') ? value.replace(/\.?0+$/, '') : value;
    // The session's time zone is UTC.
    return field.type === 'TIMESTAMP' ? `${moment}+00` : moment;
  }
  // BOOLEAN is a name for this type.
  if (field.type === 'TINY' && field.length === 1) return value === null ? null : value !== 0;
  return value;
}

/**
 * The settings of a session. The server's timeout is longer than ours, because MariaDB stalls for seconds when many
 * queries are killed at the moment they time out. `ANSI`: `||` and `"name"` have their standard meaning. Only MariaDB
 * runs `M!` comments, and it skips those for MySQL 5.7. The gateway only reads.
 */
function setUpTexts(stopMs: number): readonly string[] {
  return [
    `SET time_zone = '+00:00', sql_mode = 'ANSI'
      /*M! , max_statement_time = ${stopMs / 1000} */ /*!50708 , max_execution_time = ${Math.ceil(stopMs)} */`,
    'SET SESSION TRANSACTION READ ONLY',
  ];
}

function toPromise(
  call: (done: (error: QueryError | null, rows: unknown) => void) => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call((error, rows) => {
      if (error === null) resolve(rows);
      else reject(error);
    });
  });
}

/** Resolves to an open connection. Rejects with the server's reason. */
function connect(driver: Driver, config: ConnectionOptions): Promise<Connection> {
  const connection = driver.createConnection(config);
  // Calls get their errors themselves. Without this listener, a broken connection would end the process.
  connection.on('error', () => undefined);
  return toPromise((done) => {
    connection.connect((error) => {
      done(error, connection);
    });
  }).then(
    () => connection,
    (error: unknown) => {
      destroy(connection);
      throw error;
    },
  );
}

/** Cancels a query over a separate connection. If that fails, the server's own timeout ends it. */
async function kill(driver: Driver, config: ConnectionOptions, threadId: number): Promise<void> {
  const connection = await connect(driver, { ...config, connectTimeout: KILL_TIMEOUT_MS });
  const timer = setTimeout(() => {
    destroy(connection);
  }, KILL_TIMEOUT_MS);
  // The server assigned the id, and KILL accepts no parameter. KILL has no effect on a query that has ended.
  connection.query(`KILL QUERY ${threadId}`);
  await quit(connection);
  clearTimeout(timer);
}

function isServerError(error: unknown): error is QueryError & { errno: number; fatal: boolean } {
  return error instanceof Error && 'sqlState' in error && 'errno' in error && typeof error.errno === 'number';
}

/** The login was refused. 1862: the password has expired. */
const UNAUTHENTICATED = new Set([1045, 1130, 1698, 1820, 1862, 3118, 4151]);
/** The user may log in, but not read the database, table or column. */
const FORBIDDEN = new Set([1044, 1142, 1143, 1227, 1370]);
/** Missing objects: a database or a table; a column or a function. */
const MISSING: ReadonlyMap<number, 'missing-table' | 'missing-column'> = new Map([
  [1046, 'missing-table'],
  [1049, 'missing-table'],
  [1146, 'missing-table'],
  [1054, 'missing-column'],
  [1305, 'missing-column'],
]);
/** Too many connections, in total or for one user; or no memory, disk space or statement left. */
const NO_ROOM = new Set([1021, 1037, 1038, 1040, 1041, 1135, 1203, 1226, 1461]);
/** The query was stopped by the server's timeout or by the gateway. */
const STOPPED = new Set([1317, 1969, 3024]);
/**
 * Temporary failures: locks and deadlocks, a server that shuts down or has no data yet, a closed connection, or a
 * table that changed during the query.
 */
const UNAVAILABLE = new Set([
  1020, 1053, 1077, 1079, 1080, 1105, 1129, 1152, 1158, 1159, 1160, 1161, 1180, 1184, 1205, 1213, 1290, 1412,
  1613, 1614, 1615, 1836, 1927, 3032, 3168, 3169, 3572,
]);

/** https://mariadb.com/kb/en/mariadb-error-code-reference/, https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
function translate(source: string, error: unknown, statement: string): SourceError {
  const cause = { cause: error };
  if (!isServerError(error))
    return new SourceUnavailableError(source, `${source} cannot be reached.`, {
      ...cause,
      ...networkFailure(error),
    });
  const { errno } = error;
  const received = {
    sqlState: safeCode(error.sqlState),
    databaseError: String(errno),
    name: nameIn(error.message, statement),
  };
  const details = { ...cause, received };
  if (UNAUTHENTICATED.has(errno))
    return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, details);
  if (FORBIDDEN.has(errno))
    return new SourceForbiddenError(source, `${source} does not let the gateway read this.`, {
      ...details,
      kind: 'missing-grant',
    });
  if (STOPPED.has(errno)) return new SourceTimeoutError(source, `${source} did not answer in time.`, details);
  if (NO_ROOM.has(errno))
    return new SourceRateLimitedError(source, `${source} has no room for more work.`, {
      ...details,
      kind: 'no-room',
    });
  if (UNAVAILABLE.has(errno))
    return new SourceUnavailableError(source, `${source} returned an error.`, {
      ...details,
      kind: 'server-error',
    });
  return new SourceContractError(source, `${source} did not understand the gateway's query.`, {
    ...details,
    kind: MISSING.get(errno) ?? 'request-refused',
  });
}
