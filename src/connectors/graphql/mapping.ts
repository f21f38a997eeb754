/**
 * Maps our part of the schema to the vendor's. Our SDL defines what clients can request; this defines where the
 * vendor has it.
 *
 * A path is written as in the vendor's schema, with dots between the fields: `totalPriceSet.shopMoney`. A field may
 * have arguments: literals, or `$name` for the argument of that name on our field, as in `lineItems(first:
 * $first).nodes`. A number selects from a list: `nodes.0`.
 */
export interface GraphqlMapping {
  /** The private entry points of our SDL, by name. */
  entries: Readonly<Record<string, EntryMapping>>;
  /** Our object types, by name. A field that is not in `fields` has the same name at the vendor. */
  types: Readonly<Record<string, TypeMapping>>;
  /**
   * Variables whose values come from the connector's settings, with the vendor's type: `{ country: 'CountryCode!' }`.
   * A path uses them as `$country`.
   */
  settings?: Readonly<Record<string, string>>;
  /** Maximum cost of one request in the vendor's points; batches are split to stay below it. Default: no bound. */
  maxCost?: number;
}

export interface TypeMapping {
  /** The vendor's name of the type. */
  type: string;
  fields?: Readonly<Record<string, string | KeyedField | ComputedField | PagedField | ListedField>>;
  /** The vendor's field that every object of the type has. An object without it becomes null. */
  needs?: string;
}

/** How to find objects by their keys, in one request for many. */
export interface EntryMapping {
  /** Our type. */
  type: string;
  /** The vendor's list, with its variables declared below: `nodes(ids: $ids)`. */
  find: string;
  variables: (keys: readonly string[]) => Readonly<Record<string, VendorVariable>>;
  /** Maximum number of keys in one request. Default: bounded only by the cost. */
  maxKeys?: number;
  /**
   * The vendor's field that reports more results than were returned: `pageInfo.hasNextPage`. A key that was not found
   * then gets an error instead of null.
   */
  more?: string;
  /** How many objects are read for each key, for counting the cost. Default 1. */
  readsPerKey?: number;
  /**
   * The vendor's field that contains the key, and how to compute our key from it. Records are matched by it, never by
   * position. If several have one key, the first is used; with `unique` none of them is used, because it might belong to another
   * customer. With `exact`, the vendor returns only what was requested: if it returns another object, a missing key
   * gets an error instead of null. A search may return more.
   */
  key: { field: string; from: (value: unknown) => string; unique?: boolean; exact?: boolean };
}

/**
 * A field that the vendor has only as a separate query for each key. The queries of a batch are sent together, with
 * aliases.
 */
export interface KeyedField {
  path: string;
  /**
   * Where the object contains the key of its owner. An object of another owner is refused, because a vendor that does
   * not understand a part of a search may ignore it.
   */
  owner: { path: string; from: (value: unknown) => string };
  variables: (key: string) => Readonly<Record<string, VendorVariable>>;
}

/** A field whose value is computed from the vendor's value at the path. */
export interface ComputedField {
  path: string;
  /** The vendor's fields, if its value is an object: `{ amount currency: currencyCode }`. Default: it is a scalar. */
  select?: string;
  /** Returns a scalar, or an object with the fields of our type. The result is checked against our SDL. */
  compute: (value: unknown) => unknown;
}

/**
 * A connection that is a connection at the vendor too: `lineItems(first: $first, after: $after)`. Cursors of clients hold the
 * vendor's cursor, and the id of the object that has the list. A cursor of another object is refused.
 */
export interface PagedField {
  page: string;
  /** The vendor's field with the id of the object that has the list. */
  ownerId: string;
}

/**
 * A connection that the vendor returns as one whole list: `fulfillments`. The gateway cuts the page. Items are sorted
 * by two of the vendor's fields, ascending; the second is unique in the list.
 */
export interface ListedField {
  list: string;
  sortedBy: readonly [sortKey: string, id: string];
}

/** A variable of the vendor's operation. Input from outside is always sent as a variable, never as text. */
export interface VendorVariable {
  type: string;
  value: unknown;
}
