import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { Context, Customer } from './customer.js';
import type { ConsentChannel, ConsentStatus, Purpose } from './schema.generated.js';

/** A customer's consent or refusal for one use of personal data, as a system holds it. */
export interface ConsentStatement {
  purpose: Purpose;
  /** Absent if it applies to every channel, or names none. */
  channel?: ConsentChannel | null | undefined;
  /** The kind of mail, by the name that the system shows. An entry with a topic never decides about permission. */
  topic?: string | null | undefined;
  status: ConsentStatus;
  /** When it was stated, ISO 8601 in UTC with `Z`; null if the system does not report it. */
  updatedAt?: string | null | undefined;
  /** The system's evidence, in words for a privacy officer; never personal data. */
  evidence?: string | null | undefined;
}

/** The consent that a source holds. The source must also declare `identity`. */
export interface ConsentDeclaration<C extends Client = Client> {
  /** The purposes that its statements may concern. While the source is unavailable, none of them is allowed. */
  purposes: readonly Purpose[];
  /**
   * Loads the statements of a record by its id; an empty list if there are none. Only `name`, `maxBatch` and `load` of the
   * loader are used, and it need not be among the source's `loaders`. Its freshness is fixed: answers are cached for five
   * seconds and never used stale, so that a withdrawal takes effect within that time.
   */
  ofRecord: Loader<C, string, readonly ConsentStatement[]>;
  /**
   * Loads what the system notes beside consent, such as opt-outs of single kinds of mail and legal bases. Only
   * `Customer.consents` reads it; it never decides about permission. Its loaders have the freshness of the source.
   */
  notesOf?(customer: Customer, context: Context): Promise<readonly ConsentStatement[]>;
}
