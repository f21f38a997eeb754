import { AmbiguousIdentityError, ErasedError } from '../errors.js';
import { Changing } from './changes.js';
import { refuseErased, type Erasures } from './erasures.js';
import type { Identity, Match, Outcome } from './identity-graph.js';
import type { Identifier } from './identifiers.js';
import { byRank, WalkMatch } from './match-of-walk.js';
import type { IdentifyingSource, IdentityRules, KnownRecord } from './matching.js';
import { relevantSources } from './relevant-sources.js';
import type { Lookup, Walk } from './walk.js';
import type { Walker } from './walker.js';

/** What all identities of a request share. */
export interface IdentitySearch {
  rules: IdentityRules;
  walker: Walker;
  erasures: Erasures;
}

/** One customer's identity in a request, found by walks from one identifier. */
export class WalkedIdentity implements Identity {
  readonly start: Identifier;
  readonly #search: IdentitySearch;
  readonly #walks: Walk[] = [];

  constructor(start: Identifier, search: IdentitySearch) {
    this.start = start;
    this.#search = search;
  }

  async isKnown(wanted: ReadonlySet<string>): Promise<boolean> {
    return isFound(await this.#matchOf(await this.#walkOver(this.#sourcesFor(wanted))));
  }

  isAlreadyKnown(wanted: ReadonlySet<string>): boolean | undefined {
    const walk = this.#walkThatCovers(this.#sourcesFor(wanted));
    if (walk?.hasEnded !== true) return undefined;
    const match = this.#decidedMatch(walk.result ?? walk);
    return match === undefined ? undefined : isFound(match);
  }

  async findIn(source: string): Promise<Outcome> {
    const { rules } = this.#search;
    if (!rules.sources.some(({ name }) => name === source))
      throw new Error(`The source "${source}" declares no identity, so it has no customer records.`);
    const outcome = this.foundIn(source);
    if (outcome !== undefined) return outcome;
    const walk = await this.#walkOver(this.#sourcesFor(source));
    await waitFor(walk, (lookup) => lookup.source.name === source);
    return (await this.#matchOf(walk)).outcomeIn(source);
  }

  foundIn(source: string): Outcome | undefined {
    const walk = this.#walkThatCovers(this.#sourcesFor(source));
    if (walk?.hasEnded !== true) return undefined;
    const result = walk.result ?? walk;
    if (result.hasPending) return undefined;
    const match = this.#currentMatch(result);
    refuseErased(match, this.#search.erasures);
    return match.outcomeIn(source);
  }

  async fullMatch(): Promise<Match> {
    const walk = await this.#walkOver(this.#search.rules.sources);
    await waitFor(walk, () => true);
    return this.#matchOf(walk);
  }

  strongestIdentifier(): Identifier | undefined {
    let best: KnownRecord | undefined;
    for (const { result } of this.#walks) {
      if (result === undefined) continue;
      const { kind, records } = this.#currentMatch(result);
      const [first] = records;
      if (kind !== 'identified' || first === undefined) continue;
      if (best === undefined || byRank(first, best) < 0) best = first;
    }
    return best?.recordId;
  }

  /** Starts a walk over the sources, unless one has started that covers them. Throws if the start identifier is erased. */
  begin(sources: readonly IdentifyingSource[]): Walk {
    const { erasures, walker } = this.#search;
    let walk = this.#walkThatCovers(sources);
    if (walk === undefined) {
      if (!erasures.isEmpty && erasures.has(this.start)) throw new ErasedError();
      this.#walks.push((walk = walker.start(this.start, sources)));
    }
    return walk;
  }

  #sourcesFor(wanted: ReadonlySet<string> | string): readonly IdentifyingSource[] {
    return relevantSources(this.#search.rules, wanted, this.start.namespace);
  }

  #walkThatCovers(sources: readonly IdentifyingSource[]): Walk | undefined {
    return this.#walks.find(
      ({ relevant }) => relevant === sources || sources.every((source) => relevant.includes(source)),
    );
  }

  async #walkOver(sources: readonly IdentifyingSource[]): Promise<Walk> {
    const { erasures } = this.#search;
    const loading = erasures.loading();
    if (loading !== undefined) await loading;
    const walk = this.begin(sources);
    if (!walk.hasEnded) await Changing.until([walk], () => walk.hasEnded);
    return walk.result ?? walk;
  }

  /**
   * The match of a walk. While it is "unknown", waits for the pending lookups. Throws an ErasedError if the customer is
   * erased.
   */
  async #matchOf(walk: Walk): Promise<WalkMatch> {
    let match = this.#decidedMatch(walk);
    if (match === undefined)
      await Changing.until(walk.lookups, () => (match = this.#decidedMatch(walk)) !== undefined);
    return match ?? this.#currentMatch(walk);
  }

  /** The match of a walk; undefined while it is "unknown" and lookups are pending. */
  #decidedMatch(walk: Walk): WalkMatch | undefined {
    const match = this.#currentMatch(walk);
    if (match.kind === 'unknown' && walk.hasPending) return undefined;
    refuseErased(match, this.#search.erasures);
    return match;
  }

  #currentMatch(walk: Walk): WalkMatch {
    walk.takeAnswers();
    return (walk.match ??= new WalkMatch(walk, this.#search.rules));
  }
}

/** Waits until these lookups of an ended walk are answered. */
async function waitFor(walk: Walk, isNeeded: (lookup: Lookup) => boolean): Promise<void> {
  const pending = walk.lookups.filter((lookup) => isNeeded(lookup) && lookup.isPending);
  if (pending.length > 0) await Changing.until(pending, () => !pending.some(({ isPending }) => isPending));
}

/** Whether the match is a customer. Throws if it may be several, or if it is none because a source failed. */
function isFound(match: Match): boolean {
  if (match.kind === 'ambiguous') throw new AmbiguousIdentityError(match.severalIn, match.candidates);
  if (match.kind === 'identified') return true;
  // "Unknown" requires the answer of every system, so a failure is reported as its error.
  const [reason] = match.failed.values();
  if (reason !== undefined) throw reason;
  return false;
}
