import type { GraphQLResolveInfo } from 'graphql';
import type { Client } from '../connectors/connector.js';
import type { AddressValue, CustomerRecord, IdentityDeclaration } from '../identity/declaration.js';
import { normalise, type Identifier } from '../identity/identifiers.js';
import type { Identities, Identity, IdentityRules, Outcome } from '../identity/identity-graph.js';
import type { Load, LoadField, ReadCached } from '../loaders/registry.js';
import { chooseValue } from './profile.js';
import type { EventType, Purpose } from './schema.generated.js';
import type { Rule } from './survivorship.js';

/** The third argument of every resolver. There is one per request. */
export interface Context {
  /** Loads a key with a loader of the resolver's own source. Keys that are requested together become one call. */
  load: Load;
  /** Loads a key for a field that is a property of its value. */
  loadField: LoadField;
  /** Reads a loader's cached value. */
  cached: ReadCached;
  /** Identifies a customer. Within a request, an identifier always gives the same identity. */
  identify(identifier: Identifier): Identity;
  /** Identifies a list of customers in common rounds, before each of them is requested. */
  walkTogether: Identities['walkTogether'];
  /** The id of the request in the log and in internal errors. */
  requestId: string;
  /** The caller's permissions that resolvers need. */
  permissions: Permissions;
  /** The customers that the request has found, for the audit. */
  foundIdentities: Set<Identity>;
  /** The terms by which the request has searched for customers, for the audit. */
  searchTerms: Set<string>;
}

export interface Permissions {
  /** The namespaces by which the caller may find customers. */
  findsBy: 'all' | ReadonlySet<string>;
  /** The customer in the caller's token; undefined if the token names none. */
  ownIdentifier?: Identifier;
  /** Whether the caller may see a field (`Customer.emails`) or data of an enum value (`TimelineKind.ORDER`). */
  maySee(place: string): boolean;
  /** Whether the caller sees erased customers. */
  seesErased: boolean;
  /** Whether the caller sees masked values, and therefore no small counts of people. */
  seesMasked: boolean;
  /** The purpose of the request, if it needs the consent of each customer. */
  consentPurpose?: Purpose;
}

/** An event that a system reported about a customer, as the customer view shows it. */
export interface CustomerEvent {
  id: string;
  type: EventType;
  source: string;
  happenedAt: string;
  recordId: string | null;
  /** The identifiers that may identify the customer, the strongest first. Empty if the system names none. */
  about: readonly Identifier[];
}

/** A customer for resolvers. Its data is loaded when it is needed. */
export interface Customer {
  readonly identity: Identity;
  /** The field that returned this object. Selections for a GraphQL system are read from it. */
  readonly info: GraphQLResolveInfo;
  /**
   * The ids of the customer's records in the source with this `recordKey`. The first is the id of the record that `record`
   * returns. Empty if the source does not know the customer. Throws the source's error if it fails.
   */
  identifiers(namespace: string): Promise<readonly string[]>;
  /**
   * Returns what `read` returns for these `identifiers`: at once if the customer's records are known. Of a list, that takes less
   * memory than a promise for each customer.
   */
  withIdentifiers<T>(
    namespace: string,
    read: (identifiers: readonly string[]) => T | PromiseLike<T>,
  ): T | PromiseLike<T>;
  /** The first of `identifiers`, or null. */
  identifier(namespace: string): Promise<string | null>;
  /**
   * The customer's records in a source, by the source's own `identity`. They are the records that found the customer, so
   * this makes no further call. The record that its system changed last is the first. Empty if the source does not know
   * the customer. Throws the source's error if it fails.
   */
  records<C extends Client, R extends CustomerRecord>(
    declared: IdentityDeclaration<C, R>,
  ): Promise<readonly R[]>;
  /** Returns what `read` returns for these `records`: at once if they are known. */
  withRecords<R extends CustomerRecord, T>(
    declared: IdentityDeclaration<Client, R>,
    read: (records: readonly R[]) => T | PromiseLike<T>,
  ): T | PromiseLike<T>;
  /** The first of `records`, or null. */
  record<C extends Client, R extends CustomerRecord>(declared: IdentityDeclaration<C, R>): Promise<R | null>;
  /**
   * The values of a namespace in the customer's records, also those that do not identify the customer. It is
   * for a source without `identity` that finds its data by such values. If no source holds a value, throws a
   * failed source's error.
   */
  heldValues(namespace: string): Promise<readonly string[]>;
  /** The customer's address, as in `Customer.address`. */
  address(): Promise<AddressValue | null>;
}

