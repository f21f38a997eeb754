import { compareIdentifiers, isSame, type Identifier } from './identifiers.js';
import {
  heldIn,
  addTo,
  mayLink,
  textOf,
  vouchRuleOf,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
} from './matching.js';
import type { Step, Walk } from './walk.js';

/** The state in which a walk continues after a round, or null if no further lookup is useful. */
export function nextRound(walk: Walk, rules: IdentityRules): Step['next'] {
  if (walk.round === 0 && walk.sources !== rules.sources && !isSettled(walk, rules))
    return { sources: rules.sources, round: 0, frontier: walk.frontier };
  // Without lookups the round has found nothing new.
  if (walk.round > 0 && walk.lookups.length === walk.lookupsBefore) return null;
  const round = walk.round + 1;
  const frontier = nextFrontier(walk, rules);
  if (frontier.length === 0) return null;
  if (round < rules.limits.maxHops) return { sources: walk.sources, round, frontier };
  if (frontier.some((identifier) => walk.sources.some((source) => leadsTo(walk, source, identifier))))
    walk.reachLimit('HOPS');
  return null;
}

/** Whether a lookup of the identifier in the source may return a record that the walk does not have. */
export function leadsTo(walk: Walk, source: IdentifyingSource, identifier: Identifier): boolean {
  const uniqueness = source.identity.foundBy[identifier.namespace]?.uniqueness;
  return (
    uniqueness !== undefined &&
    uniqueness !== 'none' &&
    !(uniqueness === 'enforced' && holdsIdentifier(walk, source, identifier))
  );
}

function holdsIdentifier({ records }: Walk, source: IdentifyingSource, identifier: Identifier): boolean {
  return records.some(
    (record) =>
      record.source === source &&
      (isSame(record.recordId, identifier) || heldIn(record, identifier) !== undefined),
  );
}

/** Whether the skipped sources can only add records that hold the start identifier, and lead no further. */
function isSettled(walk: Walk, rules: IdentityRules): boolean {
  const { start, lookups } = walk;
  const records = walk.recordsOfStart();
  if (records.length === 0 || !mayLink(start, rules)) return false;
  return records.every(
    (record) =>
      isSame(record.recordId, start) ||
      vouchRuleOf(record, heldIn(record, start) ?? { identifier: start, verified: false }, lookups) !== null,
  );
}

/** The identifiers for the next round: those of the records that are connected with the start of the walk. */
function nextFrontier(walk: Walk, rules: IdentityRules): Identifier[] {
  const { limits } = rules;
  const candidates: { identifier: Identifier; rank: number }[] = [];
  for (const record of connectedRecords(walk, rules)) {
    const { recordId, rank } = record;
    if (!walk.isKnown(recordId)) candidates.push({ identifier: recordId, rank });
    // The record vouches for these, or may vouch for them once its own source has answered.
    for (const held of record.heldIdentifiers)
      if (
        !walk.isKnown(held.identifier) &&
        mayLink(held.identifier, rules) &&
        vouchRuleOf(record, held, walk.lookups) !== null
      )
        candidates.push({ identifier: held.identifier, rank });
  }
  if (candidates.length > 1)
    candidates.sort((a, b) => a.rank - b.rank || compareIdentifiers(a.identifier, b.identifier));
  const next: Identifier[] = [];
  for (const { identifier } of candidates) {
    if (walk.isKnown(identifier)) continue;
    const alike = walk.known.filter(({ namespace }) => namespace === identifier.namespace);
    if (alike.length >= limits.maxValuesPerNamespace) walk.reachLimit('VALUES_PER_NAMESPACE');
    else if (walk.known.length >= limits.maxIdentifiers) walk.reachLimit('IDENTIFIERS');
    else {
      walk.known.push(identifier);
      next.push(identifier);
    }
  }
  return next;
}

/**
 * The records that links connect with the start. Links that are refused because of a conflict count too: a walk that
 * starts at their other end finds those records, and all walks must see the same records.
 */
function connectedRecords(walk: Walk, rules: IdentityRules): readonly KnownRecord[] {
  const first = walk.recordsOfStart();
  if (first.length === walk.records.length) return first;
  const [linked, links] = [new Map<string, KnownRecord[]>(), new Map<string, string[]>()];
  for (const { record, identifier } of walk.linksOf(rules)) {
    const text = textOf(identifier);
    addTo(linked, text, record);
    addTo(links, record.key, text);
  }
  const connected = new Map(first.map((record) => [record.key, record]));
  // The loop also visits the records that it adds.
  for (const key of connected.keys())
    for (const text of links.get(key) ?? []) {
      for (const record of linked.get(text) ?? [])
        if (!connected.has(record.key)) connected.set(record.key, record);
      linked.delete(text);
    }
  return [...connected.values()];
}
