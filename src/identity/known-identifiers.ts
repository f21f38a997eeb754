import { exclusiveIdentifiers } from './erasures.js';
import type { Identifier } from './identifiers.js';
import type { Identity } from './identity-graph.js';
import { allIdentifiers, textOf, type IdentityRules } from './matching.js';

export interface KnownIdentifiers {
  /** The start identifier and all identifiers of the customer's records. */
  identifiers: readonly Identifier[];
  /** The identifiers that belong to this customer only. If no system knows the customer: the start identifier. */
  exclusive: readonly Identifier[];
  /** The customer's records in the systems. */
  records: readonly { source: string; id: string }[];
  /** How many customers the start identifier may mean. */
  candidates: number;
  /** Systems that failed, or could not be queried because another system failed. */
  failed: readonly string[];
}

/**
 * Loads the identifiers of one customer from every system, so that all cached data of the customer can be dropped. If the
 * start identifier may mean several customers, the identifiers of all of them.
 */
export async function knownIdentifiers(rules: IdentityRules, identity: Identity): Promise<KnownIdentifiers> {
  const match = await identity.fullMatch();
  const { kind, records, failed, candidates } = match;
  const found = new Map([[textOf(identity.start), identity.start]]);
  for (const record of records) {
    found.set(textOf(record.recordId), record.recordId);
    for (const { identifier } of allIdentifiers(record, rules)) found.set(textOf(identifier), identifier);
  }
  const failedSources = new Set(failed.keys());
  for (const { name } of kind === 'ambiguous' ? [] : rules.sources)
    if ((await identity.findIn(name)).kind === 'failed') failedSources.add(name);
  const exclusive = kind === 'unknown' ? [identity.start] : exclusiveIdentifiers(match);
  return {
    identifiers: [...found.values()],
    exclusive: [...new Map(exclusive.map((identifier) => [textOf(identifier), identifier])).values()],
    records: records.map(({ source, record }) => ({ source: source.name, id: record.id })),
    candidates,
    failed: [...failedSources],
  };
}
