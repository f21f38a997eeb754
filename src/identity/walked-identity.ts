import { AmbiguousIdentityError, ErasedError } from '../errors.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import { refuseErased, type Erasures } from './erasures.js';
import type { Identity, Match, Outcome } from './identity-graph.js';
import type { Identifier } from './identifiers.js';
import type { IdentifyingSource, IdentityRules, KnownRecord } from './matching.js';
import { byPlace, matchOf, outcomeOf } from './match-of-walk.js';
import { isPending, takeRecords, type Walk } from './walk.js';
import type { Walker } from './walker.js';
import { relevantSources } from './relevant-sources.js';

/** The match of a walk, for as long as no further answer has come in. */
const matches = fieldWeakMap<Walk, { answers: number; match: Match }>();

/** A walk over some of the sources; `walked` once it is finished. */
interface WalkOverSources {
  sources: readonly IdentifyingSource[];
  walk: Promise<Walk>;
  walked?: Walk;
}

/** What a request has found out of one customer, by walks from one identifier. */
export class WalkedIdentity implements Identity {
  readonly start: Identifier;
  readonly #rules: IdentityRules;
  readonly #walker: Walker;
  readonly #erasures: Erasures;
  readonly #walks: WalkOverSources[] = [];
  /** In the order in which they were finished. */
  readonly #finished: Walk[] = [];
  /** What each source knows, or a promise of it that is still open. */
  readonly #findings = new Map<string, Promise<{ outcome: Outcome; match: Match }>>();

  constructor(start: Identifier, rules: IdentityRules, walker: Walker, erasures: Erasures) {
    this.start = start;
    this.#rules = rules;
    this.#walker = walker;
    this.#erasures = erasures;
  }

  async isKnown(wanted: ReadonlySet<string>): Promise<boolean> {
    const walk = await this.#walkOver(this.#sourcesFor(wanted));
    const match = await this.#matchOf(walk);
    if (match.kind === 'ambiguous') throw new AmbiguousIdentityError(match.severalIn, match.candidates);
    // No system knows the customer, but not all have answered: that is no "unknown".
    const [reason] = match.failed.values();
    if (match.kind === 'unknown' && reason !== undefined) throw reason;
    return match.kind === 'identified';
  }

  async findIn(source: string): Promise<Outcome> {
    let finding = this.#findings.get(source);
    if (finding === undefined) this.#findings.set(source, (finding = this.#findIn(source)));
    const { outcome, match } = await finding;
    refuseErased(match, this.#erasures);
    return outcome;
  }

  foundIn(source: string): Outcome | undefined {
    const walk = this.#walkThatCovers(this.#sourcesFor(new Set([source])))?.walked;
    if (walk === undefined || [...walk.lookups].some(isPending)) return undefined;
    const match = this.#matchSoFar(walk);
    refuseErased(match, this.#erasures);
    return outcomeOf(walk, match, source, this.#rules);
  }

  async fullMatch(): Promise<Match> {
    const walk = await this.#walkOver(this.#rules.sources);
    await Promise.all([...walk.lookups].map(({ done }) => done));
    return this.#matchOf(walk);
  }

  strongestIdentifier(): Identifier | undefined {
    let best: KnownRecord | undefined;
    for (const walk of this.#finished) {
      const { kind, records } = this.#matchSoFar(walk);
      const [first] = records;
      if (kind !== 'identified' || first === undefined) continue;
      if (best === undefined || byPlace(first, best) < 0) best = first;
    }
    return best?.recordId;
  }

  #sourcesFor(wanted: ReadonlySet<string>): readonly IdentifyingSource[] {
    return relevantSources(this.#rules, wanted, this.start.namespace);
  }

  #walkThatCovers(sources: readonly IdentifyingSource[]): WalkOverSources | undefined {
    return this.#walks.find((one) => sources.every((source) => one.sources.includes(source)));
  }

  #walkOver(sources: readonly IdentifyingSource[]): Promise<Walk> {
    const known = this.#walkThatCovers(sources);
    if (known !== undefined) return known.walk;
    const loading = this.#erasures.loading();
    const walk = loading === undefined ? this.#begin(sources) : loading.then(() => this.#begin(sources));
    const own: WalkOverSources = { sources, walk };
    walk.then(
      (walked) => {
        own.walked = walked;
        this.#finished.push(walked);
      },
      () => undefined,
    );
    this.#walks.push(own);
    return walk;
  }

  #begin(sources: readonly IdentifyingSource[]): Promise<Walk> {
    if (!this.#erasures.isEmpty && this.#erasures.has(this.start)) throw new ErasedError();
    return this.#walker.walk(this.start, sources);
  }

  async #findIn(name: string): Promise<{ outcome: Outcome; match: Match }> {
    let isLast = false;
    try {
      if (!this.#rules.sources.some((source) => source.name === name))
        throw new Error(`The source "${name}" holds no customers.`);
      const walk = await this.#walkOver(this.#sourcesFor(new Set([name])));
      await Promise.all(
        [...walk.lookups].filter(({ source }) => source.name === name).map(({ done }) => done),
      );
      const match = await this.#matchOf(walk);
      isLast = ![...walk.lookups].some(isPending);
      return { outcome: outcomeOf(walk, match, name, this.#rules), match };
    } finally {
      // An answer that is still to come may change it.
      if (!isLast) this.#findings.delete(name);
    }
  }

  /** The match, once it is not "unknown" or all systems have answered. Throws an ErasedError of an erased customer. */
  async #matchOf(walk: Walk): Promise<Match> {
    let match = this.#matchSoFar(walk);
    while (match.kind === 'unknown' && [...walk.lookups].some(isPending)) {
      await Promise.race([...walk.lookups].filter(isPending).map(({ done }) => done));
      match = this.#matchSoFar(walk);
    }
    refuseErased(match, this.#erasures);
    return match;
  }

  #matchSoFar(walk: Walk): Match {
    let answers = 0;
    for (const ask of walk.lookups) if (!isPending(ask)) answers += 1;
    let last = matches.get(walk);
    if (last?.answers !== answers) {
      takeRecords(walk);
      matches.set(walk, (last = { answers, match: matchOf(walk, this.#walker.match(walk)) }));
    }
    return last.match;
  }
}
