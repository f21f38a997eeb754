import { approximateBytes, type Entry, type CachedEntry } from '../cache/cache.js';
import {
  isNothing,
  decideFreshness,
  type FreshnessDecision,
  canReplaceError,
  wantedOfUnknownCustomer,
  type Wanted,
} from '../cache/freshness.js';
import type { InFlightBatch, RequestScope } from './in-flight-batch.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';

/** The cached answers of one loader, and whether they are fresh enough for a request. */
export class CachedAnswers {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  /** Loads a key again in the background after its answer was forgotten. */
  readonly #renew: (key: unknown, text: string) => void;
  /** Before the first answer is stored, a lookup needs no digest. */
  #hasStored = false;

  constructor(
    options: PipelineOptions,
    dependencies: PipelineDependencies,
    renew: (key: unknown, text: string) => void,
  ) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#renew = renew;
  }

  find(text: string): CachedEntry | undefined {
    if (!this.#hasStored) return undefined;
    return this.#dependencies.cache.get(this.#options.source, this.#options.digest(text));
  }

  /** Stores the answer of one slot. */
  store(batch: InFlightBatch, slot: number, entry: Omit<Entry, 'renew'>): void {
    this.#hasStored = true;
    const [key, text] = [batch.keys[slot], batch.texts[slot] ?? ''];
    const renew = () => {
      this.#renew(key, text);
    };
    this.#dependencies.cache.set(this.#options.source, this.digestOf(batch, slot), {
      ...entry,
      renew,
      renewBytes: approximateBytes(key),
    });
  }

  digestOf({ digests, texts }: InFlightBatch, slot: number): string {
    return (digests[slot] ??= this.#options.digest(texts[slot] ?? ''));
  }

  /** `fresh`: return it. `stale`: return it and refresh it. `load`: call the system first. */
  decide(entry: CachedEntry, request: RequestScope, now: number): FreshnessDecision {
    const age = { ageMs: now - entry.fetchedAt, maxAgeMs: entry.maxAgeMs };
    return decideFreshness(age, this.#options.freshness, this.#wantedOf(entry, request));
  }

  canReplaceError(entry: CachedEntry, request: RequestScope): boolean {
    const age = { ageMs: this.#dependencies.clock.now() - entry.fetchedAt, maxAgeMs: entry.maxAgeMs };
    return canReplaceError(age, this.#options.freshness, this.#wantedOf(entry, request));
  }

  /** The entry's value. Counts the cache hit and records its origin in the request's provenance. */
  answerWith(
    entry: CachedEntry,
    status: 'cached' | 'stale',
    request: RequestScope,
    startedAt: number,
  ): unknown {
    const { source } = this.#options;
    const { clock, observer } = this.#dependencies;
    observer?.cacheAnswered(source, status === 'cached' ? 'hit' : 'stale');
    const ageMs = clock.now() - entry.fetchedAt;
    const { maxAgeMs, entryState } = entry;
    request.provenance.note({
      source,
      status,
      records: 1,
      ageMs,
      freshMs: maxAgeMs - ageMs,
      startedAt,
      batchCalls: undefined,
      entryState: status === 'cached' ? entryState : undefined,
    });
    return entry.value;
  }

  /** A customer unknown to a system that holds consent may have refused it there since. */
  #wantedOf({ value }: CachedEntry, { wanted, needsConsent }: RequestScope): Wanted {
    return needsConsent === true && this.#options.holdsConsent && isNothing(value)
      ? wantedOfUnknownCustomer(wanted)
      : wanted;
  }
}
