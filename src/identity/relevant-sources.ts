import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { Namespace } from './declaration.js';
import type { IdentifyingSource, IdentityRules } from './matching.js';

/** By namespace, then by the wanted sources: as text, and as the same set. */
class RelevantSources {
  readonly byText = new Map<string, readonly IdentifyingSource[]>();
  readonly bySet = fieldWeakMap<ReadonlySet<string>, readonly IdentifyingSource[]>();
}

const cached = new WeakMap<IdentityRules, Map<string, RelevantSources>>();

/**
 * The sources that a walk must query to find the customer's records in the wanted sources, starting from an identifier
 * of the namespace. The walk can skip a source that enforces uniqueness in the namespace and whose identifiers lead to
 * no other source: such a source only adds its own records.
 */
export function relevantSources(
  rules: IdentityRules,
  wanted: ReadonlySet<string> | string,
  namespace: string,
): readonly IdentifyingSource[] {
  let ofRules = cached.get(rules);
  if (ofRules === undefined) cached.set(rules, (ofRules = new Map<string, RelevantSources>()));
  let ofNamespace = ofRules.get(namespace);
  if (ofNamespace === undefined) ofRules.set(namespace, (ofNamespace = new RelevantSources()));
  const { byText, bySet } = ofNamespace;
  const known = typeof wanted === 'string' ? byText.get(wanted) : bySet.get(wanted);
  if (known !== undefined) return known;
  const set = typeof wanted === 'string' ? new Set([wanted]) : wanted;
  // Equal sets have the same list, so that their walks can be compared.
  const text = [...set].sort().join(' ');
  let sources = byText.get(text);
  if (sources === undefined) byText.set(text, (sources = computeRelevantSources(rules, set, namespace)));
  bySet.set(set, sources);
  return sources;
}

function computeRelevantSources(
  { sources, namespaces }: IdentityRules,
  wanted: ReadonlySet<string>,
  start: string,
): readonly IdentifyingSource[] {
  const relevant = new Set(
    sources.filter(
      (source) => wanted.has(source.name) || mayKnowSeveral(source, start) || mayConflict(source, namespaces),
    ),
  );
  for (let size = -1; size !== relevant.size;) {
    size = relevant.size;
    for (const source of sources)
      if (!relevant.has(source) && leadsTo(relevant, source, sources, start)) relevant.add(source);
  }
  const found = sources.filter((source) => relevant.has(source));
  return found.length === sources.length ? sources : found;
}

/** Whether the source may return records of several people for the identifier, or of a person unknown to the others. */
function mayKnowSeveral({ identity }: IdentifyingSource, start: string): boolean {
  const uniqueness = identity.foundBy[start]?.uniqueness;
  return uniqueness !== undefined && uniqueness !== 'enforced';
}

/** Whether identifiers of the source may be in conflict with those of other sources. */
function mayConflict({ identity }: IdentifyingSource, namespaces: ReadonlyMap<string, Namespace>): boolean {
  return [identity.recordKey, ...Object.keys(identity.yields)].some(
    (name) => namespaces.get(name)?.perCustomer === 'one',
  );
}

/** Whether identifiers of the source may lead to further records in a relevant source, or in the source itself. */
function leadsTo(
  relevant: ReadonlySet<IdentifyingSource>,
  source: IdentifyingSource,
  sources: readonly IdentifyingSource[],
  start: string,
): boolean {
  const { identity } = source;
  return [identity.recordKey, ...Object.keys(identity.yields)].some((name) => {
    if (!canLink(source, name)) return false;
    const isQueried = [...relevant, source].some((other) => {
      const uniqueness = other.identity.foundBy[name]?.uniqueness;
      if (uniqueness === undefined || uniqueness === 'none') return false;
      return other !== source || identity.yields[name] === 'several';
    });
    if (!isQueried) return false;
    // If only this identifier finds the record, the record's value in the namespace is that same identifier.
    const isFoundByItAlone = Object.keys(identity.foundBy).every(
      (namespace) =>
        namespace === name ||
        (namespace !== start && !sources.some((other) => other !== source && canLink(other, namespace))),
    );
    return !(
      identity.yields[name] === 'one' &&
      identity.foundBy[name]?.uniqueness === 'enforced' &&
      isFoundByItAlone
    );
  });
}

/** Whether records of the source may vouch for identifiers in the namespace. */
function canLink({ identity: { recordKey, yields, foundBy } }: IdentifyingSource, name: string): boolean {
  return (
    recordKey === name ||
    (['one', 'several'].includes(yields[name] ?? '') && foundBy[name]?.uniqueness !== 'none')
  );
}

/** Whether identifiers of one source may lead to records in another, directly or through further sources. */
export function mayLeadTo(sources: readonly IdentifyingSource[], from: string, to: string): boolean {
  const reached = new Set(sources.filter(({ name }) => name === from));
  for (const source of reached)
    for (const other of sources) {
      const isQueried = Object.entries(other.identity.foundBy).some(
        ([name, { uniqueness }]) => uniqueness !== 'none' && canLink(source, name),
      );
      if (isQueried && other.name === to) return true;
      if (isQueried) reached.add(other);
    }
  return false;
}
