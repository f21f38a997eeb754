import type { Lookups } from './lookups.js';
import type { Identifier } from './identifiers.js';
import {
  linksOfRecord,
  textOf,
  vouchRuleOf,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
} from './matching.js';
import { foundByOf, recordsOfStart, type Lookup, type Step, type Walk } from './walk.js';

/** The state in which a walk continues after a round, or null if no further lookup is useful. */
export function nextRound(
  walk: Walk,
  newLookups: readonly Lookup[],
  rules: IdentityRules,
  lookups: Lookups,
): Step['next'] {
  if (walk.round === 0 && walk.sources !== rules.sources && !isSettled(walk, rules, lookups))
    return { sources: rules.sources, round: 0, frontier: walk.frontier };
  // Without lookups the round has found nothing new.
  if (walk.round > 0 && newLookups.length === 0) return null;
  const round = walk.round + 1;
  const frontier = nextFrontier(walk, rules, lookups);
  if (frontier.length === 0) return null;
  if (round < rules.limits.maxHops) return { sources: walk.sources, round, frontier };
  const isCut = frontier.some((identifier) =>
    walk.sources.some((source) => leadsTo(walk, source, identifier) && !lookups.has(source, identifier)),
  );
  if (isCut) walk.limitsReached.add('HOPS');
  return null;
}

/** Whether a lookup of the identifier in the source may return a record that the walk does not have. */
export function leadsTo(walk: Walk, source: IdentifyingSource, identifier: Identifier): boolean {
  const uniqueness = source.identity.foundBy[identifier.namespace]?.uniqueness;
  return (
    uniqueness !== undefined &&
    uniqueness !== 'none' &&
    !(uniqueness === 'enforced' && holdsIdentifier(walk, source, textOf(identifier)))
  );
}

function holdsIdentifier({ records }: Walk, source: IdentifyingSource, text: string): boolean {
  for (const record of records.values())
    if (record.source === source && (textOf(record.recordId) === text || record.heldIdentifiers.has(text)))
      return true;
  return false;
}

/** Whether the skipped sources can only add records that hold the start identifier, and lead no further. */
function isSettled(walk: Walk, { namespaces }: IdentityRules, { answerOf }: Lookups): boolean {
  const { start } = walk;
  const records = recordsOfStart(walk);
  if (records.length === 0 || namespaces.get(start.namespace)?.mayLink?.(start.value) === false) return false;
  const text = textOf(start);
  return records.every((record) => {
    if (textOf(record.recordId) === text) return true;
    const held = record.heldIdentifiers.get(text) ?? { identifier: start, verified: false };
    return vouchRuleOf(record, held, answerOf) !== null;
  });
}

/** The identifiers for the next round: those of the records that are connected with the start of the walk. */
function nextFrontier(walk: Walk, rules: IdentityRules, lookups: Lookups): Identifier[] {
  const { limits } = rules;
  const candidates: { identifier: Identifier; text: string; rank: number }[] = [];
  for (const record of connectedRecords(walk, rules, lookups)) {
    for (const identifier of [record.recordId, ...vouchedIdentifiersOf(record, rules, lookups)]) {
      const text = textOf(identifier);
      if (!walk.known.has(text)) candidates.push({ identifier, text, rank: record.rank });
    }
  }
  candidates.sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  const next: Identifier[] = [];
  for (const { identifier, text } of candidates) {
    if (walk.known.has(text)) continue;
    const alike = [...walk.known.values()].filter((one) => one.namespace === identifier.namespace);
    if (alike.length >= limits.maxValuesPerNamespace) walk.limitsReached.add('VALUES_PER_NAMESPACE');
    else if (walk.known.size >= limits.maxIdentifiers) walk.limitsReached.add('IDENTIFIERS');
    else {
      walk.known.set(text, identifier);
      next.push(identifier);
    }
  }
  return next;
}

/** The identifiers that a record vouches for, or may vouch for once its own source has answered. */
function vouchedIdentifiersOf(
  record: KnownRecord,
  { namespaces }: IdentityRules,
  { answerOf }: Lookups,
): Identifier[] {
  return [...record.heldIdentifiers.values()]
    .filter(({ identifier }) => namespaces.get(identifier.namespace)?.mayLink?.(identifier.value) !== false)
    .filter((held) => vouchRuleOf(record, held, answerOf) !== null)
    .map(({ identifier }) => identifier);
}

/**
 * The records that links connect with the start. Links that are refused because of a conflict count too: a walk that
 * starts at their other end finds those records, and all walks must see the same records.
 */
function connectedRecords(walk: Walk, { namespaces }: IdentityRules, { answerOf }: Lookups): KnownRecord[] {
  const first = recordsOfStart(walk);
  if (first.length === walk.records.size) return first;
  const foundBy = foundByOf(walk);
  const seen = new Map(first.map((record) => [record.key, record]));
  const all = [...walk.records.values()].map((record) => ({
    record,
    texts: linksOfRecord(record, foundBy(record), answerOf, namespaces).map(({ identifier }) =>
      textOf(identifier),
    ),
  }));
  const texts = new Set(all.filter(({ record }) => seen.has(record.key)).flatMap((one) => one.texts));
  for (let size = -1; size !== seen.size;) {
    size = seen.size;
    for (const one of all) {
      if (seen.has(one.record.key) || !one.texts.some((text) => texts.has(text))) continue;
      seen.set(one.record.key, one.record);
      for (const text of one.texts) texts.add(text);
    }
  }
  return [...seen.values()];
}
