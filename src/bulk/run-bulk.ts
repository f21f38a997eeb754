import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { GraphQLError } from 'graphql';
import type { AbortListening, Answer, OperationRequest, OperationRunner } from '../operation/answer.js';
import type { Prepared } from '../operation/prepare.js';
import type { Principal } from '../operation/principal.js';
import type { Clock } from '../clock.js';
import type { BulkOperation } from './bulk-operation.js';
import type { InputLine } from './read-lines.js';

/** The result of one line. */
export interface Row {
  line: number;
  /** The values of the line, as they were sent. */
  input?: Readonly<Record<string, unknown>>;
  /** What the operation returns for this customer. Null if the whole line has failed. */
  data: Readonly<Record<string, unknown>> | null;
  errors?: readonly RowError[];
  /** No value of the line is older than this time. Undefined if no system was called. */
  asOf?: string;
}

export interface RowError {
  message: string;
  path?: readonly (string | number)[];
  extensions: Readonly<Record<string, unknown>>;
}

export interface BulkOptions {
  operation: BulkOperation;
  prepared: Prepared;
  runner: Pick<OperationRunner, 'answer'>;
  principal: Principal;
  requestId: string;
  /** The variables of the operation, without the key. */
  variables: Readonly<Record<string, unknown>>;
  /** The most customers in one answer. */
  maxCustomers: number;
  signal?: OperationRequest['signal'];
  clock: Clock;
  /** The number of lines of the first answer, within the same limits as all. Default: 100, so that the first lines are sent soon. */
  firstSize?: number;
  /** The time of day in milliseconds, for `asOf`. Default: that of the computer. */
  now?: () => number;
  /** Waits until the caller's budget has points again. Default: a timer. */
  wait?: (ms: number) => Promise<unknown>;
  /** Called after each answer, with its number of lines. */
  onAnswer?: (answer: Answer, count: number, startedAt: number) => void;
}

const FIRST_SIZE = 100;
const SIZES = [1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1];
const DEADLINE_MS = 60_000;
/**
 * Lines that wait longer for the client are answered again, because a customer may have withdrawn consent
 * meanwhile.
 */
const MAX_WAIT_MS = 5_000;

/**
 * Answers an operation for each line, in their order. Lines are answered together, in parts that the limits of the caller
 * allow. The next part starts when the client has read the lines before, so memory does not grow with the number of lines. If
 * the caller's budget of this minute is spent, the run continues in the next minute. The run ends without further rows when the
 * client disconnects.
 */
export async function* runBulk(lines: Iterable<InputLine>, options: BulkOptions): AsyncGenerator<Row> {
  const { clock, firstSize = FIRST_SIZE } = options;
  const maxSize = maxSizeFor(options);
  const iterator = lines[Symbol.iterator]();
  const connection = listenOnce(options.signal);
  let part = take(iterator, Math.min(firstSize, maxSize));
  while (part.length > 0) {
    const rows = await answerPart(part, options, connection);
    if (connection.hasEnded) return;
    const answeredAt = clock.now();
    let sent = 0;
    for (const row of rows) {
      if (clock.now() - answeredAt > MAX_WAIT_MS) break;
      yield row;
      sent += 1;
    }
    part = sent < part.length ? part.slice(sent) : take(iterator, maxSize);
  }
}

/** Whether the client has disconnected. Each answer gets a signal of its own. */
interface ClientConnection {
  readonly hasEnded: boolean;
  /** Returns a signal for one answer. It replaces the signal of the answer before, whose listeners are removed. */
  nextSignal(): AbortListening;
}

/** Listens to a signal once, so that a request with many parts does not collect listeners. */
export function listenOnce(signal: AbortListening | undefined): ClientConnection {
  let hasEnded = signal?.aborted === true;
  let listeners: (() => void)[] = [];
  const end = (): void => {
    hasEnded = true;
    for (const listener of listeners) listener();
  };
  signal?.addEventListener('abort', end, { once: true });
  return {
    get hasEnded() {
      return hasEnded;
    },
    nextSignal: () => {
      const current: (() => void)[] = (listeners = []);
      return {
        get aborted() {
          return hasEnded;
        },
        addEventListener: (_abort, listener) => void current.push(listener),
      };
    },
  };
}

type SizeOptions = Pick<BulkOptions, 'operation' | 'prepared' | 'principal' | 'variables' | 'maxCustomers'>;

