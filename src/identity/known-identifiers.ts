import type { Load } from '../loaders/registry.js';
import { normalise, type Identifier } from './identifiers.js';
import { createIdentity, type IdentityRules } from './identity-graph.js';

export interface KnownIdentifiers {
  /** The one that was given, and all that the systems know the same customer by. */
  identifiers: readonly Identifier[];
  /** Systems that could not say. */
  failed: readonly string[];
}

/** Asks every system for the identifiers of one customer: what must be known to forget all about somebody. */
export async function knownIdentifiers(
  rules: IdentityRules,
  start: Identifier,
  load: Load,
): Promise<KnownIdentifiers> {
  const identity = createIdentity(rules, start, load);
  const found = new Map([[`${start.namespace} ${start.value}`, start]]);
  const failed: string[] = [];
  for (const source of rules.sources) {
    const outcome = await identity.find(source.name);
    if (outcome.kind === 'failed') failed.push(source.name);
    if (outcome.kind !== 'found') continue;
    const { id, identifiers } = outcome.record;
    for (const { namespace, value } of [
      { namespace: source.identity.recordKey, value: id },
      ...identifiers,
    ]) {
      const own = rules.namespaces.get(namespace);
      const identifier = own === undefined || value == null ? null : normalise(own, value);
      if (identifier !== null) found.set(`${namespace} ${identifier.value}`, identifier);
    }
  }
  return { identifiers: [...found.values()], failed };
}
