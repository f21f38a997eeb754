import type { Client } from '../connectors/connector.js';
import type { GatewayConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from './declaration.js';
import { commonNamespaces, normalise, type Identifier } from './identifiers.js';
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

/** Constants, not settings: instances with other limits would show other customers. */
const WALK_LIMITS = { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50 };

/** The rules of all sources that take part. Throws a ConfigError with all that does not fit together. */
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
    commonNamespaces(config.defaultRegion, blocklists).map((one) => [one.name, one]),
  );
  for (const { name: source, namespaces: own = [] } of sources)
    for (const namespace of own) {
      if (namespaces.has(namespace.name) || namespace.name === 'id')
        problems.push(`${source} declares the namespace "${namespace.name}", which there is already.`);
      namespaces.set(namespace.name, { blockedValues: blocklists.values, ...namespace });
    }
  const taking = sources.flatMap(({ name, identity }) =>
    identity === undefined ? [] : [{ name, identity }],
  );
  for (const { name, identity } of taking) {
    const { recordKey, foundBy } = identity;
    if (!(recordKey in foundBy))
      problems.push(`${name} keeps its records by "${recordKey}", so its identity must be askedBy that too.`);
    for (const one of new Set([recordKey, ...Object.keys(foundBy)]))
      if (!namespaces.has(one))
        problems.push(`${name} is asked by "${one}", which is no declared namespace.`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { namespaces, sources: taking, limits, onLimit };
}

/**
 * Checks the identifiers by which sources find customers in their SDL. `Customer.identifiers()` gives the ids of the records of
 * one source, so with any other kind of identifier the system would never be asked, without an error. Throws a ConfigError.
 */
export function checkCustomerKeys(
  sources: readonly (DeclaredSource & { heldIdentifiers?: readonly string[] })[],
  keyOf: (source: string) => string | undefined,
  { namespaces, sources: taking }: IdentityRules,
): void {
  const problems = sources.flatMap(({ name, identity, heldIdentifiers = [] }) => {
    const key = keyOf(name);
    const isRecordKey = taking.some((one) => one.identity.recordKey === key);
    if (key === undefined || isRecordKey || heldIdentifiers.includes(key)) return [];
    if (identity !== undefined)
      return [
        `${name} finds customers by @foundBy(identifier: "${key}"), by which no system keeps its records, so it would never be asked. Name its recordKey there: "${identity.recordKey}".`,
      ];
    // The system that keeps its records by it may not be plugged in, or it is no kind of identifier.
    if (!namespaces.has(key)) return [];
    return [
      `${name} finds customers by @foundBy(identifier: "${key}"), and declares no identity, so it would never be asked. Declare identity with askedBy.${key}, or heldIdentifiers: ['${key}'] if its resolvers call customer.heldValues('${key}').`,
    ];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The namespaces that a customer can be asked by: those that some plugged-in source can be. */
export function lookupNamespaces({ namespaces, sources }: IdentityRules): Namespace[] {
  return [...namespaces.values()].filter(({ name }) =>
    sources.some(({ identity }) => name in identity.foundBy),
  );
}

type IdentityLoader = Loader<Client, string, readonly CustomerRecord[]>;

/** Registers the loaders that say who somebody is: whom their records are about, and which identifiers are one customer's. */
export function addIdentityLoaders(
  source: LoadedSource<Client>,
  { foundBy, recordKey }: IdentityDeclaration<Client>,
  registry: LoaderRegistry,
  { namespaces }: IdentityRules,
): readonly unknown[] {
  const byLoader = new Map<IdentityLoader, string[]>();
  for (const [namespace, { loader }] of Object.entries(foundBy))
    byLoader.set(loader, [...(byLoader.get(loader) ?? []), namespace]);
  for (const [loader, asked] of byLoader) {
    const normalised = (all: CustomerRecord['identifiers']) =>
      all.flatMap(({ namespace, value }) => {
        const declared = namespaces.get(namespace);
        const known = declared === undefined || value == null ? null : normalise(declared, value);
        return known === null ? [] : [known];
      });
    // It is wanted twice, and telling a telephone number's parts takes long.
    const held = fieldWeakMap<CustomerRecord, readonly Identifier[]>();
    const heldBy = (record: CustomerRecord): readonly Identifier[] => {
      let known = held.get(record);
      if (known === undefined) {
        const { id, identifiers } = record;
        held.set(record, (known = normalised([{ namespace: recordKey, value: id }, ...identifiers])));
      }
      return known;
    };
    const askedFor = (key: string) => asked.map((namespace) => ({ namespace, value: key }));
    const identifiersOf = (key: string, records: readonly CustomerRecord[]) =>
      records.map((record) => [...normalised(askedFor(key)), ...heldBy(record)]);
    const about = (key: string, records: readonly CustomerRecord[]) => [
      ...askedFor(key),
      ...identifiersOf(key, records).flat(),
    ];
    registry.add(source, { ...loader, about }, identifiersOf, loader);
  }
  return [...byLoader.keys()];
}
