import type { Context, Customer } from './customer.js';
import type { PartOfList, PartRequest } from './merged-list.js';

/** A value of the enum `TimelineKind`, to which sources may add. */
export type TimelineKind = string;

/** One thing that happened between the customer and us, as a line of the timeline. */
export interface TimelineItem {
  kind: TimelineKind;
  /** ISO 8601 in UTC, with `Z`, to at most six decimals of a second. */
  at: string;
  /** Unique among the source's items; what else its fields are found by. */
  id: string;
  title?: string | null;
  /** Its status, as a value of its source's SDL. */
  status?: string | null;
  amount?: { amount: string; currency: string } | null;
}

/** The request to a source for a part of the timeline. */
export interface TimelineRequest extends PartRequest {
  /** The requested kinds that the source has; never empty. */
  kinds: ReadonlySet<TimelineKind>;
  /** Only items of this moment or later, ISO 8601 in UTC. */
  since: string | null;
}

/** What a source adds to `Customer.timeline`. */
export interface TimelineDeclaration {
  kinds: readonly TimelineKind[];
  /**
   * The newest items of all the customer's records in the source that fit, newest first; one call for a page where that can
   * be. Where the system cannot find them, a `UnsortedItems`.
   */
  page(customer: Customer, request: TimelineRequest, context: Context): Promise<PartOfList<TimelineItem>>;
}
