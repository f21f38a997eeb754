import { exclusiveIdentifiers } from './erasures.js';
import type { Identifier } from './identifiers.js';
import type { Identity } from './identity-graph.js';
import { textOf, type IdentityRules } from './matching.js';

export interface KnownIdentifiers {
  /** The one that was given, and all that the systems know the same customer by. */
  identifiers: readonly Identifier[];
  /** Of these, the ones that are the customer's and nobody else's; the one that was given, when nobody knows it. */
  exclusive: readonly Identifier[];
  /** The systems' own records of the customer. */
  records: readonly { source: string; id: string }[];
  /** How many customers the one that was given may mean. */
  candidates: number;
  /** Systems that could not say, or could not be asked since others did not say. */
  failed: readonly string[];
}

/**
 * Asks every system for the identifiers of one customer: what must be known to forget all about somebody. Of one that may
 * mean several, those of all.
 */
export async function knownIdentifiers(
  { sources }: IdentityRules,
  identity: Identity,
): Promise<KnownIdentifiers> {
  const match = await identity.fullMatch();
  const { kind, records, failed, candidates } = match;
  const found = new Map([[textOf(identity.start), identity.start]]);
  for (const { recordId, heldIdentifiers } of records) {
    found.set(textOf(recordId), recordId);
    for (const [text, { identifier }] of heldIdentifiers) found.set(text, identifier);
  }
  const silent = new Set(failed.keys());
  for (const { name } of kind === 'ambiguous' ? [] : sources)
    if ((await identity.findIn(name)).kind === 'failed') silent.add(name);
  const own = kind === 'unknown' ? [identity.start] : exclusiveIdentifiers(match);
  return {
    identifiers: [...found.values()],
    exclusive: [...new Map(own.map((one) => [textOf(one), one])).values()],
    records: records.map(({ source, record }) => ({ source: source.name, id: record.id })),
    candidates,
    failed: [...silent],
  };
}
