import type { Wanted } from '../cache/freshness.js';
import { SourceRateLimitedError } from '../errors.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Priority } from '../priority.js';
import type { ProtectedScope } from '../resilience/protection.js';
import type { Trace } from '../telemetry/tracing.js';
import type { ChunkedWork } from '../chunked-work.js';
import type { CallController } from '../v8/call-signal.js';
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
  pendingKeys: Set<PendingKeys>;
}

/** The keys of one batch that one request waits for together. */
export class PendingKeys {
  readonly batch: InFlightBatch;
  /** The slots of the keys in the batch. */
  readonly slots: number[] = [];
  /** For each slot, the position of its key among the keys that the request loads together. */
  readonly positions: number[] = [];

  constructor(batch: InFlightBatch) {
    this.batch = batch;
  }

  /** Call this when the client of the request has disconnected. */
  leave(): void {
    this.batch.leave(this.slots);
  }
}

/** The calls to the system for the keys of a batch. */
interface InFlightCalls extends BatchCalls {
  readonly scope: ProtectedScope;
  /** The slots of the keys. They lack keys that came from the shared cache, and those that no request waited for. */
  readonly slots: readonly number[];
  /** When the system was called, by the engine's clock. */
  readonly fetchedAt: number;
  readonly controller: CallController;
}

/**
 * Refers to a batch until the batch has ended. A long-lived Map contains such references, and all keys of a batch share one:
 * src/v8/README.md, `transient-map.ts`.
 */
export interface BatchReference {
  batch: InFlightBatch | undefined;
}

/** A request that waits for several slots. */
interface Listener {
  readonly slots: readonly number[];
  /** How many of the slots are settled, at least: the first ones. */
  settled: number;
  readonly resolve: () => void;
}

/** The value of a slot whose key is not loaded yet. */
const PENDING = Symbol('pending');

/**
 * Keys of one loader that are loaded together, shared by all requests that wait for any of them. Each key has a slot, which is
 * an index into the arrays. What applies to few keys is in maps by slot, which are created when they are needed.
 */
export class InFlightBatch {
  readonly keys: unknown[] = [];
  /** The keys as text. Keys with the same text are the same key. */
  readonly texts: string[] = [];
  /** The cache keys of the answers. A slot is empty until its cache key is first needed. */
  readonly digests: (string | undefined)[] = [];
  /** For each slot, the milliseconds for which its answer is fresh. */
  readonly maxAgesMs: number[] = [];
  readonly priority: Priority;
  /** The trace of the request that started it. */
  readonly trace: Trace;
  /** The latest deadline among the requests that wait, by the engine's clock. */
  deadlineAt = 0;
  /** Undefined before the system is called. */
  calls: InFlightCalls | undefined;
  /** The batches of all keys that later requests can join, by the text of the key. */
  readonly #inFlight: Map<string, BatchReference>;
  readonly #reference: BatchReference = { batch: this };
  readonly #answers: unknown[] = [];
  /** For each slot, the number of requests that wait. A background refresh counts as a request. */
  readonly #waiting: number[] = [];
  /** The requests that wait, by the first of their slots that was not settled. */
  readonly #listeners: (Listener[] | undefined)[] = [];
  #slotsOfTexts: Map<string, number> | undefined;
  /** An answer from the shared cache that is this old is too old for a request that waits. */
  #tooOldMs: Map<number, number> | undefined;
  /** When the answers that came from the shared cache were fetched. */
  #sharedFetchedAt: Map<number, number> | undefined;
  /** Slots that no request waits for, because the clients have disconnected. */
  #leftSlots: Set<number> | undefined;

  constructor(
    { priority, trace }: Pick<RequestScope, 'priority' | 'trace'>,
    inFlight: Map<string, BatchReference>,
  ) {
    this.priority = priority;
    this.trace = trace;
    this.#inFlight = inFlight;
  }

  /** Adds a key that no request waits for yet. Returns its slot. */
  add(key: unknown, text: string): number {
    const slot = this.keys.push(key) - 1;
    this.texts.push(text);
    this.maxAgesMs.push(0);
    this.#answers.push(PENDING);
    this.#waiting.push(0);
    this.#slotsOfTexts?.set(text, slot);
    this.#inFlight.set(text, this.#reference);
    return slot;
  }

  /** The slot of a key that is in the batch. */
  slotOf(text: string): number {
    this.#slotsOfTexts ??= new Map(this.texts.map((other, slot) => [other, slot]));
    return this.#slotsOfTexts.get(text) ?? -1;
  }

  /** Counts a request that waits for a slot until a deadline, by the engine's clock. */
  join(slot: number, { maxAgeMs }: Wanted, deadlineAt: number): void {
    this.#waiting[slot] = this.#waitingFor(slot) + 1;
    this.deadlineAt = Math.max(this.deadlineAt, deadlineAt);
    if (maxAgeMs === undefined) return;
    this.#tooOldMs ??= new Map();
    this.#tooOldMs.set(slot, Math.min(this.tooOldMs(slot), maxAgeMs));
  }

  tooOldMs(slot: number): number {
    return this.#tooOldMs?.get(slot) ?? Infinity;
  }

