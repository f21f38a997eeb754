import type { Wanted } from '../cache/freshness.js';
import { SourceRateLimitedError } from '../errors.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Priority } from '../priority.js';
import type { ProtectedScope } from '../resilience/protection.js';
import type { Trace } from '../telemetry/tracing.js';
import type { ChunkedWork } from '../chunked-work.js';
import type { Provenance, BatchCalls } from './provenance.js';

/** The part of a request's context that loaders need. */
export interface RequestScope {
  priority: Priority;
  wanted: Wanted;
  /** Whether its purpose needs the consent of customers. Default false. */
  needsConsent?: boolean;
  deadline: Deadline;
  /**
   * Deadline for identifying the customer. All other calls depend on the result, so a slow system must not use up
   * their time.
   */
  identityDeadline: Deadline;
  provenance: Provenance;
  /** The trace that the request belongs to. It is passed on to systems that speak HTTP. */
  trace: Trace;
  /** Runs long loops in chunks, and yields to the event loop in between. */
  chunks: ChunkedWork;
  /** What the request waits for now. When its client disconnects, it leaves all of them. */
  inFlightRequests: Set<InFlightRequest>;
}

/** An answer with its age and its origin. */
export interface ResolvedAnswer {
  value: unknown;
  fetchedAt: number;
  maxAgeMs: number;
  from: 'live' | 'cached';
}

/** One key that is being loaded, shared by all requests that wait for it. */
export interface InFlightRequest {
  readonly key: unknown;
  /** The key as text. Keys with the same text are the same key. */
  readonly text: string;
  /** The cache key of its answer. Undefined until it is first needed. */
  digest: string | undefined;
  readonly priority: Priority;
  /** Milliseconds. An answer from the shared cache that is this old is too old for a request that waits. */
  tooOldMs: number;
  /** The trace of the request that started it. */
  readonly trace: Trace;
  readonly answer: Promise<ResolvedAnswer>;
  /** When the system was called, by the engine's clock. Undefined before the call. */
  fetchedAt: number | undefined;
  /** Number of requests that wait. A background refresh counts as a request. */
  waiting: number;
  /** The latest deadline among the requests that wait, by the engine's clock. */
  deadlineAt: number;
  batchCalls: (BatchCalls & { scope: ProtectedScope }) | undefined;
  resolve(resolved: ResolvedAnswer): void;
  reject(error: Error): void;
  /** Called when one request stops waiting. */
  leave(): void;
}

/** `onAbandoned` is called when no request waits any more. */
export function createInFlightRequest(
  key: unknown,
  text: string,
  { priority, wanted, trace }: Pick<RequestScope, 'priority' | 'wanted' | 'trace'>,
  onAbandoned: (inFlight: InFlightRequest) => void,
): InFlightRequest {
  let resolve!: (resolved: ResolvedAnswer) => void;
  let reject!: (error: Error) => void;
  const answer = new Promise<ResolvedAnswer>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  // The requests that wait handle the rejection. If none waits, it must not count as unhandled.
  answer.catch(() => undefined);
  const inFlight: InFlightRequest = {
    key,
    text,
    digest: undefined,
    priority,
    tooOldMs: wanted.maxAgeMs ?? Infinity,
    trace,
    answer,
    fetchedAt: undefined,
    waiting: 0,
    deadlineAt: 0,
    batchCalls: undefined,
    resolve,
    reject,
    leave: () => {
      inFlight.waiting -= 1;
      if (inFlight.waiting === 0) onAbandoned(inFlight);
    },
  };
  return inFlight;
}

/** Explains a late answer: the call still waits for a slot. Undefined when the system itself is slow. */
export function createLateError(source: string, { batchCalls }: InFlightRequest): Error | undefined {
  if (batchCalls?.scope.isWaiting !== true) return undefined;
  return new SourceRateLimitedError(
    source,
    `The call to ${source} still waited for a slot at the deadline, because its limits are reached.`,
    { retryAfter: batchCalls.scope.retryAfter(), kind: 'own-limit' },
  );
}

const RANKS: Readonly<Record<Priority, number>> = { interactive: 0, automation: 1, bulk: 2 };

/** Whether a request can wait for this in-flight request. Otherwise it starts a new one. */
export function canServe(
  inFlight: InFlightRequest,
  { priority, wanted }: RequestScope,
  now: number,
): boolean {
  const isHeldUp = inFlight.fetchedAt === undefined || inFlight.batchCalls?.scope.isWaiting === true;
  if (isHeldUp && RANKS[inFlight.priority] > RANKS[priority]) return false;
  return inFlight.fetchedAt === undefined || now - inFlight.fetchedAt < (wanted.maxAgeMs ?? Infinity);
}

export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('A loader failed.', { cause: error });
}
