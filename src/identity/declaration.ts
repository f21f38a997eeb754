import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';

/** A kind of identifier that customers have: its format, and whether it may link. */
export interface Namespace {
  /** As in `customer(by: { <name>: ... })`. */
  name: string;
  /** Published in the schema: what the identifier is and how it is written. */
  description: string;
  /**
   * Returns the canonical form of a value, or null if the value is not such an identifier. Idempotent. It applies
   * documented rules only and rejects any other value, so that two different identifiers never become one.
   */
  normalise(value: string): string | null;
  /**
   * The reason why a canonical value does not identify a person, such as "its domain is blocked". Undefined
   * if it identifies one. Callers see the reason, so it must not repeat the value. Default: every value
   * identifies a person.
   */
  refusal?(value: string): string | undefined;
  /**
   * Placeholders that do not identify a person, in lower case. Default: the gateway's
   * `IDENTITY_BLOCKED_VALUES`.
   */
  blockedValues?: ReadonlySet<string>;
  /** Whether this value may link one record to another. Default: every value may. */
  mayLink?(value: string): boolean;
  /**
   * How many values a customer has. Default `'several'`. With `'one'`, records with different values are not one
   * customer: a link between them is a conflict, unless their source's `sameCustomer` joins them.
   */
  perCustomer?: 'one' | 'several';
  /** Masks a value: enough to recognise it, too little to use it. Default: its first and last character. */
  mask?(value: string): string;
  /**
   * The field that shows the same value, such as `Customer.emails`. Callers without access to the field do not see
   * these identifiers. If no plugged-in source provides the field, no caller sees them. Default: no field shows them.
   */
  shownBy?: string;
}

/** One identifier that a record of a source holds. */
export interface YieldedIdentifier {
  namespace: string;
  value: string | null | undefined;
  /** Whether the system has verified that the identifier is this customer's. Default false. */
  verified?: boolean;
}

/** A postal address. Its parts are never combined with parts of another record's address. */
export interface AddressValue {
  street?: string | null;
  houseNumber?: string | null;
  postcode?: string | null;
  city?: string | null;
  /** ISO 3166-1 alpha-2, such as NL. */
  country?: string | null;
}

/** Properties of a customer that all systems share. Survivorship chooses one value among those of several records. */
export interface Profile {
  /** Full name as the system would write it on a letter. */
  name?: string | null;
  /** IETF tag, such as `nl` or `nl-NL`. */
  language?: string | null;
  /** ISO 8601 date. */
  birthDate?: string | null;
  address?: AddressValue | null;
  /** When the system last changed the record: ISO 8601 with a time zone. Without it, a value never counts as most recent. */
  updatedAt?: string | null;
}

/** The part of a source's record that identifies the customer. */
export interface CustomerRecord {
  /** The record's own id in its system, in the namespace that the source declares as its `recordKey`. */
  id: string;
  identifiers: readonly YieldedIdentifier[];
  profile?: Profile;
}

/**
 * Whether a system allows two people to have the same value.
 *
 * - `enforced`: the system rejects a second record with the value.
 * - `usual`: a value normally belongs to one person. It links if one customer holds it, and is ambiguous if several do.
 * - `verified`: people share values. A value links only if the system has verified it.
 * - `none`: people share values. A request can start from such a value, but it never links records.
 */
export type Uniqueness = 'enforced' | 'usual' | 'verified' | 'none';

/** A lookup of a source's records by one kind of identifier. */
export interface FoundBy<C extends Client, R extends CustomerRecord = CustomerRecord> {
  /** A property of the system. A wrong value merges two people or splits one. */
  uniqueness: Uniqueness;
  /** Loads all records that hold an identifier; an empty list if there are none. */
  loader: Loader<C, string, readonly R[]>;
}

/** What a user knows of a customer. Each member is given and not empty, or absent. */
export interface CustomerSearch {
  /** Words. Each is the beginning of a word of the name. */
  name?: string;
  /** A part of an e-mail address, in lower case. */
  email?: string;
  /** A telephone number in E.164 form, such as +31612345678. */
  phone?: string;
  /** Without spaces, in upper case. The search has a house number too. */
  postcode?: string;
  /** In upper case. The search has a postcode too. */
  houseNumber?: string;
  /** The number of an order, as the user wrote it. */
  orderNumber?: string;
  /** The number of a ticket, as the user wrote it. */
  ticketNumber?: string;
}

/** A search of a source's records by what a user knows of a customer. */
export interface SearchDeclaration<C extends Client, R extends CustomerRecord = CustomerRecord> {
  /** The terms that the system can combine. */
  by: readonly (keyof CustomerSearch)[];
  /**
   * Loads records that match all terms of a search, at most `MAX_SEARCH_RECORDS`. It may return records whose name, addresses or
   * number do not match, because the gateway checks these. It must not return records of other orders or tickets. The answers
   * are not cached.
   */
  loader: Loader<C, CustomerSearch, readonly R[]>;
}

/** The records that a search may return: more than are shown, because some may not match or may be one customer. */
export const MAX_SEARCH_RECORDS = 100;

/** How a source identifies customers. The rules are in src/identity/README.md. */
export interface IdentityDeclaration<C extends Client, R extends CustomerRecord = CustomerRecord> {
  /** The namespace of the source's own record ids. `foundBy` must contain it. */
  recordKey: string;
  /** Lookups by namespace. Each loader returns complete records, because `Customer.record()` may return any of them. */
  foundBy: Readonly<Record<string, FoundBy<C, R>>>;
  /**
   * The namespaces of the identifiers in its records, and whether a record holds `one` or `several`. `shown`: the record
   * never vouches for them. A record with an identifier of another namespace is a defect. The gateway derives from this
   * which systems a request can skip.
   */
  yields: Readonly<Record<string, 'one' | 'several' | 'shown'>>;
  /** Searches by what a user knows of a customer. Default: the source is searched by identifiers of `foundBy` alone. */
  searches?: readonly SearchDeclaration<C, R>[];
  /** Whether two records with a common identifier are one customer. Default: they are two. */
  sameCustomer?(a: R, b: R): boolean;
}
