/**
 * How our words for a GraphQL system's part of the schema map to the vendor's. Our SDL says what can be asked; this
 * says where it is found.
 *
 * A path is written as in the vendor's schema, with dots between the fields: `totalPriceSet.shopMoney`. A field may
 * have arguments: literal, or `$name` for the argument of that name on our field, as in
 * `lineItems(first: $first).nodes`. A number picks from a list: `nodes.0`.
 */
export interface GraphqlMapping {
  /** The private entry points of our SDL, by name. */
  entries: Readonly<Record<string, EntryMapping>>;
  /** Our object types, by name. A field that is not among `fields` has the vendor's own name. */
  types: Readonly<Record<string, TypeMapping>>;
  /**
   * Variables whose values are the connector's settings, with the vendor's type: `{ country: 'CountryCode!' }`. A path
   * has them as `$country`.
   */
  settings?: Readonly<Record<string, string>>;
  /** The most points one request may cost at the vendor; a batch is cut to it. Default: no bound. */
  maxCost?: number;
}

export interface TypeMapping {
  /** The vendor's name of the type. */
  type: string;
  fields?: Readonly<Record<string, string | KeyedField | ComputedField | PagedField | ListedField>>;
  /** The vendor's field without which an object is none of ours: in the place of such an object is null. */
  needs?: string;
}

/** How objects are found by their keys, in one request for many. */
export interface EntryMapping {
  /** Our type. */
  type: string;
  /** The vendor's list, with its variables declared below: `nodes(ids: $ids)`. */
  find: string;
  variables: (keys: readonly string[]) => Readonly<Record<string, VendorVariable>>;
  /** The most keys that the vendor takes in one request. Default: no bound but the cost. */
  maxKeys?: number;
  /**
   * Where the vendor says, beside the list, that there is more than it gave: `pageInfo.hasNextPage`. Who was not found
   * then is not said to be unknown.
   */
  more?: string;
  /** How many objects are read for each key, for counting the cost. Default 1. */
  readsPerKey?: number;
  /**
   * The vendor's field that holds the key, and our key made from it. Records are matched by it, never by position. Of
   * several with one key the first counts; where the key is `unique` none does, since another's might be shown. Where the
   * key is `exact`, the vendor finds nothing but what it was asked for: if there is another object, who was not found is
   * not said to be unknown. A search may well find more.
   */
  key: { field: string; from: (value: unknown) => string; unique?: boolean; exact?: boolean };
}

/**
 * A field that the vendor does not offer on the object itself but as a question of its own for one key. The questions
 * of a batch travel together, under aliases.
 */
export interface KeyedField {
  path: string;
  /**
   * Where the object that is found tells whose it is. One that is another's is refused: a vendor that does not
   * understand a part of a search may well answer without it.
   */
  owner: { path: string; from: (value: unknown) => string };
  variables: (key: string) => Readonly<Record<string, VendorVariable>>;
}

/** A scalar that is computed from the vendor's value at the path. */
export interface ComputedField {
  path: string;
  compute: (value: unknown) => unknown;
}

/**
 * A connection that is a connection at the vendor too: `lineItems(first: $first, after: $after)`. Cursors of clients hold the
 * vendor's cursor, and the id of the object that the list is of. A cursor of another object is refused.
 */
export interface PagedField {
  page: string;
  /** The vendor's field with the id of the object that the list is of. */
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

/** A variable of the vendor's operation. What comes from outside always travels as one, never as text. */
export interface VendorVariable {
  type: string;
  value: unknown;
}
