import type { Load } from '../loaders/registry.js';
import type { ChunkedWork } from '../chunked-work.js';
import { Lookups } from './lookups.js';
import { findFinished, rememberFinished } from './finished-walks.js';
import type { Identifier } from './identifiers.js';
import { match, textOf, type IdentifyingSource, type IdentityRules, type Matching } from './matching.js';
import { leadsTo, nextRound } from './next-round.js';
import {
  foundByOf,
  isPending,
  recordsOfStart,
  startWalk,
  takeRecords,
  type Lookup,
  type Walk,
} from './walk.js';

/** A walk, and the functions that settle its promise. */
interface Pending {
  walk: Walk;
  resolve: (walk: Walk) => void;
  reject: (reason: unknown) => void;
}

/** Runs the walks of one request. Walks that start in the same microtask run their rounds together. */
export class Walker {
  readonly #rules: IdentityRules;
  readonly #chunks: ChunkedWork;
  readonly #lookups: Lookups;
  /** Walks that start in the next microtask. */
  #starting: Pending[] = [];

  constructor(rules: IdentityRules, load: Load, chunks: ChunkedWork) {
    this.#rules = rules;
    this.#chunks = chunks;
    this.#lookups = new Lookups(rules, load);
  }

  walk(start: Identifier, sources: readonly IdentifyingSource[]): Promise<Walk> {
    return new Promise((resolve, reject) => {
      if (this.#starting.length === 0)
        queueMicrotask(() => {
          const group = this.#starting;
          this.#starting = [];
          void this.#run(group);
        });
      this.#starting.push({ walk: startWalk(start, sources), resolve, reject });
    });
  }

  /** Computes which records of a walk are one customer. */
  match(walk: Walk): Matching {
    return match([...walk.records.values()], foundByOf(walk), this.#lookups.answerOf, this.#rules);
  }

  async #run(group: Pending[]): Promise<void> {
    let active = group;
    try {
      while (active.length > 0) {
        const walks = active.map(({ walk }) => walk);
        const lookups: Lookup[][] = [];
        await this.#chunks.each(walks, (walk) => {
          lookups.push(this.#startRound(walk));
        });
        const all = lookups.flat();
        if (all.length > 0) await this.#waitForRound(walks, all);
        const unfinished: Pending[] = [];
        await this.#chunks.each(active, (pending, i) => {
          if (!this.#endRound(pending, lookups[i] ?? [])) unfinished.push(pending);
        });
        active = unfinished;
      }
    } catch (error) {
      for (const { reject } of active) reject(error);
    }
  }

  /** Starts the lookups of a round, except those that can only return records that the walk already has. */
  #startRound(walk: Walk): Lookup[] {
    const started: Lookup[] = [];
    for (const identifier of walk.frontier) {
      for (const source of walk.sources) {
        if (walk.round > 0 && !leadsTo(walk, source, identifier)) continue;
        const lookup = this.#lookups.lookUp(source, identifier);
        if (lookup === undefined || walk.lookups.has(lookup)) continue;
        walk.lookups.add(lookup);
        started.push(lookup);
      }
    }
    return started;
  }

  /** Waits for the lookups of a round; for slow systems at most `patienceMs`, unless the result depends on them. */
  async #waitForRound(walks: readonly Walk[], lookups: readonly Lookup[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#rules.limits.patienceMs);
    });
    const all = Promise.all(lookups.map(({ done }) => done));
    try {
      await Promise.race([all, patience]);
      // A source that may know several people by the identifier can make it ambiguous, so its answer is required.
      if (walks.some(({ round }) => round === 0))
        await Promise.all(lookups.filter(mayKnowSeveral).map(({ done }) => done));
      await Promise.all(walks.filter(({ round }) => round === 0).map(waitForFirstRecord));
    } finally {
      clearTimeout(timer);
      all.catch(() => undefined);
    }
  }

  /** Processes the answers of a round. Returns true if the walk is finished; its promise is then resolved. */
  #endRound({ walk, resolve }: Pending, lookups: readonly Lookup[]): boolean {
    takeRecords(walk);
    const earlier = findFinished(walk, lookups);
    // The earlier walk made no further lookups after this round, so its result can be reused.
    if (earlier?.steps.slice(walk.steps.length + 1).every((step) => step.lookups.length === 0)) {
      resolve(earlier);
      return true;
    }
    const next =
      earlier === undefined
        ? nextRound(walk, lookups, this.#rules, this.#lookups)
        : (earlier.steps[walk.steps.length]?.next ?? null);
    walk.steps.push({ lookups, next });
    if (next === null) {
      rememberFinished(walk);
      for (const limit of walk.limitsReached) this.#rules.onLimit?.(limit);
      resolve(walk);
      return true;
    }
    Object.assign(walk, next);
    for (const identifier of next.frontier) walk.known.set(textOf(identifier), identifier);
    return false;
  }
}

/** Whether the source may know several people by the identifier, because it does not enforce uniqueness. */
function mayKnowSeveral({ source, identifier }: Lookup): boolean {
  return source.identity.foundBy[identifier.namespace]?.uniqueness !== 'enforced';
}

/** Waits until a source has returned a record for the start identifier, or all sources have answered. */
async function waitForFirstRecord(walk: Walk): Promise<void> {
  while (recordsOfStart(walk).length === 0) {
    const pending = [...walk.lookups].filter(isPending);
    if (pending.length === 0) return;
    await Promise.race(pending.map(({ done }) => done));
  }
}
