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

/** The match of a walk, valid until another lookup resolves. */
const matches = fieldWeakMap<Walk, { answers: number; match: Match }>();

/** A walk over some of the sources. `walked` is set when it is finished. */
interface WalkOverSources {
  sources: readonly IdentifyingSource[];
  walk: Promise<Walk>;
  walked?: Walk;
}

/** One customer's identity in a request, found by walks from one identifier. */
export class WalkedIdentity implements Identity {
  readonly start: Identifier;
  readonly #rules: IdentityRules;
  readonly #walker: Walker;
  readonly #erasures: Erasures;
  readonly #walks: WalkOverSources[] = [];
  /** Finished walks, in order of completion. */
  readonly #finished: Walk[] = [];
  /** The result for each source, pending or resolved. */
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
    // "Unknown" requires the answer of every system, so a failure is reported as its error.
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
    const match = this.#currentMatch(walk);
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
      const { kind, records } = this.#currentMatch(walk);
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
    return this.#walks.find((walk) => sources.every((source) => walk.sources.includes(source)));
  }

  #walkOver(sources: readonly IdentifyingSource[]): Promise<Walk> {
    const known = this.#walkThatCovers(sources);
    if (known !== undefined) return known.walk;
    const loading = this.#erasures.loading();
    const walk = loading === undefined ? this.#begin(sources) : loading.then(() => this.#begin(sources));
    const entry: WalkOverSources = { sources, walk };
    walk.then(
      (walked) => {
        entry.walked = walked;
        this.#finished.push(walked);
      },
      () => undefined,
    );
    this.#walks.push(entry);
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
        throw new Error(`The source "${name}" declares no identity, so it has no customer records.`);
      const walk = await this.#walkOver(this.#sourcesFor(new Set([name])));
      await Promise.all(
        [...walk.lookups].filter(({ source }) => source.name === name).map(({ done }) => done),
      );
      const match = await this.#matchOf(walk);
      isLast = ![...walk.lookups].some(isPending);
      return { outcome: outcomeOf(walk, match, name, this.#rules), match };
    } finally {
      // A pending lookup may change the result, so it is not reused.
      if (!isLast) this.#findings.delete(name);
    }
  }

  /**
   * The match of a walk. While it is "unknown", waits for the pending lookups. Throws an ErasedError if the customer is
   * erased.
   */
  async #matchOf(walk: Walk): Promise<Match> {
    let match = this.#currentMatch(walk);
    while (match.kind === 'unknown' && [...walk.lookups].some(isPending)) {
      await Promise.race([...walk.lookups].filter(isPending).map(({ done }) => done));
      match = this.#currentMatch(walk);
    }
    refuseErased(match, this.#erasures);
    return match;
  }

  #currentMatch(walk: Walk): Match {
    let answers = 0;
    for (const lookup of walk.lookups) if (!isPending(lookup)) answers += 1;
    let last = matches.get(walk);
    if (last?.answers !== answers) {
      takeRecords(walk);
      matches.set(walk, (last = { answers, match: matchOf(walk, this.#walker.match(walk)) }));
    }
    return last.match;
  }
}
