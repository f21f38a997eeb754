import type { GatewayError } from '../errors.js';
import type { Load } from '../loaders/registry.js';
import { ChunkedWork } from '../chunked-work.js';
import type { CustomerRecord } from './declaration.js';
import { NO_ERASURES, type Erasures } from './erasures.js';
import type { Identifier } from './identifiers.js';
import { textOf, type IdentityRules, type KnownRecord, type Limit, type Link } from './matching.js';
import { WalkedIdentity } from './walked-identity.js';
import { Walker } from './walker.js';

export type { IdentityRules } from './matching.js';

/** What asking one source has come to. */
export type Outcome =
  /** All the customer's records in the source; the first one is whose single values count. */
  | { kind: 'found'; records: readonly CustomerRecord[] }
  /** It was asked and knows nobody, or nothing that is known is something it can be asked by. */
  | { kind: 'unknown' }
  | { kind: 'failed'; error: GatewayError };

/** A source that was asked by an identifier, and a record that it told of. */
export interface Finding {
  source: string;
  identifier: Identifier;
  record: KnownRecord;
}

/** What would have linked the customer's records with others, and was not followed. */
export interface MatchConflict {
  namespace: string;
  /** That would have come together. */
  values: readonly string[];
  over: Identifier;
}

/** All that is known of who an identifier means. */
export interface Match {
  kind: 'identified' | 'ambiguous' | 'unknown';
  /** How many customers it may mean. */
  candidates: number;
  /** The system that tells of several customers under the identifier, if it is one. */
  severalIn: string | undefined;
  /** The customer's records; of an ambiguous one, those of all candidates. */
  records: readonly KnownRecord[];
  /** Of these records, why they are one customer. */
  links: readonly Link[];
  findings: readonly Finding[];
  conflicts: readonly MatchConflict[];
  limitsReached: ReadonlySet<Limit>;
  /** Sources that could not be asked. */
  failed: ReadonlyMap<string, GatewayError>;
  queriedSources: ReadonlySet<string>;
}

/** One customer's identifiers and records, found out as they are needed. */
export interface Identity {
  readonly start: Identifier;
  /**
   * Whether any system knows the customer; asks what matters to the wanted sources. Throws AmbiguousIdentityError, or
   * a source's error when nobody knows the customer but not everybody has answered. As all of these: an ErasedError
   * when the customer is erased, and no source is asked when that is known of the identifier itself.
   */
  isKnown(wanted: ReadonlySet<string>): Promise<boolean>;
  /** The customer's records in one source. */
  findIn(source: string): Promise<Outcome>;
  /** The same, when it is known and nothing that is still to be answered could change it. Throws what `find` fails with. */
  foundIn(source: string): Outcome | undefined;
  /** Everything, of every source. */
  fullMatch(): Promise<Match>;
  /** The record that is believed most of those found so far; undefined when there is none, or nobody knows whose. */
  strongestIdentifier(): Identifier | undefined;
}

/** One request's identities. Those that are asked for at the same moment walk in step. */
export interface Identities {
  of(start: Identifier): Identity;
}

export function createIdentities(
  rules: IdentityRules,
  load: Load,
  erasures: Erasures = NO_ERASURES,
  chunks = new ChunkedWork(),
): Identities {
  const walker = new Walker(rules, load, chunks);
  const identities = new Map<string, Identity>();
  return {
    of: (start) => {
      const text = textOf(start);
      let identity = identities.get(text);
      if (identity === undefined)
        identities.set(text, (identity = new WalkedIdentity(start, rules, walker, erasures)));
      return identity;
    },
  };
}
