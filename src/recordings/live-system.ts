import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { compileMeasuredCall } from '../declared/declared-source.js';
import type { CallRequest } from '../declared/connector-kind.js';
import type { Client } from '../connectors/connector.js';
import { milliseconds } from '../duration.js';
import { timeout } from '../resilience/timeout.js';
import { SettingsReader, type Environment } from '../settings.js';
import { DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT, type SourceDefinition } from '../source.js';
import { createLogger } from '../telemetry/logger.js';
import { ANSWER_CHANNEL, readAnswerHeaders } from './answer-headers.js';
import { RecordingError } from './read-recording.js';
import type { Recording } from './recording.js';
import { leavesOf } from './row-changes.js';

/** Calls the system of a source as it was measured. It only reads. */
export interface LiveSystem {
  calls: ReadonlyMap<string, CallRequest<Client>>;
  /** The rows of the keys, and the average time of an answer, because a list may take several. */
  rows(call: string, keys: readonly string[]): Promise<{ rows: readonly unknown[]; ms: number }>;
  /** The headers of all answers, by their names in lower case. */
  headers: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** Multiplies the timeout of the gateway, so that a slow system is reported as slow, not as failed. */
const TIMEOUT_FACTOR = 5;

/** Opens the system with the settings of the environment. Throws a ConfigError if some are missing. */
export function openLiveSystem(
  source: SourceDefinition,
  recording: Recording,
  environment: Environment,
): LiveSystem {
  const calls = new Map(
    Object.entries(recording.calls).map(([name, { call, answers }]) => {
      const compiled = compileMeasuredCall(recording.kind, call, source.name);
      if ('problem' in compiled)
        throw new RecordingError(source.name, `The call "${name}": ${compiled.problem}`);
      const { request } = compiled;
      request.reads?.(pathsToRead(recording, call, Object.values(answers).flat()));
      return [name, request] as const;
    }),
  );
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
  let answers = 0;
  const origins = originsOf(source, environment);
  const note = (message: unknown): void => {
    if (noteHeaders(message, origins, headers)) answers += 1;
  };
  subscribe(ANSWER_CHANNEL, note);
  return {
    calls,
    headers,
    rows: async (name, keys) => {
      const request = calls.get(name);
      if (request === undefined) return { rows: [], ms: 0 };
      answers = 0;
      const startedAt = performance.now();
      const rows = await rowsOf(request, keys, client);
      return { rows, ms: (performance.now() - startedAt) / Math.max(1, answers) };
    },
    close: async () => {
      unsubscribe(ANSWER_CHANNEL, note);
      await connection.close();
    },
  };
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

/** The fields to select, in protocols with a selection. */
function pathsToRead(
  { kind, tables = {} }: Recording,
  call: Readonly<Record<string, unknown>>,
  rows: readonly unknown[],
): string[] {
  if (kind === 'odata') return ['.'];
  const table = typeof call['from'] === 'string' ? tables[call['from']] : undefined;
  if (table !== undefined) return table.columns.map(({ name }) => name);
  return [
    ...new Set(
      rows.flatMap((row) =>
        leavesOf(row).map((path) => path.filter((step) => typeof step === 'string').join('.')),
      ),
    ),
  ];
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
