import type { ChunkedWork } from '../chunked-work.js';
import { Changing } from './changes.js';
import { findFinished, rememberFinished } from './finished-walks.js';
import type { Identifier } from './identifiers.js';
import { Lookups, type IdentityLoaders } from './lookups.js';
import type { IdentifyingSource, IdentityRules } from './matching.js';
import { leadsTo, nextRound } from './next-round.js';
import { Walk, type Lookup } from './walk.js';

/** Runs the walks of one request. Walks that start in the same microtask run their rounds together. */
export class Walker {
  readonly #rules: IdentityRules;
  readonly #chunks: ChunkedWork;
  readonly #lookups: Lookups;
  /** Walks that start in the next microtask. */
  #starting: Walk[] = [];

  constructor(rules: IdentityRules, loaders: IdentityLoaders, chunks: ChunkedWork) {
    this.#rules = rules;
    this.#chunks = chunks;
    this.#lookups = new Lookups(rules, loaders);
  }

  start(start: Identifier, sources: readonly IdentifyingSource[]): Walk {
    const walk = new Walk(start, sources);
    if (this.#starting.length === 0)
      queueMicrotask(() => {
        const group = this.#starting;
        this.#starting = [];
        void this.#run(group);
      });
    this.#starting.push(walk);
    return walk;
  }

  async #run(group: readonly Walk[]): Promise<void> {
    let active = group;
    try {
      while (active.length > 0) {
        const lookups: Lookup[] = [];
        await this.#chunks.each(active, (walk) => {
          this.#startRound(walk, lookups);
        });
        this.#lookups.load();
        if (lookups.length > 0) await this.#waitForRound(active, lookups);
        const [unfinished, ended]: [Walk[], Walk[]] = [[], []];
        await this.#chunks.each(active, (walk) => {
          (this.#endRound(walk) ? ended : unfinished).push(walk);
        });
        active = unfinished;
        // The walks end together, so that one call can load all data that depends on them.
        for (const walk of ended) walk.notify();
      }
    } catch (error) {
      for (const walk of active) {
        walk.failure = { error };
        walk.notify();
      }
    }
  }

  /** Adds the lookups of a round, except those that can only return records that the walk already has. */
  #startRound(walk: Walk, lookups: Lookup[]): void {
    walk.lookupsBefore = walk.lookups.length;
    for (const identifier of walk.frontier) {
      for (const source of walk.sources) {
        if (walk.round > 0 && !leadsTo(walk, source, identifier)) continue;
        const lookup = this.#lookups.add(source, identifier);
        // Only the first round can be repeated, with more sources.
        if (lookup === undefined || (walk.round === 0 && walk.lookups.includes(lookup))) continue;
        walk.lookups.push(lookup);
        lookups.push(lookup);
      }
    }
  }

  /** Waits for the lookups of a round; for slow systems at most `patienceMs`, unless the result depends on them. */
  async #waitForRound(walks: readonly Walk[], lookups: readonly Lookup[]): Promise<void> {
    const starting = walks.filter(({ round }) => round === 0);
    const isAnswered = (lookup: Lookup) => !lookup.isPending;
    const hasAll = areAll(lookups, isAnswered);
    // A source that may know several people by the identifier can make it ambiguous, so its answer is required.
    const hasRequired = areAll(starting.length > 0 ? lookups.filter(mayKnowSeveral) : [], isAnswered);
    const haveFirstRecords = areAll(starting, hasFirstRecord);
    const patience = new Changing();
    let isPatient = true;
    const timer = setTimeout(() => {
      isPatient = false;
      patience.notify();
    }, this.#rules.limits.patienceMs);
    try {
      await Changing.until(
        [...lookups, patience],
        () => hasAll() || (!isPatient && hasRequired() && haveFirstRecords()),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Processes the answers of a round. Returns true if the walk has ended. */
  #endRound(walk: Walk): boolean {
    walk.takeAnswers();
    const earlier = findFinished(walk);
    // The earlier walk made no further lookups after this round, so its result can be reused.
    if (earlier?.lookups.length === walk.lookups.length) {
      walk.result = earlier;
      return true;
    }
    const next =
      earlier === undefined ? nextRound(walk, this.#rules) : (earlier.steps[walk.steps.length]?.next ?? null);
    walk.steps.push({ lookups: walk.lookups.length, next });
    if (next === null) {
      rememberFinished(walk);
      for (const limit of walk.limitsReached) this.#rules.onLimit?.(limit);
      walk.result = walk;
      return true;
    }
    walk.sources = next.sources;
    walk.round = next.round;
    walk.frontier = next.frontier;
    for (const identifier of next.frontier) if (!walk.isKnown(identifier)) walk.known.push(identifier);
    return false;
  }
}

/** The condition that all items meet. An item that has met it is not checked again. */
function areAll<T>(items: readonly T[], meets: (item: T) => boolean): () => boolean {
  const unmet = items.values();
  let next = unmet.next();
  return () => {
    while (next.done !== true && meets(next.value)) next = unmet.next();
    return next.done === true;
  };
}

/** Whether the source may know several people by the identifier, because it does not enforce uniqueness. */
function mayKnowSeveral({ source, identifier }: Lookup): boolean {
  return source.identity.foundBy[identifier.namespace]?.uniqueness !== 'enforced';
}

/** Whether a source has returned a record for the start identifier, or all sources have answered. */
function hasFirstRecord(walk: Walk): boolean {
  return walk.hasRecordOfStart || !walk.hasPending;
}
