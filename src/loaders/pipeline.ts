import { NotCachedError, SourceError } from '../errors.js';
import type { Priority } from '../priority.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Protection } from '../resilience/protection.js';
import { startRequest } from '../telemetry/tracing.js';
import { BatchLoad } from './batch-load.js';
import { Gathering } from './batches.js';
import { CachedAnswers } from './cached-answers.js';
import {
  canServe,
  createLateError,
  InFlightBatch,
  PendingKeys,
  type BatchReference,
  type RequestScope,
} from './in-flight-batch.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';
import { failedOrigin } from './provenance.js';

/** Stands for the answer of a key that must be loaded. */
const NOT_CACHED = Symbol('not cached');

/** Answers the keys of one loader, for all requests: from the cache, from an in-flight batch, or by a new call. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  readonly #cached: CachedAnswers;
  readonly #batches: BatchLoad;
  /** The batches of the keys that are being loaded, by the text of the key. */
  readonly #inFlight = new Map<string, BatchReference>();
  /** The next batches of each priority. */
  readonly #gathering = new Map<Priority, Gathering>();

  constructor(options: PipelineOptions, dependencies: PipelineDependencies, protection: Protection) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#cached = new CachedAnswers(options, dependencies, (key, text) => {
      const trace = startRequest(new Headers());
      this.#refresh(key, text, { priority: 'bulk', trace }, dependencies.clock.now());
    });
    this.#batches = new BatchLoad(options, dependencies, protection, this.#cached);
  }

  /**
   * The answers to keys with different texts, with the freshness that the request requires: a value or an error for
   * each key, in their order. They are returned without a promise when all are cached. The promise never rejects.
   */
  answer(
    keys: readonly unknown[],
    texts: readonly string[],
    request: RequestScope,
  ): readonly unknown[] | Promise<readonly unknown[]> {
    const now = this.#dependencies.clock.now();
    const waits: PendingKeys[] = [];
    const answers = keys.map((key, position) => {
      const text = texts[position] ?? '';
      const answer = this.#answerAtOnce(key, text, request, now);
      if (answer !== NOT_CACHED) return answer;
      const { batch, slot } = this.#join(key, text, request, now);
      let pending = waits.findLast((other) => other.batch === batch);
      if (pending === undefined) waits.push((pending = new PendingKeys(batch)));
      pending.slots.push(slot);
      pending.positions.push(position);
      return undefined;
    });
    if (waits.length === 0) return answers;
    return Promise.all(waits.map((pending) => this.#wait(pending, request, now, answers))).then(
      () => answers,
    );
  }

  /** The cached answer if it is fresh enough for the request; otherwise undefined. No system is called. */
  readCached(text: string, request: RequestScope): unknown {
    const [entry, now] = [this.#cached.find(text), this.#dependencies.clock.now()];
    if (entry === undefined || this.#cached.decide(entry, request, now) !== 'fresh') return undefined;
    return this.#cached.answerWith(entry, 'cached', request, now);
  }

  /**
   * Makes later requests call the system again. Keys that still wait for their call stay, because their answers
   * will be new.
   */
  abandon(): void {
    for (const [text, { batch }] of this.#inFlight)
      if (batch?.calls !== undefined) this.#inFlight.delete(text);
  }

  /** The cached value, or the error of a key that must not be loaded. */
  #answerAtOnce(key: unknown, text: string, request: RequestScope, now: number): unknown {
    const { source } = this.#options;
    const entry = this.#cached.find(text);
    const decision = entry === undefined ? 'load' : this.#cached.decide(entry, request, now);
    if (entry !== undefined && decision !== 'load') {
      if (decision === 'stale' && request.wanted.onlyIfCached !== true)
        this.#refresh(key, text, request, now);
      return this.#cached.answerWith(entry, decision === 'fresh' ? 'cached' : 'stale', request, now);
    }
    if (request.wanted.onlyIfCached === true) {
      // A field that merges several systems has no error that would report this one as missing.
      request.provenance.note(failedOrigin(source, now));
      return new NotCachedError(source);
    }
    this.#dependencies.observer?.cacheAnswered(source, 'miss');
    return NOT_CACHED;
  }

  /** Waits until keys of one batch are loaded, and puts their values or errors into their positions. */
  async #wait(
    pending: PendingKeys,
    request: RequestScope,
    startedAt: number,
    answers: unknown[],
  ): Promise<void> {
    const { source } = this.#options;
    const { batch, slots, positions } = pending;
    request.pendingKeys.add(pending);
    let late: unknown;
    try {
      await this.#deadlineOf(request).race(source, batch.whenSettled(slots), () =>
        createLateError(source, batch),
      );
    } catch (error) {
      late = error;
    }
    const outcomes = slots.map((slot) => (batch.isSettled(slot) ? batch.answerOf(slot) : late));
    if (request.pendingKeys.delete(pending)) batch.stopWaiting(slots);
    // The client has disconnected, and nothing handles the errors of its request.
    else if (outcomes.some((outcome) => outcome instanceof Error)) return new Promise(() => undefined);
    this.#noteOrigins(pending, outcomes, request, startedAt);
    outcomes.forEach((outcome, i) => {
      answers[positions[i] ?? 0] =
        outcome instanceof Error
          ? this.#replaceError(outcome, batch, slots[i] ?? 0, request, startedAt)
          : outcome;
    });
  }

  /** Records the origins of values. Values of one batch have the same age, so they are recorded together. */
  #noteOrigins(
    { batch, slots }: PendingKeys,
    outcomes: readonly unknown[],
    { provenance }: RequestScope,
    startedAt: number,
  ): void {
    const { source } = this.#options;
    const { calls: batchCalls } = batch;
    const now = this.#dependencies.clock.now();
    const common = { source, startedAt, batchCalls, entryState: undefined };
    let records = 0;
    let maxAgeMs = Infinity;
    slots.forEach((slot, i) => {
      if (outcomes[i] instanceof Error) return;
      const sharedFetchedAt = batch.sharedFetchedAt(slot);
      if (sharedFetchedAt === undefined) {
        records += 1;
        maxAgeMs = Math.min(maxAgeMs, batch.maxAgesMs[slot] ?? 0);
      } else {
        const ageMs = now - sharedFetchedAt;
        const freshMs = (batch.maxAgesMs[slot] ?? 0) - ageMs;
        provenance.note({ ...common, status: 'cached', records: 1, ageMs, freshMs });
      }
    });
    const ageMs = now - (batchCalls?.fetchedAt ?? 0);
    if (records > 0)
      provenance.note({ ...common, status: 'live', records, ageMs, freshMs: maxAgeMs - ageMs });
  }

  /** The cached answer of a key that could not be loaded, if the request accepts it. Otherwise the request's error. */
  #replaceError(
    error: Error,
    batch: InFlightBatch,
    slot: number,
    request: RequestScope,
    startedAt: number,
  ): unknown {
    const { source, isIdentity } = this.#options;
    const entry = this.#cached.find(batch.texts[slot] ?? '');
    if (entry !== undefined && error instanceof SourceError && this.#cached.canReplaceError(entry, request))
      return this.#cached.answerWith(entry, 'stale', request, startedAt);
    request.provenance.note(failedOrigin(source, startedAt, batch.calls));
    return isIdentity ? request.identityDeadline.explain(error) : error;
  }

  #deadlineOf({ deadline, identityDeadline }: RequestScope): Deadline {
    return this.#options.isIdentity ? identityDeadline : deadline;
  }

  /** Lets the request wait for the key in an in-flight batch, or in a new one if that would not serve the request. */
  #join(
    key: unknown,
    text: string,
    request: RequestScope,
    now: number,
  ): { batch: InFlightBatch; slot: number } {
    const known = this.#inFlight.get(text)?.batch;
    const joined =
      known !== undefined && canServe(known, request, now)
        ? { batch: known, slot: known.slotOf(text) }
        : this.#start(key, text, request);
    joined.batch.join(joined.slot, request.wanted, this.#deadlineOf(request).at);
    return joined;
  }

  #refresh(key: unknown, text: string, request: Pick<RequestScope, 'priority' | 'trace'>, now: number): void {
    if (this.#inFlight.get(text) !== undefined) return;
    const { batch, slot } = this.#start(key, text, request);
    batch.join(slot, {}, now + this.#dependencies.refreshMs);
  }

  #start(
    key: unknown,
    text: string,
    request: Pick<RequestScope, 'priority' | 'trace'>,
  ): { batch: InFlightBatch; slot: number } {
    const { priority } = request;
    let gathering = this.#gathering.get(priority);
    if (gathering === undefined) {
      this.#gathering.set(priority, (gathering = new Gathering()));
      // The batch also takes keys that requests on other connections load in the same iteration of the event loop.
      if (this.#options.windowMs === 0) setImmediate(this.#dispatch, priority);
      else setTimeout(this.#dispatch, this.#options.windowMs, priority);
    }
    const batch = gathering.batchFor(key, this.#options, () => new InFlightBatch(request, this.#inFlight));
    return { batch, slot: batch.add(key, text) };
  }

  readonly #dispatch = (priority: Priority): void => {
    const { batches = [] } = this.#gathering.get(priority) ?? {};
    this.#gathering.delete(priority);
    for (const batch of batches) void this.#batches.load(batch);
  };
}
