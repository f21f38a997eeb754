import type { GatewayError } from '../errors.js';
import type { CustomerRecord } from './declaration.js';
import { Changing } from './changes.js';
import { isSame, type Identifier } from './identifiers.js';
import type { WalkMatch } from './match-of-walk.js';
import {
  groupByCustomer,
  groupsWith,
  linksOfRecord,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
  type Limit,
  type Link,
} from './matching.js';

/** A query of one source by one identifier; at most one per request. */
export class Lookup extends Changing {
  readonly source: IdentifyingSource;
  readonly identifier: Identifier;
  /** The list that the loader returned: the same object while it is cached. */
  loaded: readonly CustomerRecord[] | undefined = undefined;
  answer: readonly KnownRecord[] | undefined = undefined;
  error: GatewayError | undefined = undefined;
  /** A defect in the gateway. Everything that needs the answer rejects with it. */
  defect: Error | undefined = undefined;
  #byCustomer: readonly (readonly KnownRecord[])[] | undefined = undefined;
  #keys: ReadonlySet<string> | undefined = undefined;

  constructor(source: IdentifyingSource, identifier: Identifier) {
    super();
    this.source = source;
    this.identifier = identifier;
  }

  /** Whether the source has not answered yet. Throws the defect, if there is one. */
  get isPending(): boolean {
    if (this.defect !== undefined) throw this.defect;
    return this.answer === undefined && this.error === undefined;
  }

  /** How many customers the records in the answer are. */
  get customers(): number {
    const { answer = [] } = this;
    return answer.length < 2 ? answer.length : this.#groups.length;
  }

  /** Whether the answer contains the record. */
  has({ key }: KnownRecord): boolean {
    if (this.answer === undefined) return false;
    return (this.#keys ??= new Set(this.answer.map((record) => record.key))).has(key);
  }

  /** How many customers a record and the records in the answer are. */
  customersWith(record: KnownRecord): number {
    if (this.answer?.every(({ key }) => key === record.key) !== false) return 1;
    const groups = this.#groups;
    return groups.length + (this.has(record) ? 0 : 1 - groupsWith(record, groups).length);
  }

  get #groups(): readonly (readonly KnownRecord[])[] {
    return (this.#byCustomer ??= groupByCustomer(this.answer ?? []));
  }
}

/**
 * A walk: the round-by-round search for a customer's records, from one identifier over the relevant sources. Its identifiers
 * and lookups are few, so it searches them one by one. Its records may be thousands.
 */
export class Walk extends Changing {
  readonly start: Identifier;
  /** The sources at the start. `sources` are those of the current round. */
  readonly relevant: readonly IdentifyingSource[];
  sources: readonly IdentifyingSource[];
  round = 0;
  /** Identifiers that sources have been queried by, or are now. */
  readonly known: Identifier[];
  frontier: readonly Identifier[];
  /** In the order of the rounds. */
  readonly lookups: Lookup[] = [];
  /** The number of lookups before the current round. */
  lookupsBefore = 0;
  /** The records of all lookups that have an answer. */
  records: readonly KnownRecord[] = [];
  limitsReached: ReadonlySet<Limit> = NONE;
  /** The state after each round. */
  readonly steps: Step[] = [];
  /** Set when the walk has ended: itself, or an earlier walk with the same answers. */
  result: Walk | undefined = undefined;
  /** The defect that has ended the walk. */
  failure: { error: unknown } | undefined = undefined;
  /** The match of the answers read until now; undefined until it is computed. */
  match: WalkMatch | undefined = undefined;
  /** The number of lookups that have been answered, with records or an error. */
  #answers = -1;
  #links: readonly Link[] | undefined = undefined;

  constructor(start: Identifier, relevant: readonly IdentifyingSource[]) {
    super();
    this.start = start;
    this.relevant = relevant;
    this.sources = relevant;
    this.known = [start];
    this.frontier = [start];
  }

  /** Whether the walk has ended. Throws its defect, if there is one. */
  get hasEnded(): boolean {
    if (this.failure !== undefined) throw this.failure.error;
    return this.result !== undefined;
  }

  get hasPending(): boolean {
    return this.lookups.some((lookup) => lookup.isPending);
  }

  isKnown(identifier: Identifier): boolean {
    return this.known.some((known) => isSame(known, identifier));
  }

  reachLimit(limit: Limit): void {
    this.limitsReached = new Set([...this.limitsReached, limit]);
  }

  /** Whether a system has returned a record for the start identifier. */
  get hasRecordOfStart(): boolean {
    return this.lookups.some(
      ({ identifier, answer = [] }) => answer.length > 0 && isSame(identifier, this.start),
    );
  }

  /** The records that the systems return for the start identifier. */
  recordsOfStart(): readonly KnownRecord[] {
    return recordsIn(this.lookups, this.start);
  }

  /** The links of all records. */
  linksOf(rules: IdentityRules): readonly Link[] {
    return (this.#links ??= this.records.flatMap((record) => linksOfRecord(record, this.lookups, rules)));
  }

  /** Reads the answers that have come since the last time. */
  takeAnswers(): void {
    let answers = 0;
    for (const lookup of this.lookups) if (!lookup.isPending) answers += 1;
    if (answers === this.#answers) return;
    this.#answers = answers;
    this.records = recordsIn(this.lookups);
    this.match = undefined;
    this.#links = undefined;
  }
}

const NONE: ReadonlySet<Limit> = new Set();

export interface Step {
  /** The number of lookups of this round and all before it. */
  lookups: number;
  /** Null if the walk ended after this round. */
  next: Pick<Walk, 'sources' | 'round' | 'frontier'> | null;
}

/** The records in the answers, one for each key: all of them, or those for one identifier. */
function recordsIn(lookups: readonly Lookup[], identifier?: Identifier): readonly KnownRecord[] {
  const [first, second] = lookups;
  // Most walks have one lookup, of the start identifier, with at most one record.
  if (second === undefined && (first?.answer?.length ?? 0) < 2) return first?.answer ?? [];
  const records = new Map<string, KnownRecord>();
  for (const lookup of lookups) {
    if (lookup.answer === undefined) continue;
    if (identifier !== undefined && !isSame(lookup.identifier, identifier)) continue;
    for (const record of lookup.answer) records.set(record.key, record);
  }
  return [...records.values()];
}
