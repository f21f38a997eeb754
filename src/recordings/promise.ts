import { isDeepStrictEqual } from 'node:util';
import type { SourceDefinition } from '../source.js';
import type { Recording } from './recording.js';
import type { KeyReader } from './keys.js';
import type { SourceQueries, SourceSchema } from './queries.js';
import type { RecordedStandIn } from './stand-in.js';
import type { CallUse } from './survey.js';

/** The answer that a client gets from the gateway under test. */
export interface TestAnswer {
  data: Record<string, unknown> | null | undefined;
  errors: readonly {
    message: string;
    path?: readonly (string | number)[];
    extensions: { code: string; source?: string; retryable?: boolean; [name: string]: unknown };
  }[];
}

/** A gateway with only the source under test. */
export interface GatewayUnderTest extends SourceSchema {
  query(
    query: string,
    variables: Record<string, unknown>,
    headers: Record<string, string>,
  ): Promise<TestAnswer>;
  /** Sends a query, and closes the connection when the promise resolves. */
  queryAndHangUp<T>(query: string, variables: Record<string, unknown>, isTime: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The faults of the system in front of the stand-in. */
export interface Faults {
  set(
    fault: 'down' | 'hang' | 'status' | 'garbage' | 'drip' | 'reset' | 'rate-limit',
    status?: number,
  ): Promise<void>;
  heal(): Promise<void>;
}

/** A kind of key for queries of the source, and its keys in the recording. */
export interface KeyKind {
  /** The member of the answer. */
  root: 'customer' | 'company';
  namespace: string;
  keys: readonly string[];
  query: string;
}

/** The source, its imitated system, and the facts in the recording. */
export interface TestedSource {
  source: SourceDefinition;
  recording: Recording;
  standIn: RecordedStandIn;
  faults: Faults;
  queries: SourceQueries;
  kinds: readonly KeyKind[];
  /** The query that gets the most rows, for each measured call. */
  uses: ReadonlyMap<string, CallUse>;
  keyReader: KeyReader;
  /** A gateway without a cache, whose source has a long timeout. Promises share it. */
  gateway: GatewayUnderTest;
  /** Opens another gateway. */
  open(mode: GatewayMode): GatewayUnderTest;
}

/**
 * The timeout of the source. `batching`: each batch waits for further keys. `short deadline`: a cancelled request does not delay the
 * end of the process.
 */
export type GatewayMode = 'short timeout' | 'long timeout' | 'batching' | 'short deadline';

/** A promise of every source. */
export interface SourcePromise {
  /** Its stable name in reports, such as `unknown-key`. */
  id: string;
  /** The text of the promise, as a sentence. */
  text: string;
  /** Whether the stand-in must see or change requests for calls. Default: false. */
  needsRequests?: boolean;
  /** Throws a BrokenPromise if the promise is broken. Returns a reason if it is not applicable. */
  check(tested: TestedSource): Promise<{ noneBecause: string } | undefined>;
}

/** The difference from a promise, and the remedy. */
export class BrokenPromise extends Error {
  override name = 'BrokenPromise';
  constructor(
    readonly difference: string,
    readonly remedy: string,
  ) {
    super(difference);
  }
}

/** Internals that a message to a client must not contain. */
export const INTERNALS = /127\.0\.0\.1|localhost|ECONN|undici|node_modules|at .*\.[jt]s|SELECT /i;

/** Sends a query by a key, without the cache. */
export function sendQuery(
  gateway: GatewayUnderTest,
  { query }: Pick<KeyKind, 'query'>,
  by: unknown,
): Promise<TestAnswer> {
  return gateway.query(query, { by }, { 'cache-control': 'no-cache' });
}

export function queryByKey(gateway: GatewayUnderTest, kind: KeyKind, key: string): Promise<TestAnswer> {
  return sendQuery(gateway, kind, { [kind.namespace]: key });
}

/** The errors of an answer in one line: code, place and message. */
export function shownErrors({ errors }: TestAnswer): string {
  const [first] = errors;
  if (first === undefined) return 'no error';
  const place = first.path === undefined ? '' : ` at ${first.path.join('.')}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return `${first.extensions.code}${place}: ${first.message}${more}`;
}

/** A sentence about requests that are not in the recording, or an empty text. */
export function shownUnknownRequests({ unknownRequests }: RecordedStandIn): string {
  const [first] = unknownRequests;
  return first === undefined ? '' : ` The source sent ${first}, which is not in the recording.`;
}

/** The first place at which two values differ. Undefined if they are equal. */
export function firstDifference(
  expected: unknown,
  actual: unknown,
  place = '',
): { place: string; expected: unknown; actual: unknown } | undefined {
  if (isDeepStrictEqual(expected, actual)) return undefined;
  if (isContainer(expected) && isContainer(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const inner = place === '' ? name : `${place}.${name}`;
      const found = firstDifference(Reflect.get(expected, name), Reflect.get(actual, name), inner);
      if (found !== undefined) return found;
    }
    // Results of GraphQL and of JSON have different prototypes.
    return undefined;
  }
  return { place, expected, actual };
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const MAX_SHOWN = 120;

/** A made-up value of the recording in a message. */
export function shownValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Throws unless the answer has only errors of the source with the code. */
export function expectErrors(
  { source }: TestedSource,
  answer: TestAnswer,
  codes: readonly string[],
  remedy: string,
): void {
  if (answer.errors.length === 0)
    throw new BrokenPromise(`There is no error. Expected: ${codes.join(' or ')}.`, remedy);
  for (const { message, extensions } of answer.errors) {
    if (!codes.includes(extensions.code) || extensions.source !== source.name)
      throw new BrokenPromise(`The error is ${shownErrors(answer)} Expected: ${codes.join(' or ')}.`, remedy);
    if (INTERNALS.test(message))
      throw new BrokenPromise(
        `The message "${message}" has internals of the gateway or the system.`,
        'Throw the errors that stekkerdoos exports, without the text of the system.',
      );
  }
}
