/**
 * A clock in milliseconds that never goes back. Ages, rates and quotas are measured by it; waiting uses `setTimeout`.
 * Tests pass their own clock.
 */
export interface Clock {
  now(): number;
}
