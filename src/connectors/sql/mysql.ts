import type * as mysql from 'mysql2';
import type { Connection, ConnectionOptions, QueryError, TypeCastField, TypeCastNext } from 'mysql2';
import {
  ConfigError,
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
import { createConnectionPool, destroy, leave, streamOf } from './mysql-pool.js';

/** Connections to the database at once, where the source's limits allow no more; further queries wait for one. */
const MAX_CONNECTIONS = 10;
/** How long a server has to take the news that nobody waits for a query any more. */
const KILL_MS = 500;
/** So long after our time the server's own clock stops a query: by then the news has come, on a busy machine too. */
const STOP_AFTER_MS = 2_500;

type Driver = (typeof mysql)['default'];

/** A MySQL or MariaDB. Nothing is opened before the first query. */
export async function openMysql(address: string, options: ConnectorOptions): Promise<Database> {
  const { source, timeoutMs, concurrency = 0, maxAnswerBytes } = options;
  const { default: driver } = await import('mysql2').catch((error: unknown) => {
    throw new ConfigError([`${source} needs the package "mysql2": npm install mysql2. (${String(error)})`]);
  });
  const config = connectionOptions(address, timeoutMs);
  const pool = createConnectionPool(Math.max(MAX_CONNECTIONS, concurrency), async () => {
    const connection = await connect(driver, config);
    await ask((done) => connection.query(setUpText(timeoutMs + STOP_AFTER_MS), done)).catch(
      (error: unknown) => {
        destroy(connection);
        throw error;
      },
    );
    return connection;
  });
  /** Calls under way, and news that the server is still to take. */
  const busy = new Set<Promise<unknown>>();
  const track = <T>(work: Promise<T>): Promise<T> => {
    const settled: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => {
        busy.delete(settled);
      });
    busy.add(settled);
    return work;
  };

  const run = async (text: string, parameters: readonly unknown[], signal: CallSignal): Promise<unknown> => {
    const { sql, values } = positional(text, parameters);
    const bound = values.map((value) =>
      // A LIMIT takes no double, which is what numbers are else sent as.
      Number.isInteger(value) ? driver.TypedParameter.LONGLONG(value as number) : value,
    );
    const connection = await pool.acquire(signal);
    const stream = streamOf(connection);
    let broken = false;
    let bytes = 0;
    let giveUp: (reason: unknown) => void = () => undefined;
    // The driver never tells a call that its connection was destroyed.
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const onAbort = () => {
      giveUp(signal.reason);
    };
    const measure = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes)
        giveUp(
          new SourceContractError(source, `${source} sent an answer of more than ${maxAnswerBytes} bytes.`, {
            kind: 'too-large',
          }),
        );
    };
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort);
      stream.on('data', measure);
      const answer = ask((done) => connection.execute(sql, bound as string[], done));
      return await Promise.race([givenUp, answer]);
    } catch (error) {
      // After an error of the server a connection is as good as before, unless it was one about the connection.
      broken = !isServerError(error) || error.fatal;
      // The server sees a connection that is gone only when it has something to send, so it is told to stop. The
      // connection is given up too: the news may come when the query is over, and would then strike the next one.
      if (signal.aborted || bytes > maxAnswerBytes) void track(kill(driver, config, connection.threadId));
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      stream.off('data', measure);
      // MariaDB (11.8) gives rows twice, or finds no column, when some statements are carried out a second time: those
      // with `IN (SELECT ...)` or a query in a query. So each is prepared anew.
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
      while (busy.size > 0) await Promise.all(busy);
      await pool.close();
    },
  };
}

function connectionOptions(address: string, timeoutMs: number): ConnectionOptions {
  const { hostname, port, username, password, pathname, searchParams } = new URL(address);
  // Any word but this one is taken for the safest.
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

/** What is written in another way than PostgreSQL does. */
function typeCast(field: TypeCastField, next: TypeCastNext): unknown {
  const value: unknown = next();
  // Of a precision of six decimals all six are written.
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
 * How the session reads and writes, and when the server stops a query by itself: after we would have, since MariaDB stands
 * still for seconds when many queries are killed at the moment that their time is over. `ANSI`: `||` and `"name"` mean what they
 * mean elsewhere. MariaDB alone reads `M!`, and leaves out what is marked as of MySQL 5.7.
 */
function setUpText(stopMs: number): string {
  return `SET time_zone = '+00:00', sql_mode = 'ANSI'
    /*M! , max_statement_time = ${stopMs / 1000} */ /*!50708 , max_execution_time = ${Math.ceil(stopMs)} */`;
}

function ask(call: (done: (error: QueryError | null, rows: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call((error, rows) => {
      if (error === null) resolve(rows);
      else reject(error);
    });
  });
}

/** A connection that is ready, or the server's reason why not. */
function connect(driver: Driver, config: ConnectionOptions): Promise<Connection> {
  const connection = driver.createConnection(config);
  // Calls are told what becomes of them; without a listener a connection that breaks would end the process.
  connection.on('error', () => undefined);
  return ask((done) => {
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

/** Tells the server over a connection of its own to stop a query. When it cannot be told, its own clock stops it. */
async function kill(driver: Driver, config: ConnectionOptions, threadId: number): Promise<void> {
  const connection = await connect(driver, { ...config, connectTimeout: KILL_MS });
  const timer = setTimeout(() => {
    destroy(connection);
  }, KILL_MS);
  // The server itself gave the number, and takes none as a parameter here. Of a query that is over it knows nothing.
  connection.query(`KILL QUERY ${threadId}`);
  await leave(connection);
  clearTimeout(timer);
}

function isServerError(error: unknown): error is QueryError & { errno: number; fatal: boolean } {
  return error instanceof Error && 'sqlState' in error && 'errno' in error && typeof error.errno === 'number';
}

/** 1862: the password has expired. */
const UNAUTHENTICATED = new Set([1045, 1130, 1698, 1820, 1862, 3118, 4151]);
/** The user may log in, but not read the database, table or column. */
const FORBIDDEN = new Set([1044, 1142, 1143, 1227, 1370]);
/** What is missing: a database or a table; a column or a function. */
const MISSING: ReadonlyMap<number, 'missing-table' | 'missing-column'> = new Map([
  [1046, 'missing-table'],
  [1049, 'missing-table'],
  [1146, 'missing-table'],
  [1054, 'missing-column'],
  [1305, 'missing-column'],
]);
/** Too many connections, or of one user; no memory, disk or statement left. */
const NO_ROOM = new Set([1021, 1037, 1038, 1040, 1041, 1135, 1203, 1226, 1461]);
/** Stopped by the server's own clock, or by us. */
const STOPPED = new Set([1317, 1969, 3024]);
/**
 * Locks and deadlocks, a server that goes down or has no data yet, a connection that it ends, a table that was changed
 * under the query.
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
    return new SourceUnavailableError(source, `${source} answered with an error.`, {
      ...details,
      kind: 'server-error',
    });
  return new SourceContractError(source, `${source} did not understand the gateway's query.`, {
    ...details,
    kind: MISSING.get(errno) ?? 'request-refused',
  });
}
