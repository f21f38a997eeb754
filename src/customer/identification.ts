import { AmbiguousIdentityError } from '../errors.js';
import { isSame, mask, type Identifier } from '../identity/identifiers.js';
import type { Match } from '../identity/identity-graph.js';
import { allIdentifiers, textOf, type IdentityRules } from '../identity/matching.js';
import { fetchedAt } from '../loaders/fetched-at.js';
import type { Namespace } from '../identity/declaration.js';
import type { Customer } from './customer.js';
import type {
  AmbiguousIdentifier,
  CustomerIdentifier,
  IdentityLink,
  ResolversTypes,
} from './schema.generated.js';

type Namespaces = ReadonlyMap<string, Namespace>;

/** Whether the caller may see identifiers of a namespace. The others are left out. */
export type CanShow = (namespace: string) => boolean;

/** The result of `identify` for a customer that was found. */
export function identified(
  customer: Customer,
  match: Match,
  rules: IdentityRules,
  canShow: CanShow,
): Exclude<ResolversTypes['IdentifiedCustomer'], PromiseLike<unknown>> {
  return {
    customer,
    identifiers: identifiersOf(match, rules, canShow),
    links: linksOf(match, rules).filter(({ from, to }) => canShow(from.namespace) && canShow(to.namespace)),
    conflicts: match.conflicts
      .filter(({ namespace, over }) => canShow(namespace) && canShow(over.namespace))
      .map(({ namespace, values, over }) => ({ namespace, values: [...values], link: over })),
    limitsReached: [...match.limitsReached],
    unavailable: [...match.failed.keys()],
  };
}

export function ambiguous(
  match: Match,
  source: string | undefined,
  namespaces: Namespaces,
): AmbiguousIdentifier {
  return {
    candidateCount: match.candidates,
    hints: match.records.map(({ source: { name }, recordId, record }) => ({
      source: name,
      recordId: masked(recordId, namespaces),
      name: maskedName(record.profile?.name),
    })),
    reason: new AmbiguousIdentityError(source, match.candidates).message,
  };
}

/** All identifiers in the customer's records, each with the systems that hold it. */
export function identifiersOf(
  { records }: Match,
  rules: IdentityRules,
  canShow: CanShow,
): CustomerIdentifier[] {
  const all = new Map<string, CustomerIdentifier>();
  const add = ({ namespace, value }: Identifier, source: string, isVerified: boolean): void => {
    const known = all.get(textOf({ namespace, value }));
    all.set(textOf({ namespace, value }), {
      namespace,
      value,
      sources: [...new Set([...(known?.sources ?? []), source])],
      isVerified: isVerified || known?.isVerified === true,
    });
  };
  for (const record of records) {
    const { source, recordId } = record;
    add(recordId, source.name, true);
    for (const { identifier, verified } of allIdentifiers(record, rules))
      add(
        identifier,
        source.name,
        verified || source.identity.foundBy[identifier.namespace]?.uniqueness === 'enforced',
      );
  }
  return [...all.values()].filter(({ namespace }) => canShow(namespace));
}

function linksOf(
  { links, findings }: Match,
  rules: IdentityRules,
): (IdentityLink & { from: Identifier; to: Identifier })[] {
  const drawn = new Set(links.map(({ record, identifier }) => `${record.key} ${textOf(identifier)}`));
  const shown = [
    ...links.map(({ record, identifier, rule }) => ({ record, identifier, rule })),
    // Identifiers that found a record, but that the record does not vouch for: a role address, a shared phone.
    ...findings
      .filter(({ record, identifier }) => !drawn.has(`${record.key} ${textOf(identifier)}`))
      .map(({ record, identifier }) => ({ record, identifier, rule: 'LOOKUP' as const })),
  ];
  return shown
    .filter(({ record, identifier }) => textOf(identifier) !== textOf(record.recordId))
    .map(({ record, identifier, rule }) => ({
      from: identifier,
      to: record.recordId,
      source: record.source.name,
      rule,
      isVerified: allIdentifiers(record, rules).some(
        (held) => held.verified && isSame(held.identifier, identifier),
      ),
      seenAt: fetchedAt(record.record),
    }));
}

function masked({ namespace, value }: Identifier, namespaces: Namespaces): string {
  const declared = namespaces.get(namespace);
  return declared === undefined ? '***' : mask(declared, value);
}

/** A name masked to the first letter of each word. */
function maskedName(name: string | null | undefined): string | null {
  if (name == null || name.trim() === '') return null;
  return name
    .trim()
    .split(/\s+/)
    .map((word) => `${String.fromCodePoint(word.codePointAt(0) ?? 0)}***`)
    .join(' ');
}
