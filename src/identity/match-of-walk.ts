import { AmbiguousIdentityError } from '../errors.js';
import type { Match, MatchConflict, Outcome } from './identity-graph.js';
import type { Identifier } from './identifiers.js';
import {
  countCustomers,
  textOf,
  type Conflict,
  type IdentityRules,
  type KnownRecord,
  type Matching,
} from './matching.js';
import { recordsOfStart, type Walk } from './walk.js';
import { mayLeadTo } from './relevant-sources.js';

/** Which customer the start identifier of a walk means, according to the records that the walk has found. */
export function matchOf(walk: Walk, matching: Matching): Match {
  const { start } = walk;
  const lookups = [...walk.lookups];
  const startLookups = lookups.filter(({ identifier }) => textOf(identifier) === textOf(start));
  const several = Math.max(0, ...startLookups.map(({ answer = [] }) => countCustomers(answer)));
  const customers = [...new Set(recordsOfStart(walk).map((record) => matching.customerOf(record)))];
  const candidates = several > 1 ? several : customers.length;
  const records = customers.flat().sort(byPlace);
  const ofCustomer = new Set(records);
  const links = matching.links.filter(({ record }) => ofCustomer.has(record));
  const identifiers = [start, ...links.map(({ identifier }) => identifier)];
  return {
    kind: candidates === 0 ? 'unknown' : candidates === 1 ? 'identified' : 'ambiguous',
    candidates,
    severalIn:
      several > 1
        ? startLookups.find(({ answer = [] }) => countCustomers(answer) > 1)?.source.name
        : undefined,
    records,
    links,
    findings: lookups.flatMap(({ source, identifier, answer = [] }) =>
      answer
        .filter((record) => ofCustomer.has(record))
        .map((record) => ({ source: source.name, identifier, record })),
    ),
    conflicts: conflictsOf(matching.conflicts, ofCustomer, identifiers),
    limitsReached: walk.limitsReached,
    failed: new Map(
      lookups.flatMap(({ source, error }) => (error === undefined ? [] : [[source.name, error]])),
    ),
    queriedSources: new Set(lookups.map(({ source }) => source.name)),
  };
}

/** What the named source knows about the customer. */
export function outcomeOf(walk: Walk, match: Match, name: string, { sources }: IdentityRules): Outcome {
  if (match.kind === 'ambiguous')
    return { kind: 'failed', error: new AmbiguousIdentityError(match.severalIn, match.candidates) };
  const records = match.records.filter(({ source }) => source.name === name);
  if (records.length > 0)
    return { kind: 'found', records: records.sort(byLastChange).map(({ record }) => record) };
  const lookups = [...walk.lookups].filter(({ source }) => source.name === name);
  const error = lookups.find((lookup) => lookup.error !== undefined)?.error;
  if (error !== undefined) return { kind: 'failed', error };
  const several = Math.max(0, ...lookups.map(({ answer = [] }) => countCustomers(answer)));
  if (several > 1) return { kind: 'failed', error: new AmbiguousIdentityError(name, several) };
  const source = sources.find((one) => one.name === name);
  const conflict = match.conflicts.find(({ namespace }) => namespace === source?.identity.recordKey);
  if (conflict !== undefined)
    return { kind: 'failed', error: new AmbiguousIdentityError(name, conflict.values.length) };
  if (lookups.length > 0) return { kind: 'unknown' };
  // No known identifier finds records in this source. The reason may be a failed source that holds such an identifier.
  const reason = [...match.failed].find(([failed]) => mayLeadTo(sources, failed, name));
  return reason === undefined ? { kind: 'unknown' } : { kind: 'failed', error: reason[1] };
}

/** The conflicts of the customer's records and identifiers, without duplicates, in an order independent of timing. */
function conflictsOf(
  conflicts: readonly Conflict[],
  ofCustomer: ReadonlySet<KnownRecord>,
  identifiers: readonly Identifier[],
): MatchConflict[] {
  const texts = new Set(identifiers.map(textOf));
  const found = new Map<string, MatchConflict>();
  for (const { link, namespace, values } of conflicts) {
    const over = link.identifier;
    if (ofCustomer.has(link.record) || texts.has(textOf(over)))
      found.set(`${namespace} ${values.join(' ')} ${textOf(over)}`, { namespace, values, over });
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, conflict]) => conflict);
}

/** Sorts by source rank, then by record id. The order does not depend on which source answered first. */
export function byPlace(one: KnownRecord, other: KnownRecord): number {
  return one.rank - other.rank || (one.recordId.value < other.recordId.value ? -1 : 1);
}

/** Sorts the record that its system changed last first: its value counts if a field holds one value. */
function byLastChange(one: KnownRecord, other: KnownRecord): number {
  const [a, b] = [one, other].map(({ record }) => Date.parse(record.profile?.updatedAt ?? '') || 0) as [
    number,
    number,
  ];
  if (a !== b) return b - a;
  return one.recordId.value < other.recordId.value ? -1 : 1;
}
