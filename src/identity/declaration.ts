import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';

/** A kind of identifier that customers have: how it is written, and what it may do. */
export interface Namespace {
  /** As in `customer(by: { <name>: ... })`. */
  name: string;
  /** Told to the analyst in the schema: what it is, how it is written. */
  description: string;
  /**
   * The one way to write the identifier, or null when it cannot be one. Applying it twice changes nothing. It changes a value by
   * documented rules alone, and refuses what these do not cover: two values that differ must not become one.
   */
  normalise(value: string): string | null;
  /**
   * Why a value in its one way of writing identifies nobody, such as "its domain is blocked"; undefined when it identifies
   * somebody. Callers see the reason, so it does not repeat the value. Default: every value identifies somebody.
   */
  refusal?(value: string): string | undefined;
  /** Placeholders that identify nobody, in lower case. Default: the gateway's `IDENTITY_BLOCKED_VALUES`. */
  blockedValues?: ReadonlySet<string>;
  /** Whether this value may link one record to another. Default: every value may. */
  mayLink?(value: string): boolean;
  /**
   * How many values a customer has. Default `'several'`. With `'one'`, records that hold different values are not one
   * customer: what would link them is a conflict, unless their source's `sameCustomer` says otherwise.
   */
  perCustomer?: 'one' | 'several';
  /** A value as it may be shown to who may not see it: enough to recognise, too little to use. Default: its first and last character. */
  mask?(value: string): string;
  /**
   * The field that shows the same value, such as `Customer.emails`. Callers that may not see the field do not see such
   * identifiers. No caller sees them when no plugged-in source provides the field. Left out: no other field shows them.
   */
  shownBy?: string;
}

/** One identifier that a record of a source holds. */
export interface YieldedIdentifier {
  namespace: string;
  value: string | null | undefined;
  /** The system itself has made sure that the identifier is this customer's. Default false. */
  verified?: boolean;
}

/** A postal address; its parts belong together and are never mixed with those of another record. */
export interface AddressValue {
  street?: string | null;
  houseNumber?: string | null;
  postcode?: string | null;
  city?: string | null;
  /** ISO 3166-1 alpha-2, such as NL. */
  country?: string | null;
}

/** What a record says of its customer in words that all systems share. One value of many is chosen by survivorship. */
export interface Profile {
  /** Full name as the system would write it on a letter. */
  name?: string | null;
  /** IETF tag, such as `nl` or `nl-NL`. */
  language?: string | null;
  /** ISO 8601 date. */
  birthDate?: string | null;
  address?: AddressValue | null;
  /** When the system itself last changed the record, ISO 8601 with a zone. Values without it are never the most recent. */
  updatedAt?: string | null;
}

/** What a source's record says about who the customer is. */
export interface CustomerRecord {
  /** The record's own id in its system, in the namespace that the source declares as its `recordKey`. */
  id: string;
  identifiers: readonly YieldedIdentifier[];
  profile?: Profile;
}

/**
 * Whether two people can have one value, as far as the system sees to it.
 *
 * - `enforced`: it refuses a second record with the value.
 * - `usual`: it is one person's as a rule. Held by one customer alone it links, held by several it is ambiguous.
 * - `verified`: people share it; it links where the system says that it has verified it.
 * - `none`: people share it. The system is asked by it when the caller has nothing else; it never links.
 */
export type Uniqueness = 'enforced' | 'usual' | 'verified' | 'none';

/** A question that a source can be asked about who somebody is. */
export interface FoundBy<C extends Client, R extends CustomerRecord = CustomerRecord> {
  /** A fact of the system. Be honest: it decides whether two people are one. */
  uniqueness: Uniqueness;
  /** All records under an identifier, none being an empty list. */
  loader: Loader<C, string, readonly R[]>;
}

/** How a source takes part in finding out who a customer is: src/identity/README.md has the rules. */
export interface IdentityDeclaration<C extends Client, R extends CustomerRecord = CustomerRecord> {
  /** The namespace of the source's own record ids. The source can be asked by it. */
  recordKey: string;
  /**
   * By namespace. All loaders give whole records: a field may be read from the record of any of them, see
   * `Customer.record()`.
   */
  foundBy: Readonly<Record<string, FoundBy<C, R>>>;
  /**
   * The namespaces of which its records hold values, and whether one record can hold `several`; `shown` are those that it
   * never vouches for, neither unique nor verified. A record that holds one not named here is a defect. It decides which
   * systems need not be asked.
   */
  yields: Readonly<Record<string, 'one' | 'several' | 'shown'>>;
  /** By which rule two records under one identifier are one customer. Default: by none, they are two. */
  sameCustomer?(one: R, other: R): boolean;
}
