import type { GraphQLResolveInfo } from 'graphql';
import type { Client } from '../connectors/connector.js';
import type { AddressValue, CustomerRecord, IdentityDeclaration } from '../identity/declaration.js';
import { normalise, type Identifier } from '../identity/identifiers.js';
import type { Identity, IdentityRules } from '../identity/identity-graph.js';
import type { Load, ReadCached } from '../loaders/registry.js';
import { chooseValue } from './profile.js';
import type { EventType } from './schema.generated.js';
import type { Rule } from './survivorship.js';

/** What every resolver gets as its third argument; one for each request. */
export interface Context {
  /** Asks a loader of the resolver's own source; keys that are asked for together become one call. */
  load: Load;
  /** What a loader has at once. */
  cached: ReadCached;
  /** Finds out who is meant. One identifier gives one identity within the request. */
  identify(identifier: Identifier): Identity;
  /** Names this request in the log and in answers about defects. */
  requestId: string;
  /** What the caller may, as far as it is for resolvers to know. */
  permissions: Permissions;
  /** Everybody whom the request was told of, for the audit. */
  foundIdentities: Set<Identity>;
}

export interface Permissions {
  /** Kinds of identifiers that it may find customers by. */
  findsBy: 'all' | ReadonlySet<string>;
  /** The customer that sent the request, as the caller's token names it; undefined when it names none. */
  ownIdentifier?: Identifier;
  /** Whether it may see a field, such as `Customer.emails`, or data of an enum value, such as `TimelineKind.ORDER`. */
  maySee(place: string): boolean;
  /** Whether erased customers are shown to it as any other. */
  seesErased: boolean;
}

/** What a system told of somebody, as the customer view shows it. */
export interface CustomerEvent {
  id: string;
  type: EventType;
  source: string;
  happenedAt: string;
  recordId: string | null;
  /** The identifiers that may say who the customer is, the strongest first. Empty when the system names none. */
  about: readonly Identifier[];
}

/** A customer as resolvers meet it: nothing is known of it until it is asked. */
export interface Customer {
  readonly identity: Identity;
  /** The field that made this object: what the client asks of a system that speaks GraphQL is read from it. */
  readonly info: GraphQLResolveInfo;
  /**
   * The customer's identifiers in a namespace that a source keeps its records by, first the one of the record whose
   * single values count; empty when that source does not know the customer. Throws the source's error when it cannot say.
   */
  identifiers(namespace: string): Promise<readonly string[]>;
  /** The first of them, or null. */
  identifier(namespace: string): Promise<string | null>;
  /**
   * The customer's records in a source, by the source's own `identity`: the ones that the customer was found by, so this
   * makes no call of its own. First the record whose single values count. Empty when the source does not know the customer.
   * Throws the source's error when it cannot say.
   */
  records<C extends Client, R extends CustomerRecord>(
    declared: IdentityDeclaration<C, R>,
  ): Promise<readonly R[]>;
  /** The first of them, or null. */
  record<C extends Client, R extends CustomerRecord>(declared: IdentityDeclaration<C, R>): Promise<R | null>;
  /**
   * The values that the customer's records hold in a namespace, whether they are vouched for or not; for a source that
   * is asked by it and takes no part in saying who somebody is. Throws the error of a source that cannot say when no
   * other holds one.
   */
  heldValues(namespace: string): Promise<readonly string[]>;
  /** Where the customer lives or is established, as `Customer.address` has it. */
  address(): Promise<AddressValue | null>;
}

export interface CustomerDirectory {
  /** The source that keeps its records by the namespace. */
  sourceOf: ReadonlyMap<string, string>;
  rules: IdentityRules;
  survivorship: Readonly<Record<'ADDRESS', Rule>>;
}

export function createCustomer(
  identity: Identity,
  info: GraphQLResolveInfo,
  { sourceOf, rules, survivorship }: CustomerDirectory,
): Customer {
  const recordsIn = async (source: string): Promise<readonly CustomerRecord[]> => {
    const outcome = await identity.findIn(source);
    if (outcome.kind === 'failed') throw outcome.error;
    return outcome.kind === 'found' ? outcome.records : [];
  };
  const identifiers = async (namespace: string): Promise<readonly string[]> => {
    const source = sourceOf.get(namespace);
    // The system that would know is not plugged in.
    return source === undefined ? [] : (await recordsIn(source)).map(({ id }) => id);
  };
  const records = async <R extends CustomerRecord>(declared: unknown): Promise<readonly R[]> => {
    const source = rules.sources.find((one) => one.identity === declared);
    if (source === undefined)
      throw new Error('Records are requested by an identity that no source declares.');
    // The loaders of this declaration returned them.
    return (await recordsIn(source.name)) as readonly R[];
  };
  return {
    identity,
    info,
    identifiers,
    identifier: async (namespace) => (await identifiers(namespace))[0] ?? null,
    records,
    record: async <R extends CustomerRecord>(declared: unknown) => (await records<R>(declared))[0] ?? null,
    heldValues: async (name) => {
      const namespace = rules.namespaces.get(name);
      if (namespace === undefined) return [];
      const outcomes = await Promise.all(
        rules.sources
          .filter(({ identity: { yields } }) => name in yields)
          .map((source) => identity.findIn(source.name)),
      );
      const values = outcomes.flatMap((outcome) =>
        (outcome.kind === 'found' ? outcome.records : []).flatMap((record) =>
          record.identifiers.flatMap((one) =>
            one.namespace === name && one.value != null ? (normalise(namespace, one.value)?.value ?? []) : [],
          ),
        ),
      );
      if (values.length === 0)
        for (const outcome of outcomes) if (outcome.kind === 'failed') throw outcome.error;
      return [...new Set(values)];
    },
    address: () =>
      chooseValue('ADDRESS', survivorship.ADDRESS, rules.namespaces, (source) => identity.findIn(source)),
  };
}
