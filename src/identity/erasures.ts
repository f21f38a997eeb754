import { ErasedError } from '../errors.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { Identifier } from './identifiers.js';
import type { Match } from './identity-graph.js';
import type { KnownRecord, Link } from './matching.js';

/** Erased customers, by their identifiers. Their data is no longer shown. */
export interface Erasures {
  /** Resolves when the list is loaded; rejects if it cannot be loaded. Undefined if it is loaded already. */
  loading(): Promise<void> | undefined;
  has(identifier: Identifier): boolean;
  /** Whether no customer is erased, so that no check is needed. */
  readonly isEmpty: boolean;
  /** Changes each time that a customer is added or removed. */
  readonly version: number;
}

/** For callers that may also see erased customers. */
export const NO_ERASURES: Erasures = {
  loading: () => undefined,
  has: () => false,
  isEmpty: true,
  version: 0,
};

/** The last check of each match. A match is the same object while the answers behind it are cached. */
const lastChecks = fieldWeakMap<Match, { erasures: Erasures; version: number; isErased: boolean }>();

/** Throws an ErasedError if a record of any candidate belongs to an erased customer. */
export function refuseErased(match: Match, erasures: Erasures): void {
  if (erasures.isEmpty) return;
  const { version } = erasures;
  let last = lastChecks.get(match);
  if (last?.erasures !== erasures || last.version !== version) {
    const isErased = exclusiveIdentifiers(match).some((identifier) => erasures.has(identifier));
    lastChecks.set(match, (last = { erasures, version, isErased }));
  }
  if (last.isErased) throw new ErasedError();
}

/**
 * The identifiers that belong to this customer only: the ids of the records and the identifiers that these vouch for. A
 * phone number that a household shares is excluded, so that other people in the household are not erased.
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
