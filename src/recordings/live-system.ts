import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { z } from 'zod';
import { compileMeasuredCall } from '../declared/declared-source.js';
import { FailedRow, type CallRequest } from '../declared/connector-kind.js';
import type { StatementClient } from '../declared/statements.js';
import type { Client } from '../connectors/connector.js';
import { milliseconds } from '../duration.js';
import { SourceError } from '../errors.js';
import { timeout } from '../resilience/timeout.js';
import { SettingsReader, type Environment } from '../settings.js';
import { DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT, type SourceDefinition } from '../source.js';
import { createLogger } from '../telemetry/logger.js';
import { ANSWER_CHANNEL, readAnswerHeaders } from './answer-headers.js';
import { asRecorded, pathsToRead } from './paths-to-read.js';
import { RecordingError } from './read-recording.js';
import { tableNameOf } from './recorded-rows.js';
import type { Recording } from './recording.js';

/** The types of the live columns, by the table of files and the column. */
export type LiveColumns = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Calls the system of a source as it was measured. It only reads. */
export interface LiveSystem {
  calls: ReadonlyMap<string, CallRequest<Client>>;
  /** The rows of the keys, and the average time of an answer, because a list may take several. */
  rows(call: string, keys: readonly string[]): Promise<{ rows: readonly unknown[]; ms: number }>;
  columns: LiveColumns;
  /** The headers of all answers, by their names in lower case. */
  headers: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** Multiplies the timeout of the gateway, so that a slow system is reported as slow, not as failed. */
const TIMEOUT_FACTOR = 5;

/** Opens the system with the settings of the environment. Throws a ConfigError if some are missing. */
export async function openLiveSystem(
  source: SourceDefinition,
  recording: Recording,
  environment: Environment,
): Promise<LiveSystem> {
  const calls = compileCalls(source.name, recording);
  const settings = new SettingsReader(environment);
  const timeoutMs = TIMEOUT_FACTOR * milliseconds(source.limits?.timeout ?? DEFAULT_TIMEOUT);
  const connection = source.connector.connect(settings, {
    source: source.name,
    timeoutMs,
    maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES,
    logger: createLogger('silent'),
  });
  settings.throwIfWrong();
  const client = connection.client({
    run: (call) => timeout(source.name, timeoutMs, call),
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  });
  const headers = new Map<string, string>();
  const columns = await describeTables(recording, client);
  for (const [name, request] of calls) {
    const live = columns.get(tableNameOf(recording.calls[name]) ?? '');
    // Columns that the files no longer have are not read.
    request.reads?.(pathsToRead(recording, name).filter((path) => live?.has(path) !== false));
  }
  let answers = 0;
  const origins = originsOf(source, environment);
  const note = (message: unknown): void => {
    if (noteHeaders(message, origins, headers)) answers += 1;
  };
  subscribe(ANSWER_CHANNEL, note);
  return {
    ...{ calls, columns, headers },
    rows: async (name, keys) => {
      const request = calls.get(name);
      if (request === undefined) return { rows: [], ms: 0 };
      answers = 0;
      const startedAt = performance.now();
      const rows = await rowsOf(request, keys, client);
      const recorded = rows.map((row) => {
        if (row instanceof FailedRow) throw row.error;
        return asRecorded(recording, row);
      });
      return { rows: recorded, ms: (performance.now() - startedAt) / Math.max(1, answers) };
    },
    close: async () => {
      unsubscribe(ANSWER_CHANNEL, note);
      await connection.close();
    },
  };
}

function compileCalls(source: string, recording: Recording): ReadonlyMap<string, CallRequest<Client>> {
  return new Map(
    Object.entries(recording.calls).map(([name, { call }]) => {
      const compiled = compileMeasuredCall(recording.kind, call, source, recording.tables);
      if ('problem' in compiled) throw new RecordingError(source, `The call "${name}": ${compiled.problem}`);
      return [name, compiled.request] as const;
    }),
  );
}

async function rowsOf(
  request: CallRequest<Client>,
  keys: readonly string[],
  client: Client,
): Promise<readonly unknown[]> {
  const sent = keys.filter((key) => request.canSend(key));
  if (sent.length === 0) return [];
  if (request.takes !== 'each') return request.rows(sent, client);
  const lists = await request.rowsOfEach(sent, client);
  return lists.flatMap((list) => {
    if (list instanceof Error) throw list;
    return list;
  });
}

/** The live columns of each recorded table of files. A table whose files cannot be read is left out. */
async function describeTables({ kind, tables = {} }: Recording, client: Client): Promise<LiveColumns> {
  const described = new Map<string, ReadonlyMap<string, string>>();
  if (kind !== 'files' || !isStatementClient(client)) return described;
  for (const name of Object.keys(tables).filter((table) => TABLE.test(table)))
    try {
      const columns = await client.rows(
        liveColumn,
        `SELECT column_name AS "name", column_type AS "type" FROM (DESCRIBE SELECT * FROM ${name}())`,
        [],
      );
      described.set(name, new Map(columns.map((column) => [column.name, column.type])));
    } catch (error) {
      // The calls of the table report the same error.
      if (!(error instanceof SourceError)) throw error;
    }
  return described;
}

/** The name of a table in a query of files. */
const TABLE = /^[a-z][a-z\d_]*$/;
const liveColumn = z.object({ name: z.string(), type: z.string() });

function isStatementClient(client: Client): client is StatementClient {
  return 'rows' in client;
}

/** The origins of the system, from its settings with addresses. */
function originsOf({ connector }: SourceDefinition, environment: Environment): ReadonlySet<string> {
  return new Set(
    connector.settings(new SettingsReader(environment)).flatMap(({ variable }) => {
      const value = environment[variable] ?? '';
      return URL.canParse(value) ? [new URL(value).origin] : [];
    }),
  );
}

/** Notes the headers of an answer. Returns false if it is not of the system. */
function noteHeaders(message: unknown, origins: ReadonlySet<string>, headers: Map<string, string>): boolean {
  const answer = readAnswerHeaders(message);
  if (answer === undefined || !origins.has(answer.origin)) return false;
  for (const [name, value] of answer.headers) headers.set(name, value);
  return true;
}
