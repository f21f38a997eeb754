import type { GatewayError } from '../errors.js';
import type { CustomerRecord } from './declaration.js';
import type { Identifier } from './identifiers.js';
import { textOf, type IdentifyingSource, type KnownRecord, type Limit } from './matching.js';

/** A query of one source by one identifier; at most one per request. */
export interface Lookup {
  source: IdentifyingSource;
  identifier: Identifier;
  /** The list that the loader returned: the same object while it is cached. */
  loaded?: readonly CustomerRecord[];
  answer?: readonly KnownRecord[];
  error?: GatewayError;
  /** Resolves also when the source fails. Rejects only because of a defect in the gateway. */
  done: Promise<void>;
}

/** A walk: the round-by-round search for a customer's records, from one identifier over the relevant sources. */
export interface Walk {
  /** The start identifier and the sources at the start, as text. */
  key: string;
  start: Identifier;
  sources: readonly IdentifyingSource[];
  round: number;
  /** Identifiers that sources have been queried by, or are now. */
  known: Map<string, Identifier>;
  frontier: readonly Identifier[];
  lookups: Set<Lookup>;
  records: Map<string, KnownRecord>;
  limitsReached: Set<Limit>;
  /** The lookups of each round and the state that followed. */
  steps: Step[];
}

export interface Step {
  lookups: readonly Lookup[];
  /** Null if the walk ended after this round. */
  next: Pick<Walk, 'sources' | 'round' | 'frontier'> | null;
}

export function startWalk(start: Identifier, sources: readonly IdentifyingSource[]): Walk {
  const text = textOf(start);
  return {
    key: `${text} ${sources.map(({ name }) => name).join(' ')}`,
    start,
    sources,
    round: 0,
    known: new Map([[text, start]]),
    frontier: [start],
    lookups: new Set(),
    records: new Map(),
    limitsReached: new Set(),
    steps: [],
  };
}

/** The records that the systems return for the start identifier. */
export function recordsOfStart({ start, lookups }: Walk): KnownRecord[] {
  const text = textOf(start);
  const records = new Map<string, KnownRecord>();
  for (const { identifier, answer = [] } of lookups)
    if (textOf(identifier) === text) for (const one of answer) records.set(one.key, one);
  return [...records.values()];
}

/** Returns the identifiers by which a record was found. */
export function foundByOf({ lookups }: Walk): (record: KnownRecord) => readonly Identifier[] {
  const found = new Map<string, Identifier[]>();
  for (const { identifier, answer = [] } of lookups)
    for (const { key } of answer) found.set(key, [...(found.get(key) ?? []), identifier]);
  return (record) => found.get(record.key) ?? [];
}

/** Adds the records of all lookups that have resolved to the walk. */
export function takeRecords({ lookups, records }: Walk): void {
  for (const { answer = [] } of lookups) for (const one of answer) records.set(one.key, one);
}

export function isPending({ answer, error }: Lookup): boolean {
  return answer === undefined && error === undefined;
}
