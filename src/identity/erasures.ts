import { ErasedError } from '../errors.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { Identifier } from './identifiers.js';
import type { Match } from './identity-graph.js';
import type { KnownRecord, Link } from './matching.js';

/** Customers who are to be shown to nobody any more, by their identifiers. */
export interface Erasures {
  /** Done when it is known who they are; fails when that cannot be told. Undefined: it is known. */
  loading(): Promise<void> | undefined;
  has(identifier: Identifier): boolean;
  /** None at all: nobody has to be looked up. */
  readonly isEmpty: boolean;
  /** Another one each time that somebody is added or taken out. */
  readonly version: number;
}

/** For whoever may see erased customers too. */
export const NO_ERASURES: Erasures = {
  loading: () => undefined,
  has: () => false,
  isEmpty: true,
  version: 0,
};

/** What was looked up of a match, which is the same object for as long as the answers behind it are kept. */
const looked = fieldWeakMap<Match, { erasures: Erasures; version: number; isErased: boolean }>();

/** Throws an ErasedError when one of the records, of whichever candidate, is an erased customer's. */
export function refuseErased(match: Match, erasures: Erasures): void {
  if (erasures.isEmpty) return;
  const { version } = erasures;
  let last = looked.get(match);
  if (last?.erasures !== erasures || last.version !== version) {
    const isErased = exclusiveIdentifiers(match).some((one) => erasures.has(one));
    looked.set(match, (last = { erasures, version, isErased }));
  }
  if (last.isErased) throw new ErasedError();
}

/**
 * The identifiers that are this customer's and nobody else's: the ids of the records, and what these vouch for. A phone
 * that is shared with others in the house is not among them, so that they are not erased along.
 */
export function exclusiveIdentifiers({
  records,
  links,
}: {
  records: readonly KnownRecord[];
  links: readonly Link[];
}): Identifier[] {
  return [...records.map(({ recordId }) => recordId), ...links.map(({ identifier }) => identifier)];
}
