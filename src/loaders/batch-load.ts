import { retentionMs, maxAgeOf } from '../cache/freshness.js';
import type { CallPeriod } from '../cache/recently-forgotten.js';
import type { SharedCache } from '../cache/shared-cache.js';
import type { CallScope } from '../connectors/connector.js';
import { GatewayError } from '../errors.js';
import type { Protection } from '../resilience/protection.js';
import { CallController } from '../v8/call-signal.js';
import { endSourceCall, startSourceCall, traceHeaders } from '../telemetry/tracing.js';
import { ChunkedWork } from '../chunked-work.js';
import { noteFetchedAt } from './fetched-at.js';
import type { CachedAnswers } from './cached-answers.js';
import { toError, type InFlightBatch } from './in-flight-batch.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';

/** Loads the batches of one loader: from the cache that instances share, then from the system. */
export class BatchLoad {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  readonly #protection: Protection;
  readonly #cached: CachedAnswers;

  constructor(
    options: PipelineOptions,
    dependencies: PipelineDependencies,
    protection: Protection,
    cached: CachedAnswers,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#protection = protection;
    this.#cached = cached;
  }

  /** Loads the keys of a batch that a request waits for. Never rejects: each of them gets a value or an error. */
  async load(batch: InFlightBatch): Promise<void> {
    const { shared, recentlyForgotten } = this.#dependencies;
    // A later request must not join a key that is missing from the call.
    const slots = batch.releaseUnwanted();
    if (slots.length === 0) return;
    const period = recentlyForgotten.begin();
    try {
      const { rest, since } =
        shared === undefined
          ? { rest: slots, since: undefined }
          : await this.#readShared(batch, slots, shared, period);
      if (rest.length > 0) await this.#callSystem(batch, rest, period, since);
      batch.end();
    } catch (error) {
      batch.end(toError(error));
    } finally {
      recentlyForgotten.end(period);
    }
  }

