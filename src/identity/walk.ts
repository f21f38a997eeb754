import type { GatewayError } from '../errors.js';
import type { CustomerRecord } from './declaration.js';
import type { Identifier } from './identifiers.js';
import { textOf, type IdentifyingSource, type KnownRecord, type Limit } from './matching.js';

/** A question to a source, asked once in a request. */
export interface Lookup {
  source: IdentifyingSource;
  identifier: Identifier;
  /** As the loader returned it: the same object for as long as it is cached. */
  loaded?: readonly CustomerRecord[];
  answer?: readonly KnownRecord[];
  error?: GatewayError;
  /** Never rejects, but with a defect. */
  done: Promise<void>;
}

/** The walk from one identifier, over the sources that matter to what is wanted of it. */
export interface Walk {
  /** The identifier and the sources that it began with. */
  key: string;
  start: Identifier;
  sources: readonly IdentifyingSource[];
  round: number;
  /** Identifiers that sources were, or are being, asked by. */
  known: Map<string, Identifier>;
  frontier: readonly Identifier[];
  lookups: Set<Lookup>;
  records: Map<string, KnownRecord>;
  limitsReached: Set<Limit>;
  /** What was asked round by round, and what came of it. */
  steps: Step[];
}

export interface Step {
  lookups: readonly Lookup[];
  /** Null when that was the end. */
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

/** The records that the systems return when asked by the identifier of the request. */
export function recordsOfStart({ start, lookups }: Walk): KnownRecord[] {
  const text = textOf(start);
  const records = new Map<string, KnownRecord>();
  for (const { identifier, answer = [] } of lookups)
    if (textOf(identifier) === text) for (const one of answer) records.set(one.key, one);
  return [...records.values()];
}

/** What the records hold by themselves, and what they were found by. */
export function holdingsOf({ lookups }: Walk): (record: KnownRecord) => readonly Identifier[] {
  const found = new Map<string, Identifier[]>();
  for (const { identifier, answer = [] } of lookups)
    for (const { key } of answer) found.set(key, [...(found.get(key) ?? []), identifier]);
  return (record) => found.get(record.key) ?? [];
}

/** Takes the records of all answers that have come in. */
export function takeRecords({ lookups, records }: Walk): void {
  for (const { answer = [] } of lookups) for (const one of answer) records.set(one.key, one);
}

export function isPending({ answer, error }: Lookup): boolean {
  return answer === undefined && error === undefined;
}
