/** A condition of subscriptions that a field of `Customer` decides, as `@condition` declares it. */
export interface CustomerCondition {
  /** The argument of Subscription fields, such as `firstOrder`. */
  name: string;
  /** What is selected of the customer, such as `orderCount { value }`. */
  selection: string;
  /** Whether a customer, read by the selection, meets it. Undefined: the customer has no value to judge by. */
  isMet(customer: object): boolean | undefined;
}
