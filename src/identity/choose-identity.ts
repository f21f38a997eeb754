import type { Identifier } from './identifiers.js';
import type { Identity } from './identity-graph.js';
import type { IdentityRules } from './matching.js';

/** Whether an identifier belongs to one customer: it may link, and no source declares that people share such values. */
export function isPersonal(
  { sources, namespaces }: Pick<IdentityRules, 'sources' | 'namespaces'>,
  { namespace, value }: Identifier,
): boolean {
  return (
    namespaces.get(namespace)?.mayLink?.(value) !== false &&
    sources.every(({ identity }) => identity.foundBy[namespace]?.uniqueness !== 'none')
  );
}

/**
 * Finds the customer by the first personal identifier that a source knows. Null if no source knows one. If an identifier
 * is unknown and a source failed, throws that error, because the next identifier may be another person's.
 */
export async function chooseIdentity(
  rules: Pick<IdentityRules, 'sources' | 'namespaces'>,
  identifiers: readonly Identifier[],
  identify: (identifier: Identifier) => Identity,
): Promise<Identity | null> {
  const allSources = new Set(rules.sources.map(({ name }) => name));
  for (const identifier of identifiers) {
    if (!isPersonal(rules, identifier)) continue;
    const identity = identify(identifier);
    if (await identity.isKnown(allSources)) return identity;
  }
  return null;
}
