import type { z } from 'zod';
import { file, folderSetting } from '../../connectors/file/connector.js';
import {
  GatewayError,
  InvalidInputError,
  SourceError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceTimeoutError,
} from '../../errors.js';
import type { FilesConnect } from '../../declared/files-grammar.js';
import { timeout } from '../../resilience/timeout.js';
import { SettingsReader } from '../../settings.js';
import { DEFAULT_MAX_ANSWER_BYTES } from '../../source.js';
import { createLogger } from '../../telemetry/logger.js';
import type { CallBudget } from '../call-budget.js';

const QUERY_TIMEOUT_MS = 30_000;

/** Queries the files of a folder as a declared source does. */
export interface FilesSession {
  rows: <T>(
    schema: z.ZodType<T>,
    query: string,
    parameters?: readonly (readonly (string | number)[])[],
  ) => Promise<T[]>;
  /** Durations of the queries in milliseconds, without the first one, which loads DuckDB. */
  times: readonly number[];
  close(): Promise<void>;
}

export function openFilesSession({
  source,
  folder,
  variable,
  tables,
  budget,
}: {
  source: string;
  folder: string;
  variable: string;
  tables: FilesConnect['tables'];
  budget: CallBudget;
}): FilesSession {
  const settings = new SettingsReader({ [variable]: folder });
  const connection = file({ folder: folderSetting(variable, '/data'), tables }).connect(settings, {
    ...{ source, timeoutMs: QUERY_TIMEOUT_MS, maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES },
    logger: createLogger('silent'),
  });
  if (settings.problems.length > 0)
    throw new InvalidInputError('The path of the folder contains one of * ? [ ]. Rename or move the folder.');
  const client = connection.client({
    run: (call) => timeout(source, QUERY_TIMEOUT_MS, call),
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  });
  const times: number[] = [];
  let isFirst = true;
  return {
    times,
    rows: async (schema, query, parameters = []) => {
      const { value, ms } = await budget.run(() =>
        client.rows(schema, query, parameters).catch((error: unknown) => {
          throw problemOf(error);
        }),
      );
      if (!isFirst) times.push(ms);
      isFirst = false;
      return value;
    },
    close: () => connection.close(),
  };
}

/** The files of a query cannot be read. It has no cause, because the original error may quote values. */
export class UnreadableFilesError extends InvalidInputError {}

function problemOf(error: unknown): Error {
  if (!(error instanceof SourceError))
    return error instanceof GatewayError ? error : new UnreadableFilesError('The files cannot be read.');
  if (error instanceof SourceForbiddenError)
    return new UnreadableFilesError('A file cannot be read: this user has no permission.');
  if (error instanceof SourceTimeoutError)
    return new UnreadableFilesError(`Reading the files took longer than ${QUERY_TIMEOUT_MS / 1_000} s.`);
  if (error instanceof SourceRateLimitedError)
    return new UnreadableFilesError('Reading the files needs more than 256 MB of memory.');
  const code = error.received.databaseError;
  return new UnreadableFilesError(
    `A file is damaged or incomplete, or its columns do not fit those of the others${code === undefined ? '' : ` (${code})`}.`,
  );
}
