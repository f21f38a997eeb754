import type { GatewayError } from '../errors.js';
import { ChunkedWork } from '../chunked-work.js';
import { Changing } from './changes.js';
import type { CustomerRecord } from './declaration.js';
import { NO_ERASURES, type Erasures } from './erasures.js';
import type { Identifier } from './identifiers.js';
import type { IdentityLoaders } from './lookups.js';
import { textOf, type IdentityRules, type KnownRecord, type Limit, type Link } from './matching.js';
import { relevantSources } from './relevant-sources.js';
import { WalkedIdentity } from './walked-identity.js';
import { Walker } from './walker.js';

export type { IdentityRules } from './matching.js';

/** The result of a search for the customer in one source. */
export type Outcome =
  /** All the customer's records in the source. Fields that hold one value use the first record. */
  | { kind: 'found'; records: readonly CustomerRecord[] }
  /** The source has no record of the customer, or none of the known identifiers can find one there. */
  | { kind: 'unknown' }
  | { kind: 'failed'; error: GatewayError };

/** A record, and the source and identifier by which a lookup found it. */
export interface Finding {
  source: string;
  identifier: Identifier;
  record: KnownRecord;
}

/** A link between the customer's records and others that was refused. */
export interface MatchConflict {
  namespace: string;
  /** The different values that the link would have joined. */
  values: readonly string[];
  over: Identifier;
}

/** The result of a walk: the customer of an identifier. */
export interface Match {
  kind: 'identified' | 'ambiguous' | 'unknown';
  /** How many customers the identifier may mean. */
  candidates: number;
  /** The system that returns several customers for the identifier, if there is one. */
  severalIn: string | undefined;
  /** The customer's records; if the match is ambiguous, those of all candidates. */
  records: readonly KnownRecord[];
  /** The links that join these records. */
  links: readonly Link[];
  findings: readonly Finding[];
  conflicts: readonly MatchConflict[];
  limitsReached: ReadonlySet<Limit>;
  /** Sources that failed, with their errors. */
  failed: ReadonlyMap<string, GatewayError>;
  queriedSources: ReadonlySet<string>;
}

/** One customer's identifiers and records, loaded when they are needed. */
export interface Identity {
  readonly start: Identifier;
  /**
   * Whether any system knows the customer. Queries the sources that are relevant to the wanted ones. Throws an
   * AmbiguousIdentityError if the identifier may mean several customers. Throws a source's error if no system knows the
   * customer and a source failed. All methods throw an ErasedError if the customer is erased. If the start identifier
   * itself is erased, no source is queried.
   */
  isKnown(wanted: ReadonlySet<string>): Promise<boolean>;
  /** The result of `isKnown`, if it is known already; else undefined. Throws the errors with which `isKnown` rejects. */
  isAlreadyKnown(wanted: ReadonlySet<string>): boolean | undefined;
  /** The customer's records in one source. */
  findIn(source: string): Promise<Outcome>;
  /**
   * The result of `findIn`, if it is known already and no pending lookup can change it; else undefined. Throws the errors
   * with which `findIn` rejects.
   */
  foundIn(source: string): Outcome | undefined;
  /** The match over all sources. */
  fullMatch(): Promise<Match>;
  /** The id of the most trusted record found until now; undefined if there is none, or the match is ambiguous. */
  strongestIdentifier(): Identifier | undefined;
}

/** The identities of one request. Identities that are requested together run their walks together. */
export interface Identities {
  of(start: Identifier): Identity;
  /**
   * Identifies a list of customers. Resolves when `isAlreadyKnown` has a result for the first of them; the others may need
   * more rounds or a slow system. Never rejects.
   */
  walkTogether(starts: readonly Identifier[], wanted: ReadonlySet<string>): Promise<void>;
}

export function createIdentities(
  rules: IdentityRules,
  loaders: IdentityLoaders,
  erasures: Erasures = NO_ERASURES,
  chunks = new ChunkedWork(),
): Identities {
  const walker = new Walker(rules, loaders, chunks);
  const search = { rules, walker, erasures };
  const identities = new Map<string, WalkedIdentity>();
  const of = (start: Identifier): WalkedIdentity => {
    const text = textOf(start);
    let identity = identities.get(text);
    if (identity === undefined) identities.set(text, (identity = new WalkedIdentity(start, search)));
    return identity;
  };
  return {
    of,
    walkTogether: async (starts, wanted) => {
      try {
        await erasures.loading();
        const walks = starts
          .filter((start) => erasures.isEmpty || !erasures.has(start))
          .map((start) => of(start).begin(relevantSources(rules, wanted, start.namespace)));
        await Changing.until(walks, () => walks.length === 0 || walks.some(({ hasEnded }) => hasEnded));
      } catch {
        // `isKnown` rejects with the error.
      }
    },
  };
}
