import type { z } from 'zod';
import { databaseUrl, sql, type SqlClient } from '../../connectors/sql/client.js';
import {
  GatewayError,
  InvalidInputError,
  SourceAuthenticationError,
  SourceError,
  SourceForbiddenError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../../errors.js';
import { timeout } from '../../resilience/timeout.js';
import { SettingsReader } from '../../settings.js';
import { DEFAULT_MAX_ANSWER_BYTES } from '../../source.js';
import { createLogger } from '../../telemetry/logger.js';
import type { CallBudget } from '../call-budget.js';
import { shown } from '../tables/table.js';

/** A statement that takes longer is cancelled at the server. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** Sends the measured statements to a database. Its sessions only read. */
export interface SqlSession {
  engine: 'postgresql' | 'mysql';
  dialect: SqlClient['dialect'];
  /** Runs one statement in the budget. Its values are parameters. Errors contain no value and no part of the address. */
  readonly rows: <T>(
    schema: z.ZodType<T>,
    statement: string,
    parameters?: readonly unknown[],
  ) => Promise<T[]>;
  /** Durations of the statements in milliseconds, without the first one, which opens the connection. */
  times: readonly number[];
  close(): Promise<void>;
}

export function openSqlSession({
  source,
  address,
  variable,
  budget,
}: {
  source: string;
  address: string;
  /** The variable that holds the address in a gateway. */
  variable: string;
  budget: CallBudget;
}): SqlSession {
  const settings = new SettingsReader({ [variable]: address });
  const connection = sql(databaseUrl(variable)).connect(settings, {
    ...{ source, timeoutMs: STATEMENT_TIMEOUT_MS, concurrency: 1, maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES },
    logger: createLogger('silent'),
  });
  if (settings.problems.length > 0)
    throw new InvalidInputError(
      'The address of the database is invalid. Write it in the form postgres://user@host:5432/name, and encode special characters, such as %40 for @.',
    );
  const client = connection.client({
    run: (call) => timeout(source, STATEMENT_TIMEOUT_MS, call),
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  });
  const times: number[] = [];
  let isFirst = true;
  return {
    engine: address.startsWith('postgres') ? 'postgresql' : 'mysql',
    dialect: client.dialect,
    times,
    rows: async (schema, statement, parameters = []) => {
      const { value, ms } = await budget.run(() =>
        client.rows(schema, statement, parameters).catch((error: unknown) => {
          throw problemOf(error, source);
        }),
      );
      if (!isFirst) times.push(ms);
      isFirst = false;
      return value;
    },
    close: () => connection.close(),
  };
}

/** The error for the user. It has no cause, because the original error may quote values. */
function problemOf(error: unknown, source: string): Error {
  if (!(error instanceof SourceError))
    return error instanceof GatewayError ? error : new InvalidInputError('The database cannot be read.');
  const { sqlState, databaseError, networkCode, name } = error.received;
  const code = networkCode ?? databaseError ?? sqlState;
  const why = code === undefined ? '' : ` (${code})`;
  if (error instanceof SourceAuthenticationError)
    return new InvalidInputError(
      `The database refuses the user or the password${why}. Check them in the address, or set ${variablesOf(source)}.`,
    );
  if (error instanceof SourceForbiddenError)
    return new InvalidInputError(
      `The user may not read ${name === undefined ? 'this' : shown(name)}${why}. Grant SELECT on it, or choose another table with --by.`,
    );
  if (error instanceof SourceTimeoutError) return new StatementTimeoutError();
  if (error instanceof SourceUnavailableError)
    return new InvalidInputError(
      `The database cannot be reached${why}. Check the address, and whether this machine may connect to it.`,
    );
  return new StatementError(code);
}

/** The database refused a statement. */
export class StatementError extends InvalidInputError {
  constructor(
    /** The code of the database, such as an SQLSTATE. */
    readonly databaseCode: string | undefined,
  ) {
    super(`The database refuses a statement${databaseCode === undefined ? '' : ` (${databaseCode})`}.`);
  }
}

/** A statement took too long, and was cancelled. */
export class StatementTimeoutError extends InvalidInputError {
  constructor() {
    super(
      `A statement took longer than ${STATEMENT_TIMEOUT_MS / 1_000} s, and was cancelled. Choose another table with --by, or connect to a copy of the database.`,
    );
  }
}

function variablesOf(source: string): string {
  const prefix = source.toUpperCase().replaceAll('-', '_');
  return `${prefix}_USER and ${prefix}_PASSWORD`;
}