  /** Settles slots whose answers another instance has stored in the shared cache. Returns the rest of the slots. */
  async #readShared(
    batch: InFlightBatch,
    slots: readonly number[],
    shared: SharedCache,
    period: CallPeriod,
  ): Promise<{ rest: readonly number[]; since: number | undefined }> {
    const { source, freshness, isIdentity, onAnswer } = this.#options;
    const { clock, recentlyForgotten, observer } = this.#dependencies;
    if (freshness.hasMaxAge && retentionMs(freshness.maxAgeMs, freshness) === 0)
      return { rest: slots, since: undefined };
    const { entries, since } = await shared.read(slots.map((slot) => this.#cached.digestOf(batch, slot)));
    const rest = slots.filter((slot, i) => {
      const entry = entries[i];
      // An answer that was forgotten while it was read must not be used.
      if (entry === undefined || recentlyForgotten.has(entry.tags, period)) return true;
      // Instances share only the time of day: the engine's monotonic clock starts with its process.
      const fetchedAt = clock.now() - Math.max(0, Date.now() - entry.fetchedAt);
      const { value, maxAgeMs, tags } = entry;
      const forMs = retentionMs(maxAgeMs, freshness);
      onAnswer(batch.keys[slot], value, forMs);
      // An answer that is too old to return is cached too. It may have to replace the error of a system that
      // fails.
      this.#cached.store(batch, slot, { value, fetchedAt, maxAgeMs, retentionMs: forMs, tags });
      const ageMs = clock.now() - fetchedAt;
      if (ageMs >= Math.min(maxAgeMs, batch.tooOldMs(slot))) return true;
      observer?.cacheAnswered(source, 'shared');
      if (isIdentity) noteFetchedAt(value, Date.now() - ageMs);
      batch.settle(slot, value, maxAgeMs, fetchedAt);
      // The rest of the batch may take a long time, and this answer may be too old for requests that arrive
      // meanwhile.
      batch.release(slot);
      return false;
    });
    if (rest.length < slots.length) batch.notify(slots);
    return { rest, since };
  }

  async #callSystem(
    batch: InFlightBatch,
    slots: readonly number[],
    period: CallPeriod,
    since: number | undefined,
  ): Promise<void> {
    const { source, loader, load, maxBatch: maxKeys } = this.#options;
    const controller = new CallController();
    const scope = this.#protection.scope({
      priority: batch.priority,
      signal: controller.signal,
      deadlineAt: () => batch.deadlineAt,
    });
    const fetchedAt = this.#dependencies.clock.now();
    const calls = { loader, maxKeys, calls: 0, scope, slots, fetchedAt, controller };
    batch.calls = calls;
    this.#dependencies.observer?.batchDispatched(source, loader, slots.length);
    const trace = startSourceCall(batch.trace, { source, loader, batchSize: slots.length });
    let systemMaxAgeMs: number | undefined;
    const callScope: CallScope = {
      run: (call) =>
        scope.run((signal) => {
          calls.calls += 1;
          return call(signal);
        }),
      slowDown: (info) => {
        scope.slowDown(info);
      },
      limitMaxAge: (maxAgeMs) => {
        systemMaxAgeMs = Math.min(systemMaxAgeMs ?? Infinity, maxAgeMs);
      },
      headers: traceHeaders(trace),
    };
    const keys = slots.length === batch.keys.length ? batch.keys : slots.map((slot) => batch.keys[slot]);
    const values = await load(keys, callScope).catch((error: unknown) => slots.map(() => toError(error)));
    if (values.length !== slots.length)
      throw new Error(`${source} ${loader}: a loader must return one value for each key.`);
    if (values.some((value) => value instanceof Promise)) {
      const settled = values.map(async (value, i) => {
        const valueOrError = await Promise.resolve(value).catch(toError);
        // `systemMaxAgeMs` is read only now, after the system has reported how long this answer is valid.
        const ofKey = slots.slice(i, i + 1);
        this.#settle(batch, ofKey, [valueOrError], systemMaxAgeMs);
        for (const slot of ofKey) {
          this.#cache(batch, slot, period, since);
          batch.release(slot);
        }
        batch.cancelIfLeft();
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
    this.#settle(batch, slots, values, systemMaxAgeMs);
    // Answers are cached after all requests are resolved. If caching throws, every request still has its answer.
    await new ChunkedWork().each(slots, (slot) => {
      this.#cache(batch, slot, period, since);
    });
  }

  /** Gives slots their values or errors, and resolves the requests whose keys are all settled. */
  #settle(
    batch: InFlightBatch,
    slots: readonly number[],
    values: readonly unknown[],
    systemMaxAgeMs: number | undefined,
  ): void {
    const { loader, freshness, isIdentity } = this.#options;
    const { clock, observer } = this.#dependencies;
    const moment = Date.now() - (clock.now() - (batch.calls?.fetchedAt ?? 0));
    slots.forEach((slot, i) => {
      const value = values[i];
      if (value instanceof Error) observer?.loadFailed?.(loader, value);
      else if (isIdentity) noteFetchedAt(value, moment);
      batch.settle(slot, value, maxAgeOf(value, systemMaxAgeMs, freshness));
    });
    batch.notify(slots);
  }

  /** Stores an answer of the system here and in the shared cache, unless it was forgotten meanwhile. */
  #cache(batch: InFlightBatch, slot: number, period: CallPeriod, since: number | undefined): void {
    const { source, loader, freshness, about, isComplete, onAnswer } = this.#options;
    const { tags, recentlyForgotten, clock, shared } = this.#dependencies;
    const [key, value] = [batch.keys[slot], batch.answerOf(slot)];
    if (value instanceof Error) return;
    const maxAgeMs = batch.maxAgesMs[slot] ?? 0;
    const fetchedAt = batch.calls?.fetchedAt ?? 0;
    const forMs = retentionMs(maxAgeMs, freshness);
    onAnswer(key, value, forMs);
    if (forMs <= 0 || !isComplete(value)) return;
    const entry = { value, fetchedAt, maxAgeMs, tags: tags.of(source, loader, about?.(key, value)) };
    if (recentlyForgotten.has(entry.tags, period)) return;
    this.#cached.store(batch, slot, { ...entry, retentionMs: forMs });
    if (shared === undefined || since === undefined) return;
    const timeOfDay = Date.now() - (clock.now() - fetchedAt);
    shared.write({
      key: this.#cached.digestOf(batch, slot),
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
