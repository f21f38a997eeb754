import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { Context, Customer } from './customer.js';
import type { Money, TicketStatus } from './schema.generated.js';

/** The value of a customer, by type of condition. */
export interface ConditionValues {
  COUNT: number;
  /** At most one amount for each currency. */
  MONEY: readonly Money[];
  /** ISO 8601 with a time zone. */
  DATE_TIME: string;
  TEXT: string;
  /** All tickets of the customer in the system. Several systems may declare one such condition: all their tickets count. */
  TICKETS: readonly ConditionTicket[];
}

/** A ticket, as far as conditions compare it. */
export interface ConditionTicket {
  /** Null: the system has another state. It meets no comparison of the status. */
  status: TicketStatus | null;
  isOpen: boolean;
  /** ISO 8601 with a time zone. */
  createdAt: string | null;
}

/** What a ticket is compared with. All given members must hold, and at least one is given. */
export interface TicketComparison {
  status?: readonly TicketStatus[];
  isOpen?: boolean;
  createdAt?: { since?: string; before?: string };
}

/** What a value is compared with, by type of condition. All given members must hold, and at least one is given. */
export interface Comparisons {
  COUNT: { atLeast?: number; atMost?: number };
  /** Exact decimals. An amount that the customer does not have is 0. */
  MONEY: { currency: string; atLeast?: string; atMost?: string };
  /** ISO 8601 with a time zone. `since` includes the moment, `before` does not. */
  DATE_TIME: { since?: string; before?: string };
  /** The value is one of these, letter by letter. */
  TEXT: { in: readonly string[] };
  /** `some`: at least one ticket meets it. `none`: no ticket meets it. */
  TICKETS: { some?: TicketComparison; none?: TicketComparison };
}

export type ConditionType = keyof ConditionValues;

/** Requests a part of a list. */
export interface ListRequest<T extends ConditionType = ConditionType> {
  comparison: Comparisons[T];
  /** The part begins after this record id. Null: at the first record. */
  after: string | null;
  /** Record ids in the part at most. */
  first: number;
}

/** A part of a list. It has at least one record id if there are more. */
export interface ListPart {
  /** Ids of the source's records (`identity.recordKey`), each once, in the order of the list. */
  recordIds: readonly string[];
  hasMore: boolean;
}

/** How a system lists the customers that meet a condition. */
export interface ConditionList<C extends Client, T extends ConditionType = ConditionType> {
  /** Why the system cannot list by this comparison, as a sentence. Undefined if it can. */
  refusal?(comparison: Comparisons[T]): string | undefined;
  /**
   * Lists records in an order that does not change while they change, such as that of their ids. Each customer who meets the
   * comparison must have a record in the list. Other customers may be in it too, because the gateway compares their values.
   */
  loader: Loader<C, ListRequest<T>, ListPart>;
  /** Counts or estimates the records of the list. */
  count: Loader<C, Comparisons[T], number>;
  /** Record ids that one call can list. */
  maxPerCall: number;
}

/** A property by which audiences select customers. */
export interface ConditionDeclaration<C extends Client = Client, T extends ConditionType = ConditionType> {
  /** Its field in `AudienceCondition`, such as `orderCount`. Unique over all sources, except for `TICKETS`. */
  name: string;
  /** Published in the schema. */
  description: string;
  type: T;
  /** The field that shows the same value, such as `Customer.orderCount`. Callers without access to it cannot use the condition. */
  shownBy: string;
  /**
   * Reads the value of one customer. The customers of a batch are read together. Null: the system holds no value. Throws if the
   * value is not certain.
   */
  read(
    customer: Customer,
    context: Context,
  ): ConditionValues[T] | null | PromiseLike<ConditionValues[T] | null>;
  /**
   * Whether a customer without a value meets a comparison. `FALSE`: never, because the absence is a fact, such as "no order".
   * Default: `UNKNOWN`.
   */
  withoutValue?: 'FALSE' | 'UNKNOWN';
  /** The loaders that `read` uses, for the plan. Default: none, because the value is in the customer's record. */
  loaders?: readonly Loader<C, never, unknown>[];
  /** How the system lists customers by it. A text is the reason why it cannot. */
  list: ConditionList<C, T> | string;
}

/** A condition of any type. */
export type AnyCondition<C extends Client = Client> = {
  [T in ConditionType]: ConditionDeclaration<C, T>;
}[ConditionType];
