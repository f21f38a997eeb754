import type { Wanted } from '../cache/freshness.js';
import { SourceRateLimitedError } from '../errors.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Priority } from '../priority.js';
import type { ProtectedScope } from '../resilience/protection.js';
import type { Trace } from '../telemetry/tracing.js';
import type { ChunkedWork } from '../chunked-work.js';
import type { Provenance, Run } from './provenance.js';

/** One request, as far as loading goes. */
export interface RequestScope {
  priority: Priority;
  wanted: Wanted;
  /** Its purpose is one that customers must have agreed to. Default false. */
  needsConsent?: boolean;
  deadline: Deadline;
  /**
   * For finding out who is meant, on which all else depends: a system that makes that wait may not use up the time of
   * all others.
   */
  identityDeadline: Deadline;
  provenance: Provenance;
  /** The trace that the request is a part of; it goes on to systems that speak HTTP. */
  trace: Trace;
  /** For what there may be very much of. */
  chunks: ChunkedWork;
  /** What the request waits for now: when its client hangs up it leaves all of it. */
  inFlightRequests: Set<InFlightRequest>;
}

/** An answer as it came. */
export interface ResolvedAnswer {
  value: unknown;
  fetchedAt: number;
  maxAgeMs: number;
  from: 'live' | 'cached';
}

/** One key on its way to the system, and all who wait for it. */
export interface InFlightRequest {
  readonly key: unknown;
  /** What makes it the same as another one. */
  readonly text: string;
  /** What its answer is kept under, once that had to be known. */
  digest: string | undefined;
  readonly priority: Priority;
  /** An answer of another instance that is as old as this will not do for all who wait. */
  tooOldMs: number;
  /** Of the request that started it. */
  readonly trace: Trace;
  readonly answer: Promise<ResolvedAnswer>;
  /** When the system was asked; undefined while it is still to be. */
  fetchedAt: number | undefined;
  /** Requests that wait, and one for a refresh that nobody waits for. */
  waiting: number;
  /** Of the most patient who waits, by the engine's clock. */
  deadlineAt: number;
  run: (Run & { scope: ProtectedScope }) | undefined;
  resolve(resolved: ResolvedAnswer): void;
  reject(error: Error): void;
  /** One waits no longer. */
  leave(): void;
}

/** `onAbandoned` is called when nobody waits any more. */
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
  // Those who wait are told; nobody may be waiting any longer.
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
    run: undefined,
    resolve,
    reject,
    leave: () => {
      inFlight.waiting -= 1;
      if (inFlight.waiting === 0) onAbandoned(inFlight);
    },
  };
  return inFlight;
}

/** Why an answer is late: undefined when the system is slow. */
export function createLateError(source: string, { run }: InFlightRequest): Error | undefined {
  if (run?.scope.isWaiting !== true) return undefined;
  return new SourceRateLimitedError(
    source,
    `${source} is asked no more often than it takes; the turn of this question did not come in time.`,
    { retryAfter: run.scope.retryAfter(), kind: 'own-limit' },
  );
}

const RANKS: Readonly<Record<Priority, number>> = { interactive: 0, automation: 1, bulk: 2 };

/** Whether a request may wait for what is under way already, or is better served by a flight of its own. */
export function canServe(
  inFlight: InFlightRequest,
  { priority, wanted }: RequestScope,
  now: number,
): boolean {
  const isHeldUp = inFlight.fetchedAt === undefined || inFlight.run?.scope.isWaiting === true;
  if (isHeldUp && RANKS[inFlight.priority] > RANKS[priority]) return false;
  return inFlight.fetchedAt === undefined || now - inFlight.fetchedAt < (wanted.maxAgeMs ?? Infinity);
}

export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('A loader failed.', { cause: error });
}
