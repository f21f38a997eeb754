import type { FreshnessOptions } from '../cache/freshness.js';
import type { Context, Customer } from './customer.js';
import type { ConsentChannel, ConsentStatus, Purpose } from './schema.generated.js';

/** What a customer said about one use of personal data, as a system holds it. */
export interface ConsentStatement {
  purpose: Purpose;
  /** Left out when it is for every channel, or for none in particular. */
  channel?: ConsentChannel | null;
  status: ConsentStatus;
  /** When it was said, ISO 8601 in UTC with `Z`; null when the system does not tell. */
  updatedAt?: string | null;
  /** How the system knows, in words for a privacy officer; never personal data. */
  evidence?: string | null;
}

/** What a source tells of consent. */
export interface ConsentDeclaration {
  /** The purposes that it may say something about. While it cannot be asked, none of them is taken as allowed. */
  purposes: readonly Purpose[];
  /**
   * What all the customer's records in the source say. Empty when it does not know the customer. Asked by a loader with
   * `CONSENT_FRESHNESS`, whose answers are kept for seconds and never used stale: a withdrawal is in force as soon as that.
   */
  of(customer: Customer, context: Context): Promise<readonly ConsentStatement[]>;
}

/**
 * The freshness of every loader that `of` asks. Each part is said, since what a loader leaves out is its source's: a
 * grant that outlives the system's silence could be one that was withdrawn.
 */
export const CONSENT_FRESHNESS = {
  maxAge: '5 s',
  staleWhileRevalidate: '0 s',
  staleIfError: '0 s',
  notFoundMaxAge: '5 s',
} as const satisfies FreshnessOptions;
