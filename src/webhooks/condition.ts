/** A condition of subscriptions on a field of `Customer`, as `@condition` declares it. */
export interface CustomerCondition {
  /** The argument of Subscription fields, such as `isFirstOrder`. */
  name: string;
  /** The selection on the customer, such as `orderCount { value }`. */
  selection: string;
  /** Whether the selected customer meets the condition. Undefined if the customer has no value. */
  isMet(customer: object): boolean | undefined;
}
