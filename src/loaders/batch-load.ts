import { retentionMs, maxAgeOf } from '../cache/freshness.js';
import type { CallPeriod } from '../cache/recently-forgotten.js';
import type { SharedCache } from '../cache/shared-cache.js';
import type { CallScope } from '../connectors/connector.js';
import { GatewayError } from '../errors.js';
import type { Priority } from '../priority.js';
import type { ProtectedScope, Protection } from '../resilience/protection.js';
import { CallController } from '../v8/call-signal.js';
import { endSourceCall, startSourceCall, traceHeaders } from '../telemetry/tracing.js';
import { ChunkedWork } from '../chunked-work.js';
import { noteFetchedAt } from './fetched-at.js';
import type { CachedAnswers } from './cached-answers.js';
import { toError, type InFlightRequest } from './in-flight-request.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';
import type { BatchCalls } from './provenance.js';

/** An answer of the system, with the in-flight request that it resolved. */
interface LoadedAnswer {
  inFlight: InFlightRequest;
  value: unknown;
  fetchedAt: number;
  maxAgeMs: number;
}

/** Loads the batches of one loader: from the cache that instances share, then from the system. */
export class BatchLoad {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  readonly #protection: Protection;
  readonly #cached: CachedAnswers;
  /** Removes an in-flight request from the pipeline, so that later requests do not join it. */
  readonly #release: (inFlight: InFlightRequest) => void;

  constructor(
    options: PipelineOptions,
    dependencies: PipelineDependencies,
    protection: Protection,
    cached: CachedAnswers,
    release: (inFlight: InFlightRequest) => void,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#protection = protection;
    this.#cached = cached;
    this.#release = release;
  }

  /** Loads one batch. Never rejects: each request in it is resolved or rejected. */
  async load(batch: readonly InFlightRequest[], priority: Priority): Promise<void> {
    const { shared, recentlyForgotten } = this.#dependencies;
    const period = recentlyForgotten.begin();
    try {
      const { rest, since } =
        shared === undefined
          ? { rest: batch, since: undefined }
          : await this.#readShared(batch, shared, period);
      if (rest.length > 0) await this.#callSystem(rest, priority, period, since);
    } catch (error) {
      for (const inFlight of batch) inFlight.reject(toError(error));
    } finally {
      recentlyForgotten.end(period);
    }
    for (const inFlight of batch) this.#release(inFlight);
  }

