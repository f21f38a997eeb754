import type { Context, Customer } from './customer.js';

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
  /** How far it is, in the words of its source's SDL. */
  status?: string | null;
  amount?: { amount: string; currency: string } | null;
}

/** What a source is asked for a page of the timeline. */
export interface TimelineRequest {
  /** Of those that the source has, the ones that are wanted; never empty. */
  kinds: ReadonlySet<TimelineKind>;
  /** How many items at most. */
  first: number;
  /**
   * Only items that come after this place in the timeline: newest first, of one moment by id downwards, both compared
   * as text. So: `at < before.at`, or `at = before.at` and `id < before.id`.
   */
  before: { at: string; id: string } | null;
  /** Only items of this moment or later, ISO 8601 in UTC. */
  since: string | null;
}

/** Items of a source whose system cannot find the page. The timeline selects, sorts and cuts them. */
export interface TimelineList {
  /** In any order, whether they fit or not. */
  items: readonly TimelineItem[];
  /** Of each list of the system that was not read to its end: the moment of its oldest item that was read. */
  readBackTo: readonly string[];
}

/** What a source adds to `Customer.timeline`. */
export interface TimelineDeclaration {
  kinds: readonly TimelineKind[];
  /**
   * The newest items of all the customer's records in the source that fit, newest first; one call for a page where that can
   * be. Where the system cannot find them, a `TimelineList`.
   */
  page(
    customer: Customer,
    ask: TimelineRequest,
    context: Context,
  ): Promise<readonly TimelineItem[] | TimelineList>;
}