/** The sizes of the parts in which `runBulk` answers this many lines. */
export function partSizes(lines: number, options: SizeOptions): number[] {
  const maxSize = maxSizeFor(options);
  const sizes = lines === 0 ? [] : [Math.min(FIRST_SIZE, maxSize, lines)];
  for (let rest = lines - (sizes[0] ?? 0); rest > 0; rest -= maxSize) sizes.push(Math.min(rest, maxSize));
  return sizes;
}

/** The maximum number of customers in one answer, by the limits of the gateway and of the caller. */
function maxSizeFor({ operation, prepared, principal, variables, maxCustomers }: SizeOptions): number {
  const { maxCost, costPerMinute } = principal.caller;
  const costOf = (count: number): number =>
    prepared.cost({ ...variables, [operation.keyVariable]: Array.from({ length: count }, () => ({})) })
      .requested;
  return (
    SIZES.find((count) => count <= maxCustomers && costOf(count) <= Math.min(maxCost, costPerMinute)) ?? 1
  );
}

function take(lines: Iterator<InputLine>, count: number): InputLine[] {
  const taken: InputLine[] = [];
  while (taken.length < count) {
    const next = lines.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

async function answerPart(
  part: readonly InputLine[],
  options: BulkOptions,
  connection: ClientConnection,
): Promise<Row[]> {
  const keyed = part.filter(({ key }) => key !== undefined);
  const answer = keyed.length === 0 ? undefined : await answerKeys(keyed, options, connection);
  const { now = Date.now, operation } = options;
  const freshness = answer?.provenance?.freshness();
  const asOf =
    freshness === undefined ? {} : { asOf: new Date(now() - Math.ceil(freshness.ageMs)).toISOString() };
  const customers = customersIn(answer?.result, operation.responseName);
  const errorsOf = byLine(answer?.result.errors ?? [], keyed.length);
  let at = -1;
  return part.map(({ line, input, key, problem }) => {
    const common = { line, ...(input === undefined ? {} : { input }) };
    if (key === undefined) {
      const error = { message: problem ?? 'The line is not valid.', extensions: { code: 'BAD_USER_INPUT' } };
      return { ...common, data: null, errors: [error] };
    }
    at += 1;
    const errors = errorsOf[at] ?? [];
    return {
      ...common,
      data: customers === undefined ? null : { [operation.responseName]: customers[at] ?? null },
      ...(errors.length === 0 ? {} : { errors }),
      ...asOf,
    };
  });
}

/** Answers the keys of some lines. Waits while the caller's budget is spent. */
async function answerKeys(
  lines: readonly InputLine[],
  options: BulkOptions,
  connection: ClientConnection,
): Promise<Answer> {
  const { runner, prepared, operation, principal, requestId, variables, clock } = options;
  const { wait = sleep, onAnswer } = options;
  for (;;) {
    const startedAt = clock.now();
    const answer = await runner.answer(prepared, {
      principal,
      requestId,
      variables: { ...variables, [operation.keyVariable]: lines.map(({ key }) => key) },
      priority: 'bulk',
      deadlineMs: DEADLINE_MS,
      // The plan of later requests uses the number of calls.
      shouldReportSources: true,
      signal: connection.nextSignal(),
    });
    const retryAfter = budgetIsSpentFor(answer.result);
    if (retryAfter === undefined || connection.hasEnded) {
      onAnswer?.(answer, lines.length, startedAt);
      return answer;
    }
    await wait(retryAfter * 1_000);
  }
}

/** Returns the seconds until the caller has points again, if the answer was refused because of the budget. */
export function budgetIsSpentFor({ errors }: ExecutionResult): number | undefined {
  const extensions: Readonly<Record<string, unknown>> = errors?.[0]?.extensions ?? {};
  const { code, retryAfter } = extensions;
  return code === 'RATE_LIMITED' && typeof retryAfter === 'number' ? retryAfter : undefined;
}

function customersIn(result: ExecutionResult | undefined, name: string): readonly unknown[] | undefined {
  const list: unknown = (result?.data as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return Array.isArray(list) ? list : undefined;
}

/** Divides the errors of a list among its lines. An error of the whole request is an error of each line. */
function byLine(errors: readonly GraphQLError[], count: number): RowError[][] {
  const lines: RowError[][] = Array.from({ length: count }, () => []);
  for (const { message, path = [], extensions } of errors) {
    const [name, at, ...rest] = path;
    const error = { message, extensions };
    if (name !== undefined && typeof at === 'number') lines[at]?.push({ ...error, path: [name, ...rest] });
    else for (const line of lines) line.push(error);
  }
  return lines;
}
