import { AmbiguousIdentityError, type GatewayError } from '../errors.js';
import type { Finding, Match, MatchConflict, Outcome } from './identity-graph.js';
import { isSame, type Identifier } from './identifiers.js';
import {
  match,
  textOf,
  type Conflict,
  type IdentityRules,
  type KnownRecord,
  type Limit,
  type Link,
  type Matching,
} from './matching.js';
import { mayLeadTo } from './relevant-sources.js';
import type { Walk } from './walk.js';

/**
 * Which customer the start identifier of a walk means, according to the records that the walk has found. The evidence is
 * computed when it is needed: most requests need the records only.
 */
export class WalkMatch implements Match {
  readonly kind: Match['kind'];
  readonly candidates: number;
  readonly severalIn: string | undefined;
  readonly records: readonly KnownRecord[];
  readonly #walk: Walk;
  readonly #rules: IdentityRules;
  readonly #matching: Matching;
  readonly #outcomes: { source: string; outcome: Outcome }[] = [];

  constructor(walk: Walk, rules: IdentityRules) {
    this.#walk = walk;
    this.#rules = rules;
    let several = 1;
    for (const { source, identifier, customers } of walk.lookups) {
      if (!isSame(identifier, walk.start)) continue;
      if (customers > 1) this.severalIn ??= source.name;
      several = Math.max(several, customers);
    }
    const { records } = walk;
    this.#matching = match(walk, rules);
    if (records.length < 2) {
      this.candidates = records.length;
      this.records = records;
    } else {
      const { groups } = this.#matching;
      const starts = new Set(walk.recordsOfStart().map(({ key }) => key));
      const customers = new Set(groups.filter((_, place) => starts.has(records[place]?.key ?? '')));
      this.candidates = several > 1 ? several : customers.size;
      this.records = records.filter((_, place) => customers.has(groups[place] ?? -1)).sort(byRank);
    }
    this.kind = this.candidates === 0 ? 'unknown' : this.candidates === 1 ? 'identified' : 'ambiguous';
  }

  get links(): readonly Link[] {
    const records = new Set(this.records);
    const refused = new Set(this.#matching.conflicts.map(({ link }) => link));
    return this.#walk.linksOf(this.#rules).filter((link) => records.has(link.record) && !refused.has(link));
  }

  get findings(): readonly Finding[] {
    const keys = new Set(this.records.map(({ key }) => key));
    return this.#walk.lookups.flatMap(({ source, identifier, answer = [] }) =>
      answer
        .filter(({ key }) => keys.has(key))
        .map((record) => ({ source: source.name, identifier, record })),
    );
  }

  get conflicts(): readonly MatchConflict[] {
    const identifiers = [this.#walk.start, ...this.links.map(({ identifier }) => identifier)];
    return conflictsOf(this.#matching.conflicts, this.records, identifiers);
  }

  get limitsReached(): ReadonlySet<Limit> {
    return this.#walk.limitsReached;
  }

  get failed(): ReadonlyMap<string, GatewayError> {
    return new Map(
      this.#walk.lookups.flatMap(({ source, error }) => (error === undefined ? [] : [[source.name, error]])),
    );
  }

  get queriedSources(): ReadonlySet<string> {
    return new Set(this.#walk.lookups.map(({ source }) => source.name));
  }

  /** What the named source knows about the customer. */
  outcomeIn(name: string): Outcome {
    let known = this.#outcomes.find(({ source }) => source === name);
    if (known === undefined) this.#outcomes.push((known = { source: name, outcome: this.#outcomeIn(name) }));
    return known.outcome;
  }

  #outcomeIn(name: string): Outcome {
    if (this.kind === 'ambiguous')
      return { kind: 'failed', error: new AmbiguousIdentityError(this.severalIn, this.candidates) };
    const records = this.records.filter(({ source }) => source.name === name);
    if (records.length > 0)
      return { kind: 'found', records: records.sort(byLastChange).map(({ record }) => record) };
    const lookups = this.#walk.lookups.filter(({ source }) => source.name === name);
    const error = lookups.find((lookup) => lookup.error !== undefined)?.error;
    if (error !== undefined) return { kind: 'failed', error };
    const several = Math.max(0, ...lookups.map(({ customers }) => customers));
    if (several > 1) return { kind: 'failed', error: new AmbiguousIdentityError(name, several) };
    const { sources } = this.#rules;
    const source = sources.find((candidate) => candidate.name === name);
    const conflict = this.conflicts.find(({ namespace }) => namespace === source?.identity.recordKey);
    if (conflict !== undefined)
      return { kind: 'failed', error: new AmbiguousIdentityError(name, conflict.values.length) };
    if (lookups.length > 0) return { kind: 'unknown' };
    // No known identifier finds records in this source. The reason may be a failed source that holds such an identifier.
    const reason = [...this.failed].find(([failed]) => mayLeadTo(sources, failed, name));
    return reason === undefined ? { kind: 'unknown' } : { kind: 'failed', error: reason[1] };
  }
}

/** The conflicts of the customer's records and identifiers, without duplicates, in an order independent of timing. */
function conflictsOf(
  conflicts: readonly Conflict[],
  ofCustomer: readonly KnownRecord[],
  identifiers: readonly Identifier[],
): MatchConflict[] {
  const texts = new Set(identifiers.map(textOf));
  const records = new Set(ofCustomer);
  const found = new Map<string, MatchConflict>();
  for (const { link, namespace, values } of conflicts) {
    const over = link.identifier;
    if (records.has(link.record) || texts.has(textOf(over)))
      found.set(`${namespace} ${values.join(' ')} ${textOf(over)}`, { namespace, values, over });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, conflict]) => conflict);
}

/** Sorts by source rank, then by record id. The order does not depend on which source answered first. */
export function byRank(a: KnownRecord, b: KnownRecord): number {
  return a.rank - b.rank || (a.recordId.value < b.recordId.value ? -1 : 1);
}

/** Sorts the record that its system changed last first: its value counts if a field holds one value. */
function byLastChange(a: KnownRecord, b: KnownRecord): number {
  return changedMsOf(b) - changedMsOf(a) || (a.recordId.value < b.recordId.value ? -1 : 1);
}

/** When the system changed the record, in ms since 1970. A record without a readable date counts as the oldest: 0. */
function changedMsOf({ record }: KnownRecord): number {
  return Date.parse(record.profile?.updatedAt ?? '') || 0;
}
