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

/** Whom the start of a walk means, by the records that the walk has found. */
export function matchOf(walk: Walk, matching: Matching): Match {
  const { start } = walk;
  const asks = [...walk.lookups];
  const answersToStart = asks.filter(({ identifier }) => textOf(identifier) === textOf(start));
  const several = Math.max(0, ...answersToStart.map(({ answer = [] }) => countCustomers(answer)));
  const customers = [...new Set(recordsOfStart(walk).map((record) => matching.customerOf(record)))];
  const candidates = several > 1 ? several : customers.length;
  const records = customers.flat().sort(byPlace);
  const own = new Set(records);
  const links = matching.links.filter(({ record }) => own.has(record));
  const identifiers = [start, ...links.map(({ identifier }) => identifier)];
  return {
    kind: candidates === 0 ? 'unknown' : candidates === 1 ? 'identified' : 'ambiguous',
    candidates,
    severalIn:
      several > 1
        ? answersToStart.find(({ answer = [] }) => countCustomers(answer) > 1)?.source.name
        : undefined,
    records,
    links,
    findings: asks.flatMap(({ source, identifier, answer = [] }) =>
      answer
        .filter((record) => own.has(record))
        .map((record) => ({ source: source.name, identifier, record })),
    ),
    conflicts: conflictsOf(matching.conflicts, own, identifiers),
    limitsReached: walk.limitsReached,
    failed: new Map(asks.flatMap(({ source, error }) => (error === undefined ? [] : [[source.name, error]]))),
    queriedSources: new Set(asks.map(({ source }) => source.name)),
  };
}

/** What the source of that name knows of the customer. */
export function outcomeOf(walk: Walk, match: Match, name: string, { sources }: IdentityRules): Outcome {
  if (match.kind === 'ambiguous')
    return { kind: 'failed', error: new AmbiguousIdentityError(match.severalIn, match.candidates) };
  const own = match.records.filter(({ source }) => source.name === name);
  if (own.length > 0) return { kind: 'found', records: own.sort(byLastChange).map(({ record }) => record) };
  const asked = [...walk.lookups].filter(({ source }) => source.name === name);
  const error = asked.find((one) => one.error !== undefined)?.error;
  if (error !== undefined) return { kind: 'failed', error };
  const several = Math.max(0, ...asked.map(({ answer = [] }) => countCustomers(answer)));
  if (several > 1) return { kind: 'failed', error: new AmbiguousIdentityError(name, several) };
  const source = sources.find((one) => one.name === name);
  const conflict = match.conflicts.find(({ namespace }) => namespace === source?.identity.recordKey);
  if (conflict !== undefined)
    return { kind: 'failed', error: new AmbiguousIdentityError(name, conflict.values.length) };
  if (asked.length > 0) return { kind: 'unknown' };
  // It could not be asked at all. If a system that might have an identifier to ask it by is down, that is the reason.
  const reason = [...match.failed].find(([failed]) => mayLeadTo(sources, failed, name));
  return reason === undefined ? { kind: 'unknown' } : { kind: 'failed', error: reason[1] };
}

/** Those that touch the customer, each once, in an order that does not depend on who answered first. */
function conflictsOf(
  conflicts: readonly Conflict[],
  own: ReadonlySet<KnownRecord>,
  identifiers: readonly Identifier[],
): MatchConflict[] {
  const texts = new Set(identifiers.map(textOf));
  const found = new Map<string, MatchConflict>();
  for (const { link, namespace, values } of conflicts) {
    const over = link.identifier;
    if (own.has(link.record) || texts.has(textOf(over)))
      found.set(`${namespace} ${values.join(' ')} ${textOf(over)}`, { namespace, values, over });
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, conflict]) => conflict);
}

/** In the order of the systems, then of ids: who answered first does not matter. */
export function byPlace(one: KnownRecord, other: KnownRecord): number {
  return one.rank - other.rank || (one.recordId.value < other.recordId.value ? -1 : 1);
}

/** Whose values count where there is room for one: the record that its system changed last. */
function byLastChange(one: KnownRecord, other: KnownRecord): number {
  const [a, b] = [one, other].map(({ record }) => Date.parse(record.profile?.updatedAt ?? '') || 0) as [
    number,
    number,
  ];
  if (a !== b) return b - a;
  return one.recordId.value < other.recordId.value ? -1 : 1;
}
