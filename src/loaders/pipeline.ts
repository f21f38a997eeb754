import { NotCachedError, SourceError } from '../errors.js';
import { TransientMap } from '../v8/transient-map.js';
import type { Priority } from '../priority.js';
import type { Protection } from '../resilience/protection.js';
import { startRequest } from '../telemetry/tracing.js';
import { BatchLoad } from './batch-load.js';
import { splitIntoBatches } from './batches.js';
import { CachedAnswers } from './cached-answers.js';
import {
  createInFlightRequest,
  canServe,
  createLateError,
  type InFlightRequest,
  type RequestScope,
} from './in-flight-request.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';
import { failedOrigin } from './provenance.js';

/** Answers the keys of one loader, for all requests: from the cache, from an in-flight request, or by a new call. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  readonly #cached: CachedAnswers;
  readonly #batches: BatchLoad;
  /** Keys that are being loaded, by their text. */
  readonly #inFlightRequests = new TransientMap<string, InFlightRequest>();
  /** Keys of the next batch of each priority. */
  readonly #gathering: Partial<Record<Priority, InFlightRequest[]>> = {};

  constructor(options: PipelineOptions, dependencies: PipelineDependencies, protection: Protection) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#cached = new CachedAnswers(options, dependencies, (key, text) => {
      const trace = startRequest(new Headers());
      this.#refresh(key, text, { priority: 'bulk', trace }, dependencies.clock.now());
    });
    this.#batches = new BatchLoad(options, dependencies, protection, this.#cached, this.#release);
  }

  /**
   * The key's answer with the freshness that the request requires. It is returned without a promise when it is
   * cached. Rejects with the request's error.
   */
  answer(key: unknown, text: string, request: RequestScope): unknown {
    const { source } = this.#options;
    const now = this.#dependencies.clock.now();
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
      return Promise.reject(new NotCachedError(source));
    }
    this.#dependencies.observer?.cacheAnswered(source, 'miss');
    return this.#load(key, text, request, now);
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
    for (const inFlight of this.#inFlightRequests.values())
      if (inFlight.fetchedAt !== undefined) this.#release(inFlight);
  }

  async #load(key: unknown, text: string, request: RequestScope, startedAt: number): Promise<unknown> {
    const { source, isIdentity } = this.#options;
    const inFlight = this.#join(key, text, request, startedAt);
    inFlight.waiting += 1;
    const deadline = isIdentity ? request.identityDeadline : request.deadline;
    inFlight.deadlineAt = Math.max(inFlight.deadlineAt, deadline.at);
    request.inFlightRequests.add(inFlight);
    try {
      const resolved = await deadline.race(source, inFlight.answer, () => createLateError(source, inFlight));
      const ageMs = this.#dependencies.clock.now() - resolved.fetchedAt;
      request.provenance.note({
        source,
        status: resolved.from,
        ageMs,
        freshMs: resolved.maxAgeMs - ageMs,
        startedAt,
        batchCalls: inFlight.batchCalls,
        entryState: undefined,
      });
      return resolved.value;
    } catch (error) {
      // The request was cancelled, and nothing handles its error.
      if (!request.inFlightRequests.has(inFlight)) return await new Promise(() => undefined);
      const entry = this.#cached.find(text);
      if (entry !== undefined && error instanceof SourceError && this.#cached.canReplaceError(entry, request))
        return this.#cached.answerWith(entry, 'stale', request, startedAt);
      request.provenance.note(failedOrigin(source, startedAt, inFlight.batchCalls));
      throw isIdentity ? deadline.explain(error) : error;
    } finally {
      // A request whose client disconnected has left already.
      if (request.inFlightRequests.delete(inFlight)) inFlight.waiting -= 1;
    }
  }

  /** The in-flight request for the key, or a new one if that would not serve this request. */
  #join(key: unknown, text: string, request: RequestScope, now: number): InFlightRequest {
    const known = this.#inFlightRequests.get(text);
    if (known !== undefined && canServe(known, request, now)) {
      known.tooOldMs = Math.min(known.tooOldMs, request.wanted.maxAgeMs ?? Infinity);
      return known;
    }
    return this.#start(key, text, request);
  }

  #refresh(key: unknown, text: string, request: Pick<RequestScope, 'priority' | 'trace'>, now: number): void {
    if (this.#inFlightRequests.get(text) !== undefined) return;
    const inFlight = this.#start(key, text, { ...request, wanted: {} });
    inFlight.waiting += 1;
    inFlight.deadlineAt = now + this.#dependencies.refreshMs;
  }

  #start(
    key: unknown,
    text: string,
    request: Pick<RequestScope, 'priority' | 'wanted' | 'trace'>,
  ): InFlightRequest {
    const { priority } = request;
    const inFlight = createInFlightRequest(key, text, request, this.#release);
    this.#inFlightRequests.set(text, inFlight);
    const others = this.#gathering[priority];
    if (others !== undefined && others.length > 0) others.push(inFlight);
    else {
      this.#gathering[priority] = [inFlight];
      // The batch also takes keys that requests on other connections load in the same iteration of the event loop.
      if (this.#options.windowMs === 0) setImmediate(this.#dispatch, priority);
      else setTimeout(this.#dispatch, this.#options.windowMs, priority);
    }
    return inFlight;
  }

  readonly #dispatch = (priority: Priority): void => {
    const gathered = this.#gathering[priority] ?? [];
    this.#gathering[priority] = [];
    // A later request must not join a key that is missing from the batch.
    for (const inFlight of gathered) if (inFlight.waiting === 0) this.#release(inFlight);
    const wanted = gathered.filter((inFlight) => inFlight.waiting > 0);
    for (const batch of splitIntoBatches(wanted, this.#options)) void this.#batches.load(batch, priority);
  };

  /** Removes an in-flight request, so that later requests do not join it. */
  readonly #release = (inFlight: InFlightRequest): void => {
    if (this.#inFlightRequests.get(inFlight.text) === inFlight) this.#inFlightRequests.delete(inFlight.text);
  };
}
