import { milliseconds, type Duration } from '../duration.js';

/** How long a source's answers may be kept, in HTTP's words (RFC 9111). */
export interface FreshnessOptions {
  /**
   * An answer younger than this is given without asking the system. Default `'0 s'`: every request asks the system;
   * only requests for the same thing at the same moment share one call.
   */
  maxAge?: Duration;
}

export interface Freshness {
  maxAgeMs: number;
}

/** A loader's own freshness, else its source's, else none. */
export function freshness(
  own: FreshnessOptions | undefined,
  ofSource: FreshnessOptions | undefined,
): Freshness {
  return { maxAgeMs: milliseconds(own?.maxAge ?? ofSource?.maxAge ?? '0 s') };
}