export interface CustomerDirectory {
  /** The source with this `recordKey`, by namespace. */
  sourceOf: ReadonlyMap<string, string>;
  rules: IdentityRules;
  survivorship: Readonly<Record<'ADDRESS', Rule>>;
}

export function createCustomer(
  identity: Identity,
  info: GraphQLResolveInfo,
  directory: CustomerDirectory,
): Customer {
  return new CustomerOfIdentity(identity, info, directory);
}

/** One object for each customer of a list, so all functions are on the prototype. */
class CustomerOfIdentity implements Customer {
  readonly identity: Identity;
  readonly info: GraphQLResolveInfo;
  readonly #directory: CustomerDirectory;

  constructor(identity: Identity, info: GraphQLResolveInfo, directory: CustomerDirectory) {
    this.identity = identity;
    this.info = info;
    this.#directory = directory;
  }

  async identifiers(namespace: string): Promise<readonly string[]> {
    return this.withIdentifiers(namespace, (identifiers) => identifiers);
  }

  withIdentifiers<T>(
    namespace: string,
    read: (identifiers: readonly string[]) => T | PromiseLike<T>,
  ): T | PromiseLike<T> {
    const source = this.#directory.sourceOf.get(namespace);
    // The source with this recordKey may not be plugged in.
    if (source === undefined) return read([]);
    return this.#withRecordsIn(source, (records) => read(records.map(({ id }) => id)));
  }

  async identifier(namespace: string): Promise<string | null> {
    return (await this.identifiers(namespace))[0] ?? null;
  }

  async records<R extends CustomerRecord>(declared: IdentityDeclaration<Client, R>): Promise<readonly R[]> {
    return this.withRecords(declared, (records) => records);
  }

  withRecords<R extends CustomerRecord, T>(
    declared: IdentityDeclaration<Client, R>,
    read: (records: readonly R[]) => T | PromiseLike<T>,
  ): T | PromiseLike<T> {
    const source = this.#directory.rules.sources.find((source) => source.identity === declared);
    if (source === undefined)
      throw new Error(
        "Records were requested by an identity that no source declares. Pass the source's own `identity`.",
      );
    // The loaders of this declaration returned them.
    return this.#withRecordsIn(source.name, (records) => read(records as readonly R[]));
  }

  async record<R extends CustomerRecord>(declared: IdentityDeclaration<Client, R>): Promise<R | null> {
    return (await this.records(declared))[0] ?? null;
  }

  async heldValues(name: string): Promise<readonly string[]> {
    const { rules } = this.#directory;
    const namespace = rules.namespaces.get(name);
    if (namespace === undefined) return [];
    const outcomes = await Promise.all(
      rules.sources
        .filter(({ identity: { yields } }) => name in yields)
        .map((source) => this.identity.findIn(source.name)),
    );
    const values = outcomes.flatMap((outcome) =>
      (outcome.kind === 'found' ? outcome.records : []).flatMap((record) =>
        record.identifiers.flatMap((identifier) =>
          identifier.namespace === name && identifier.value != null
            ? (normalise(namespace, identifier.value)?.value ?? [])
            : [],
        ),
      ),
    );
    if (values.length === 0)
      for (const outcome of outcomes) if (outcome.kind === 'failed') throw outcome.error;
    return [...new Set(values)];
  }

  async address(): Promise<AddressValue | null> {
    const { rules, survivorship } = this.#directory;
    return chooseValue('ADDRESS', survivorship.ADDRESS, rules.namespaces, this.identity);
  }

  #withRecordsIn<T>(
    source: string,
    read: (records: readonly CustomerRecord[]) => T | PromiseLike<T>,
  ): T | PromiseLike<T> {
    const outcome = this.identity.foundIn(source);
    return outcome === undefined
      ? this.identity.findIn(source).then((found) => read(recordsFrom(found)))
      : read(recordsFrom(outcome));
  }
}

function recordsFrom(outcome: Outcome): readonly CustomerRecord[] {
  if (outcome.kind === 'failed') throw outcome.error;
  return outcome.kind === 'found' ? outcome.records : [];
}
