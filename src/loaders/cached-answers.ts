import { approximateBytes, type Entry, type KeptEntry } from '../cache/cache.js';
import { isNothing, judge, mayStandIn, wantedOfUnknown, type Wanted } from '../cache/freshness.js';
import type { Flight, RequestScope } from './flight.js';
import type { PipelineDependencies, PipelineOptions } from './pipeline-options.js';

/** The cached answers of one loader, and whether they are fresh enough for a request. */
export class CachedAnswers {
  readonly #options: PipelineOptions;
  readonly #dependencies: PipelineDependencies;
  /** Loads a key anew after its answer was forgotten, though no request waits for it. */
  readonly #renew: (key: unknown, text: string) => void;
  /** As long as nothing was stored, a lookup needs no digest. */
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

  find(text: string): KeptEntry | undefined {
    if (!this.#hasStored) return undefined;
    return this.#dependencies.cache.get(this.#options.source, this.#options.digest(text));
  }

  store(flight: Flight, entry: Omit<Entry, 'renew'>): void {
    this.#hasStored = true;
    const { key, text } = flight;
    const renew = () => {
      this.#renew(key, text);
    };
    this.#dependencies.cache.set(this.#options.source, this.digestOf(flight), {
      ...entry,
      renew,
      renewBytes: approximateBytes(key),
    });
  }

  digestOf(flight: Flight): string {
    return (flight.digest ??= this.#options.digest(flight.text));
  }

  /** `fresh`: return it. `stale`: return it, and refresh it. `ask`: the system must be called first. */
  stateOf(entry: KeptEntry, request: RequestScope, now: number): 'fresh' | 'stale' | 'ask' {
    const age = { ageMs: now - entry.fetchedAt, maxAgeMs: entry.maxAgeMs };
    return judge(age, this.#options.freshness, this.#wantedOf(entry, request));
  }

  canReplaceError(entry: KeptEntry, request: RequestScope): boolean {
    const age = { ageMs: this.#dependencies.clock.now() - entry.fetchedAt, maxAgeMs: entry.maxAgeMs };
    return mayStandIn(age, this.#options.freshness, this.#wantedOf(entry, request));
  }

  /** The entry's value. Counts the answer, and notes its origin in the request's provenance. */
  answerWith(
    entry: KeptEntry,
    status: 'cached' | 'stale',
    request: RequestScope,
    startedAt: number,
  ): unknown {
    const { source } = this.#options;
    const { clock, observer } = this.#dependencies;
    observer?.cacheAnswered(source, status === 'cached' ? 'hit' : 'stale');
    const ageMs = clock.now() - entry.fetchedAt;
    const { maxAgeMs, standing } = entry;
    request.provenance.note({
      source,
      status,
      ageMs,
      freshMs: maxAgeMs - ageMs,
      startedAt,
      run: undefined,
      standing: status === 'cached' ? standing : undefined,
    });
    return entry.value;
  }

  /** A customer unknown to a system that holds consent may have refused it there since. */
  #wantedOf({ value }: KeptEntry, { wanted, needsConsent }: RequestScope): Wanted {
    return needsConsent === true && this.#options.holdsConsent && isNothing(value)
      ? wantedOfUnknown(wanted)
      : wanted;
  }
}
