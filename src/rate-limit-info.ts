/** What a system reports about how many more calls it accepts, as in its rate-limit headers. */
export interface RateLimitInfo {
  /** Calls that are left until the reset. */
  remaining?: number | undefined;
  /** Milliseconds from now until the reset. */
  resetMs?: number | undefined;
  /** Milliseconds from now in which it accepts no call at all. */
  retryAfterMs?: number | undefined;
}
