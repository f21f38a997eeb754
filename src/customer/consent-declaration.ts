import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { Context, Customer } from './customer.js';
import type { ConsentChannel, ConsentStatus, Purpose } from './schema.generated.js';

/** What a customer said about one use of personal data, as a system holds it. */
export interface ConsentStatement {
  purpose: Purpose;
  /** Left out when it is for every channel, or for none in particular. */
  channel?: ConsentChannel | null | undefined;
  /** The kind of mail, by the name that the system shows. An entry with a topic never decides about permission. */
  topic?: string | null | undefined;
  status: ConsentStatus;
  /** When it was said, ISO 8601 in UTC with `Z`; null when the system does not tell. */
  updatedAt?: string | null | undefined;
  /** How the system knows, in words for a privacy officer; never personal data. */
  evidence?: string | null | undefined;
}

/** What a source tells of consent. It says who its customers are, too (`identity`). */
export interface ConsentDeclaration<C extends Client = Client> {
  /** The purposes that it may say something about. While it cannot be asked, none of them is taken as allowed. */
  purposes: readonly Purpose[];
  /**
   * What each of its records says, by the record's id; an empty list when nothing. Of the loader, only `name`, `maxBatch` and
   * `load` are used. It need not be among the source's `loaders`. How long its answers are kept is not for it to say: five seconds, and never used stale, so that a
   * withdrawal is in force as soon as that.
   */
  ofRecord: Loader<C, string, readonly ConsentStatement[]>;
  /**
   * What the system notes beside consent, such as opt-outs of single kinds of mail and legal bases. Only `Customer.consents` reads it; it
   * never decides about permission. Its loaders have the freshness of the source.
   */
  notesOf?(customer: Customer, context: Context): Promise<readonly ConsentStatement[]>;
}