  /**
   * Resolves requests whose answers another instance has stored in the shared cache. Returns the rest of the
   * batch.
   */
  async #readShared(
    batch: readonly InFlightRequest[],
    shared: SharedCache,
    period: CallPeriod,
  ): Promise<{ rest: readonly InFlightRequest[]; since: number | undefined }> {
    const { source, freshness, isIdentity, onAnswer } = this.#options;
    const { clock, recentlyForgotten, observer } = this.#dependencies;
    if (freshness.hasMaxAge && retentionMs(freshness.maxAgeMs, freshness) === 0)
      return { rest: batch, since: undefined };
    const { entries, since } = await shared.read(batch.map((inFlight) => this.#cached.digestOf(inFlight)));
    const rest = batch.filter((inFlight, i) => {
      const entry = entries[i];
      // An answer that was forgotten while it was read must not be used.
      if (entry === undefined || recentlyForgotten.has(entry.tags, period)) return true;
      // Instances share only the time of day: the engine's monotonic clock starts with its process.
      const fetchedAt = clock.now() - Math.max(0, Date.now() - entry.fetchedAt);
      const resolved = { value: entry.value, fetchedAt, maxAgeMs: entry.maxAgeMs, from: 'cached' as const };
      const forMs = retentionMs(entry.maxAgeMs, freshness);
      onAnswer(inFlight.key, entry.value, forMs);
      // An answer that is too old to return is cached too. It may have to replace the error of a system that
      // fails.
      this.#cached.store(inFlight, { ...resolved, retentionMs: forMs, tags: entry.tags });
      const ageMs = clock.now() - fetchedAt;
      if (ageMs >= Math.min(entry.maxAgeMs, inFlight.tooOldMs)) return true;
      observer?.cacheAnswered(source, 'shared');
      if (isIdentity) noteFetchedAt(resolved.value, ageMs);
      inFlight.resolve(resolved);
      // The rest of the batch may take a long time, and this answer may be too old for requests that arrive
      // meanwhile.
      this.#release(inFlight);
      return false;
    });
    return { rest, since };
  }

  async #callSystem(
    batch: readonly InFlightRequest[],
    priority: Priority,
    period: CallPeriod,
    since: number | undefined,
  ): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { source, loader, load } = this.#options;
    const controller = new CallController();
    const scope = this.#protection.scope({
      priority,
      signal: controller.signal,
      deadlineAt: () => batch.reduce((latest, inFlight) => Math.max(latest, inFlight.deadlineAt), 0),
    });
    const batchCalls = { calls: 0, scope };
    const fetchedAt = this.#dependencies.clock.now();
    const markDone = this.#begin(batch, batchCalls, fetchedAt, controller);
    this.#dependencies.observer?.batchDispatched(source, loader, batch.length);
    const trace = startSourceCall(first.trace, { source, loader, batchSize: batch.length });
    let holdsMs: number | undefined;
    const callScope: CallScope = {
      run: (call) =>
        scope.run((signal) => {
          batchCalls.calls += 1;
          return call(signal);
        }),
      slowDown: (info) => {
        scope.slowDown(info);
      },
      holds: (maxAgeMs) => {
        holdsMs = Math.min(holdsMs ?? Infinity, maxAgeMs);
      },
      headers: traceHeaders(trace),
    };
    const keys = batch.map(({ key }) => key);
    const values = await load(keys, callScope).catch((error: unknown) => batch.map(() => toError(error)));
    if (values.length !== batch.length)
      throw new Error(`${source} ${loader}: a loader must return one value for each key.`);
    if (values.some((value) => value instanceof Promise)) {
      const settled = values.map(async (value, i) => {
        const valueOrError = await Promise.resolve(value).catch(toError);
        const inFlightRequests = batch.slice(i, i + 1);
        // `holdsMs` is read only now, after the system has reported how long this answer is valid.
        for (const answer of this.#settle(inFlightRequests, [valueOrError], fetchedAt, holdsMs))
          this.#cache(answer, period, since);
        for (const inFlight of inFlightRequests) {
          this.#release(inFlight);
          markDone(inFlight);
        }
        return valueOrError;
      });
      // If caching one answer throws, all other requests still get their answers.
      const outcomes = await Promise.allSettled(settled);
      const failed = outcomes.find(
        (outcome) => outcome.status === 'rejected' || outcome.value instanceof Error,
      );
      endSourceCall(trace, codeOf(failed?.status === 'fulfilled' ? failed.value : failed), scope.retries);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw toError(outcome.reason);
      return;
    }
    const failed = values.find((value) => value instanceof Error);
    endSourceCall(trace, codeOf(failed), scope.retries);
    const answers = this.#settle(batch, values, fetchedAt, holdsMs);
    // Answers are cached after all requests are resolved. If caching throws, every request still has its answer.
    await new ChunkedWork().each(answers, (answer) => {
      this.#cache(answer, period, since);
    });
  }

  /**
   * Records in each request of the batch that its system is called. Cancels the calls when no client waits for
   * any of them. Returns a function that marks one request as done before the others are.
   */
  #begin(
    batch: readonly InFlightRequest[],
    batchCalls: BatchCalls & { scope: ProtectedScope },
    fetchedAt: number,
    controller: CallController,
  ): (inFlight: InFlightRequest) => void {
    const done: InFlightRequest[] = [];
    const left: InFlightRequest[] = [];
    const cancel = () => {
      controller.abort(new Error('No client waits for this call.'));
    };
    for (const inFlight of batch) {
      inFlight.fetchedAt = fetchedAt;
      inFlight.batchCalls = batchCalls;
      inFlight.leave = () => {
        inFlight.waiting -= 1;
        if (inFlight.waiting > 0) return;
        left.push(inFlight);
        this.#release(inFlight);
        if (batch.every((other) => other.waiting === 0 || done.includes(other))) cancel();
      };
    }
    return (inFlight) => {
      done.push(inFlight);
      // A request that missed its deadline has not left: its answer is still cached.
      if (left.length > 0 && done.length < batch.length)
        if (batch.every((other) => done.includes(other) || left.includes(other))) cancel();
    };
  }

  /** Resolves or rejects each request of the batch. Returns those that were resolved. */
  #settle(
    batch: readonly InFlightRequest[],
    values: readonly unknown[],
    fetchedAt: number,
    holdsMs: number | undefined,
  ): LoadedAnswer[] {
    const { loader, freshness, isIdentity } = this.#options;
    const { clock, observer } = this.#dependencies;
    return batch.flatMap((inFlight, i) => {
      const value = values[i];
      if (value instanceof Error) {
        observer?.loadFailed?.(loader, value);
        inFlight.reject(value);
        return [];
      }
      const maxAgeMs = maxAgeOf(value, holdsMs, freshness);
      if (isIdentity) noteFetchedAt(value, clock.now() - fetchedAt);
      inFlight.resolve({ value, fetchedAt, maxAgeMs, from: 'live' });
      return [{ inFlight, value, fetchedAt, maxAgeMs }];
    });
  }

  /** Stores an answer of the system here and in the shared cache, unless it was forgotten meanwhile. */
  #cache(
    { inFlight, value, fetchedAt, maxAgeMs }: LoadedAnswer,
    period: CallPeriod,
    since: number | undefined,
  ): void {
    const { source, loader, freshness, onAnswer, isComplete, about } = this.#options;
    const { tags, recentlyForgotten, shared, clock } = this.#dependencies;
    const forMs = retentionMs(maxAgeMs, freshness);
    onAnswer(inFlight.key, value, forMs);
    if (forMs <= 0 || !isComplete(value)) return;
    const entry = { value, fetchedAt, maxAgeMs, tags: tags.of(source, loader, about?.(inFlight.key, value)) };
    if (recentlyForgotten.has(entry.tags, period)) return;
    this.#cached.store(inFlight, { ...entry, retentionMs: forMs });
    if (shared === undefined || since === undefined) return;
    const timeOfDay = Date.now() - (clock.now() - fetchedAt);
    shared.write({
      key: this.#cached.digestOf(inFlight),
      entry: { ...entry, fetchedAt: timeOfDay },
      retentionMs: forMs,
      since,
    });
  }
}

function codeOf(failed: unknown): string {
  if (failed === undefined) return 'ok';
  return failed instanceof GatewayError ? failed.code : 'CANCELLED';
}
