import type { Load } from '../loaders/registry.js';
import type { ChunkedWork } from '../chunked-work.js';
import { Lookups } from './lookups.js';
import { findFinished, rememberFinished } from './finished-walks.js';
import type { Identifier } from './identifiers.js';
import { match, textOf, type IdentifyingSource, type IdentityRules, type Matching } from './matching.js';
import { leadsTo, nextRound } from './next-round.js';
import {
  holdingsOf,
  isPending,
  recordsOfStart,
  startWalk,
  takeRecords,
  type Lookup,
  type Walk,
} from './walk.js';

/** A walk, and the promise of it. */
interface Pending {
  walk: Walk;
  resolve: (walk: Walk) => void;
  reject: (reason: unknown) => void;
}

/** Walks for one request. Those that begin at the same moment go round by round together. */
export class Walker {
  readonly #rules: IdentityRules;
  readonly #chunks: ChunkedWork;
  readonly #asks: Lookups;
  /** Walks that begin in the next microtask. */
  #starting: Pending[] = [];

  constructor(rules: IdentityRules, load: Load, chunks: ChunkedWork) {
    this.#rules = rules;
    this.#chunks = chunks;
    this.#asks = new Lookups(rules, load);
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

  /** Which of the records that a walk has found are one customer. */
  match(walk: Walk): Matching {
    return match([...walk.records.values()], holdingsOf(walk), this.#asks.answerOf, this.#rules);
  }

  async #run(group: Pending[]): Promise<void> {
    let going = group;
    try {
      while (going.length > 0) {
        const walks = going.map(({ walk }) => walk);
        const asked: Lookup[][] = [];
        await this.#chunks.each(walks, (walk) => {
          asked.push(this.#askRound(walk));
        });
        const all = asked.flat();
        if (all.length > 0) await this.#waitForRound(walks, all);
        const further: Pending[] = [];
        await this.#chunks.each(going, (one, i) => {
          if (!this.#endRound(one, asked[i] ?? [])) further.push(one);
        });
        going = further;
      }
    } catch (error) {
      for (const { reject } of going) reject(error);
    }
  }

  /** Asks every source of the walk by its new identifiers, unless it is known already whom the source would return. */
  #askRound(walk: Walk): Lookup[] {
    const begun: Lookup[] = [];
    for (const identifier of walk.frontier) {
      for (const source of walk.sources) {
        if (walk.round > 0 && !leadsTo(walk, source, identifier)) continue;
        const ask = this.#asks.lookUp(source, identifier);
        if (ask === undefined || walk.lookups.has(ask)) continue;
        walk.lookups.add(ask);
        begun.push(ask);
      }
    }
    return begun;
  }

  /** Waits for a round of all walks of a group, and for slow systems no longer than they are worth. */
  async #waitForRound(walks: readonly Walk[], asked: readonly Lookup[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#rules.limits.patienceMs);
    });
    const all = Promise.all(asked.map(({ done }) => done));
    try {
      await Promise.race([all, patience]);
      // They might hold several people under the identifier: without them nobody can be shown.
      if (walks.some(({ round }) => round === 0))
        await Promise.all(asked.filter(mayKnowSeveral).map(({ done }) => done));
      await Promise.all(walks.filter(({ round }) => round === 0).map(untilSomebodyKnows));
    } finally {
      clearTimeout(timer);
      all.catch(() => undefined);
    }
  }

  /** Takes in a walk's answers. Returns whether the walk is finished, and if so resolves it. */
  #endRound({ walk, resolve }: Pending, asked: readonly Lookup[]): boolean {
    takeRecords(walk);
    const known = findFinished(walk, asked);
    // No source was asked any more after this, so none has to be now.
    if (known?.steps.slice(walk.steps.length + 1).every(({ lookups }) => lookups.length === 0)) {
      resolve(known);
      return true;
    }
    const next =
      known === undefined
        ? nextRound(walk, asked, this.#rules, this.#asks)
        : (known.steps[walk.steps.length]?.next ?? null);
    walk.steps.push({ lookups: asked, next });
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

/** A source that does not keep the identifier unique may know several people by it. */
function mayKnowSeveral({ source, identifier }: Lookup): boolean {
  return source.identity.foundBy[identifier.namespace]?.uniqueness !== 'enforced';
}

/** Or until all sources have answered. */
async function untilSomebodyKnows(walk: Walk): Promise<void> {
  while (recordsOfStart(walk).length === 0) {
    const pending = [...walk.lookups].filter(isPending);
    if (pending.length === 0) return;
    await Promise.race(pending.map(({ done }) => done));
  }
}