  /** The slots that a request waits for. The others are released, because no call loads them. */
  releaseUnwanted(): readonly number[] {
    const slots: number[] = [];
    for (const slot of this.keys.keys()) {
      if (this.#waitingFor(slot) > 0) slots.push(slot);
      else this.release(slot);
    }
    return slots;
  }

  /** Removes the key of a slot from the pipeline, so that later requests do not join it. */
  release(slot: number): void {
    const text = this.texts[slot] ?? '';
    if (this.#inFlight.get(text) === this.#reference) this.#inFlight.delete(text);
  }

  /** Rejects the keys that are not loaded, and releases all. */
  end(error?: Error): void {
    for (const slot of this.keys.keys()) {
      if (error !== undefined && !this.isSettled(slot)) this.settle(slot, error, 0);
      this.release(slot);
    }
    if (error !== undefined) this.notify(this.keys.keys());
    this.#reference.batch = undefined;
  }

  /**
   * Stores the value or the error of a slot. Requests receive it after `notify`. `sharedFetchedAt` is when it was fetched, by
   * the engine's clock, if it came from the shared cache.
   */
  settle(slot: number, answer: unknown, maxAgeMs: number, sharedFetchedAt?: number): void {
    this.#answers[slot] = answer;
    this.maxAgesMs[slot] = maxAgeMs;
    if (sharedFetchedAt !== undefined) (this.#sharedFetchedAt ??= new Map()).set(slot, sharedFetchedAt);
  }

  isSettled(slot: number): boolean {
    return this.#answers[slot] !== PENDING;
  }

  /** The value or the error of a settled slot. */
  answerOf(slot: number): unknown {
    return this.#answers[slot];
  }

  /** Undefined if the answer did not come from the shared cache. */
  sharedFetchedAt(slot: number): number | undefined {
    return this.#sharedFetchedAt?.get(slot);
  }

  /** Resolves when all of these slots are settled. Never rejects. */
  whenSettled(slots: readonly number[]): Promise<void> {
    return new Promise((resolve) => {
      this.#listen({ slots, settled: 0, resolve });
    });
  }

  /** Resolves the promises whose slots are all settled. Call this after some slots are settled, with these. */
  notify(slots: Iterable<number>): void {
    for (const slot of slots) {
      const listeners = this.#listeners[slot];
      if (listeners === undefined || !this.isSettled(slot)) continue;
      this.#listeners[slot] = undefined;
      for (const listener of listeners) this.#listen(listener);
    }
  }

  #listen(listener: Listener): void {
    for (let slot; (slot = listener.slots[listener.settled]) !== undefined; listener.settled += 1) {
      if (this.isSettled(slot)) continue;
      (this.#listeners[slot] ??= []).push(listener);
      return;
    }
    listener.resolve();
  }

  /** Counts that a request waits for these slots no longer. */
  stopWaiting(slots: readonly number[]): void {
    for (const slot of slots) this.#waiting[slot] = this.#waitingFor(slot) - 1;
  }

  /** Counts that the client of a request has disconnected. Cancels the calls when no request waits for any of their keys. */
  leave(slots: readonly number[]): void {
    this.stopWaiting(slots);
    // Before the call, later requests may still join the keys.
    if (this.calls === undefined) return;
    for (const slot of slots) {
      if (this.#waitingFor(slot) > 0) continue;
      (this.#leftSlots ??= new Set()).add(slot);
      this.release(slot);
    }
    this.#cancelIfEvery((slot) => this.#waitingFor(slot) === 0);
  }

  /** Cancels the calls when the clients of all other keys have disconnected. Call this after one key is settled. */
  cancelIfLeft(): void {
    // A request that missed its deadline has not left: its answer is still cached.
    if (this.#leftSlots !== undefined) this.#cancelIfEvery((slot) => this.#leftSlots?.has(slot) === true);
  }

  #cancelIfEvery(isUnwanted: (slot: number) => boolean): void {
    if (this.calls?.slots.every((slot) => this.isSettled(slot) || isUnwanted(slot)) === true)
      this.calls.controller.abort(new Error('No client waits for this call.'));
  }

  #waitingFor(slot: number): number {
    return this.#waiting[slot] ?? 0;
  }
}

/** Explains a late answer: the call still waits for a slot. Undefined when the system itself is slow. */
export function createLateError(source: string, { calls }: InFlightBatch): Error | undefined {
  if (calls?.scope.isWaiting !== true) return undefined;
  return new SourceRateLimitedError(
    source,
    `The call to ${source} still waited for a slot at the deadline, because its limits are reached.`,
    { retryAfter: calls.scope.retryAfter(), kind: 'own-limit' },
  );
}

const RANKS: Readonly<Record<Priority, number>> = { interactive: 0, automation: 1, bulk: 2 };

/** Whether a request can wait for a key of this batch. Otherwise it starts a new call. */
export function canServe(batch: InFlightBatch, { priority, wanted }: RequestScope, now: number): boolean {
  const { calls } = batch;
  const isHeldUp = calls === undefined || calls.scope.isWaiting;
  if (isHeldUp && RANKS[batch.priority] > RANKS[priority]) return false;
  return calls === undefined || now - calls.fetchedAt < (wanted.maxAgeMs ?? Infinity);
}

export function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error('A loader failed.', { cause: error });
}
