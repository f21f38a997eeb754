import type { Namespace } from './declaration.js';
import type { IdentifyingSource, IdentityRules } from './matching.js';

const remembered = new WeakMap<IdentityRules, Map<string, readonly IdentifyingSource[]>>();

/**
 * The sources that have to be asked to find out what the wanted ones hold of a customer, who is asked for by the
 * namespace. The others can only join what is there already: they keep the namespace unique, and nothing that they
 * yield leads on.
 */
export function relevantSources(
  rules: IdentityRules,
  wanted: ReadonlySet<string>,
  namespace: string,
): readonly IdentifyingSource[] {
  let known = remembered.get(rules);
  if (known === undefined) remembered.set(rules, (known = new Map<string, readonly IdentifyingSource[]>()));
  const key = `${namespace} ${[...wanted].sort().join(' ')}`;
  let sources = known.get(key);
  if (sources === undefined) known.set(key, (sources = computeRelevantSources(rules, wanted, namespace)));
  return sources;
}

function computeRelevantSources(
  { sources, namespaces }: IdentityRules,
  wanted: ReadonlySet<string>,
  start: string,
): readonly IdentifyingSource[] {
  const matter = new Set(
    sources.filter(
      (source) =>
        wanted.has(source.name) || mayBeSeveral(source, start) || holdsOneForEach(source, namespaces),
    ),
  );
  for (let size = -1; size !== matter.size;) {
    size = matter.size;
    for (const source of sources)
      if (!matter.has(source) && leadsTo(matter, source, sources, start)) matter.add(source);
  }
  const found = sources.filter((source) => matter.has(source));
  return found.length === sources.length ? sources : found;
}

/** Its records under the identifier may be several people's, or no one's whom others know. */
function mayBeSeveral({ identity }: IdentifyingSource, start: string): boolean {
  const uniqueness = identity.foundBy[start]?.uniqueness;
  return uniqueness !== undefined && uniqueness !== 'enforced';
}

/** What it holds may be in conflict with what others hold. */
function holdsOneForEach(
  { identity }: IdentifyingSource,
  namespaces: ReadonlyMap<string, Namespace>,
): boolean {
  return [identity.recordKey, ...Object.keys(identity.yields)].some(
    (name) => namespaces.get(name)?.perCustomer === 'one',
  );
}

function leadsTo(
  matter: ReadonlySet<IdentifyingSource>,
  source: IdentifyingSource,
  sources: readonly IdentifyingSource[],
  start: string,
): boolean {
  const { identity } = source;
  return [identity.recordKey, ...Object.keys(identity.yields)].some((name) => {
    if (!links(source, name)) return false;
    const isAsked = [...matter, source].some((other) => {
      const uniqueness = other.identity.foundBy[name]?.uniqueness;
      if (uniqueness === undefined || uniqueness === 'none') return false;
      return other !== source || identity.yields[name] === 'several';
    });
    if (!isAsked) return false;
    // Found by the one identifier alone, it tells of that identifier again and of nothing else.
    const isFoundByItAlone = Object.keys(identity.foundBy).every(
      (asked) =>
        asked === name ||
        (asked !== start && !sources.some((other) => other !== source && links(other, asked))),
    );
    return !(
      identity.yields[name] === 'one' &&
      identity.foundBy[name]?.uniqueness === 'enforced' &&
      isFoundByItAlone
    );
  });
}

/** Whether records of the source may vouch for identifiers in the namespace. */
function links({ identity: { recordKey, yields, foundBy } }: IdentifyingSource, name: string): boolean {
  return (
    recordKey === name ||
    (['one', 'several'].includes(yields[name] ?? '') && foundBy[name]?.uniqueness !== 'none')
  );
}

/** Whether what one source would have told may be what another is asked by, directly or over further sources. */
export function mayLeadTo(sources: readonly IdentifyingSource[], from: string, to: string): boolean {
  const reached = new Set(sources.filter(({ name }) => name === from));
  for (const source of reached)
    for (const other of sources) {
      const isAsked = Object.entries(other.identity.foundBy).some(
        ([name, { uniqueness }]) => uniqueness !== 'none' && links(source, name),
      );
      if (isAsked && other.name === to) return true;
      if (isAsked) reached.add(other);
    }
  return false;
}
