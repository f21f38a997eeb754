import type { Client } from '../connectors/connector.js';
import type { FreshnessOptions } from '../cache/freshness.js';
import type { GatewayConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from './declaration.js';
import { commonNamespaces, normaliseIn } from './identifiers.js';
import type { IdentityRules } from './matching.js';

interface DeclaredSource {
  name: string;
  namespaces?: readonly Namespace[];
  identity?: IdentityDeclaration<Client>;
}

type IdentityConfig = Pick<
  GatewayConfig,
  | 'defaultRegion'
  | 'identityBlockedValues'
  | 'identityBlockedDomains'
  | 'identityRoleMailboxes'
  | 'identityPatienceMs'
>;

/** Constants, not settings: instances with different limits would return different customers. */
const WALK_LIMITS = { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50 };

/** The identity rules of all plugged-in sources. Throws a ConfigError that lists all inconsistencies. */
export function createIdentityRules(
  sources: readonly DeclaredSource[],
  config: IdentityConfig,
  onLimit: NonNullable<IdentityRules['onLimit']>,
): IdentityRules {
  const problems: string[] = [];
  const blocklists = {
    values: config.identityBlockedValues,
    domains: config.identityBlockedDomains,
    roleMailboxes: config.identityRoleMailboxes,
  };
  const limits = { ...WALK_LIMITS, patienceMs: config.identityPatienceMs };
  const namespaces = new Map(
    commonNamespaces(config.defaultRegion, blocklists).map((namespace) => [namespace.name, namespace]),
  );
  for (const { name: source, namespaces: declared = [] } of sources)
    for (const namespace of declared) {
      if (namespaces.has(namespace.name) || namespace.name === 'id')
        problems.push(
          `${source} declares the namespace "${namespace.name}", which exists already. Choose another name.`,
        );
      namespaces.set(namespace.name, { blockedValues: blocklists.values, ...namespace });
    }
  const identifying = sources.flatMap(({ name, identity }) =>
    identity === undefined ? [] : [{ name, identity }],
  );
  for (const { name, identity } of identifying) {
    const { recordKey, foundBy } = identity;
    if (!(recordKey in foundBy))
      problems.push(`${name} has the recordKey "${recordKey}", so its identity.foundBy must contain it.`);
    for (const namespace of new Set([recordKey, ...Object.keys(foundBy)]))
      if (!namespaces.has(namespace))
        problems.push(`${name} is found by "${namespace}", which no source declares. Declare the namespace.`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { namespaces, sources: identifying, limits, onLimit };
}

/**
 * Checks the identifiers in `@foundBy` of each source's SDL. `Customer.identifiers()` returns record ids of one source, so
 * a source with another kind of identifier would silently receive no calls. Throws a ConfigError.
 */
export function checkCustomerKeys(
  sources: readonly (DeclaredSource & { heldIdentifiers?: readonly string[] })[],
  keyOf: (source: string) => string | undefined,
  { namespaces, sources: identifying }: IdentityRules,
): void {
  const problems = sources.flatMap(({ name, identity, heldIdentifiers = [] }) => {
    const key = keyOf(name);
    const isRecordKey = identifying.some((source) => source.identity.recordKey === key);
    if (key === undefined || isRecordKey || heldIdentifiers.includes(key)) return [];
    if (identity !== undefined)
      return [
        `${name} finds customers by @foundBy(identifier: "${key}"), which is not a system's recordKey, so it would receive no calls. Use its own recordKey there: "${identity.recordKey}".`,
      ];
    // The source with this recordKey may not be plugged in, or the name is not a kind of identifier.
    if (!namespaces.has(key)) return [];
    return [
      `${name} finds customers by @foundBy(identifier: "${key}"), and declares no identity, so it would receive no calls. Declare identity with foundBy.${key}, or heldIdentifiers: ['${key}'] if its resolvers call customer.heldValues('${key}').`,
    ];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The namespaces by which at least one plugged-in source finds customers. */
export function lookupNamespaces({ namespaces, sources }: IdentityRules): Namespace[] {
  return [...namespaces.values()].filter(({ name }) =>
    sources.some(({ identity }) => name in identity.foundBy),
  );
}

const NOT_CACHED: FreshnessOptions = { maxAge: '0 s', staleIfError: '0 s' };

type IdentityLoader = Loader<Client, string, readonly CustomerRecord[]>;

/** Registers the loaders that find customers, with the identifiers that their answers are about. */
export function addIdentityLoaders(
  source: LoadedSource<Client>,
  { foundBy, recordKey, searches = [] }: IdentityDeclaration<Client>,
  registry: LoaderRegistry,
  rules: IdentityRules,
): readonly unknown[] {
  const byLoader = new Map<IdentityLoader, string[]>();
  for (const [namespace, { loader }] of Object.entries(foundBy))
    byLoader.set(loader, [...(byLoader.get(loader) ?? []), namespace]);
  for (const [loader, loaderNamespaces] of byLoader) {
    const normalised = (all: CustomerRecord['identifiers']) =>
      all.flatMap(({ namespace, value }) => normaliseIn(rules, namespace, value) ?? []);
    const lookupsOf = (key: string) => loaderNamespaces.map((namespace) => ({ namespace, value: key }));
    const identifiersOf = (key: string, records: readonly CustomerRecord[]) =>
      records.map(({ id, identifiers }) =>
        normalised([...lookupsOf(key), { namespace: recordKey, value: id }, ...identifiers]),
      );
    const about = (key: string, records: readonly CustomerRecord[]) => [
      ...lookupsOf(key),
      ...identifiersOf(key, records).flat(),
    ];
    registry.add(source, { ...loader, about }, identifiersOf, loader);
  }
  for (const { loader } of searches)
    // A user who searches again expects what the system has now.
    registry.add(source, { ...loader, freshness: NOT_CACHED, keyText: JSON.stringify }, undefined, loader);
  return [...byLoader.keys(), ...searches.map(({ loader }) => loader)];
}
