/**
 * A clock in milliseconds that never goes back. Ages, rates and quotas are measured by it; waiting uses `setTimeout`.
 * Tests give a clock of their own.
 */
export interface Clock {
  now(): number;
}
