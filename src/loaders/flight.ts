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
  flights: Set<Flight>;
}

/** An answer as it came. */
export interface Landed {
  value: unknown;
  fetchedAt: number;
  maxAgeMs: number;
  from: 'live' | 'cached';
}

/** One key on its way to the system, and all who wait for it. */
export interface Flight {
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
  readonly answer: Promise<Landed>;
  /** When the system was asked; undefined while it is still to be. */
  fetchedAt: number | undefined;
  /** Requests that wait, and one for a refresh that nobody waits for. */
  waiting: number;
  /** Of the most patient who waits, by the engine's clock. */
  deadlineAt: number;
  run: (Run & { scope: ProtectedScope }) | undefined;
  land(landed: Landed): void;
  crash(error: Error): void;
  /** One waits no longer. */
  leave(): void;
}

/** `onEmpty` is called when nobody waits any more. */
export function createFlight(
  key: unknown,
  text: string,
  { priority, wanted, trace }: Pick<RequestScope, 'priority' | 'wanted' | 'trace'>,
  onEmpty: (flight: Flight) => void,
): Flight {
  let land!: (landed: Landed) => void;
  let crash!: (error: Error) => void;
  const answer = new Promise<Landed>((resolve, reject) => {
    land = resolve;
    crash = reject;
  });
  // Those who wait are told; nobody may be waiting any longer.
  answer.catch(() => undefined);
  const flight: Flight = {
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
    land,
    crash,
    leave: () => {
      flight.waiting -= 1;
      if (flight.waiting === 0) onEmpty(flight);
    },
  };
  return flight;
}

/** Why an answer is late: undefined when the system is slow. */
export function whyLate(source: string, { run }: Flight): Error | undefined {
  if (run?.scope.isWaiting !== true) return undefined;
  return new SourceRateLimitedError(
    source,
    `${source} is asked no more often than it takes; the turn of this question did not come in time.`,
    { retryAfter: run.scope.retryAfter(), kind: 'own-limit' },
  );
}

const RANKS: Readonly<Record<Priority, number>> = { interactive: 0, automation: 1, bulk: 2 };

/** Whether a request may wait for what is under way already, or is better served by a flight of its own. */
export function serves(flight: Flight, { priority, wanted }: RequestScope, now: number): boolean {
  const isHeldUp = flight.fetchedAt === undefined || flight.run?.scope.isWaiting === true;
  if (isHeldUp && RANKS[flight.priority] > RANKS[priority]) return false;
  return flight.fetchedAt === undefined || now - flight.fetchedAt < (wanted.maxAgeMs ?? Infinity);
}

export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('A loader failed.', { cause: error });
}
