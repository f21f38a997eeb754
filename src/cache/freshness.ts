import { milliseconds, type Duration } from '../duration.js';

/** How long a source's answers may be kept, in HTTP's words (RFC 9111, RFC 5861). */
export interface FreshnessOptions {
  /**
   * An answer younger than this is given without asking the system. With `'0 s'` every request asks the system; only
   * requests for the same thing at the same moment share one call. `staleWhileRevalidate` and `notFoundMaxAge` are then
   * `'0 s'` too, unless they stand beside it.
   */
  maxAge?: Duration;
  /**
   * For so long beyond `maxAge` an answer is still given at once, marked as stale, while the system is asked behind
   * it. Default `'0 s'`: nobody gets an answer that is no longer fresh.
   */
  staleWhileRevalidate?: Duration;
  /**
   * For so long beyond `maxAge` an answer is given, marked as stale, when the system cannot answer. Default `'0 s'`:
   * the field is null with the system's error.
   */
  staleIfError?: Duration;
  /** The `maxAge` of the answer that there is nothing. Default: `maxAge`, but 10 s at most. */
  notFoundMaxAge?: Duration;
}

/** The same in milliseconds, with every default in its place. */
export interface Freshness {
  maxAgeMs: number;
  staleWhileRevalidateMs: number;
  staleIfErrorMs: number;
  notFoundMaxAgeMs: number;
  /** Whether there is a `maxAge` at all. Without one the system's own word holds, should it give one. */
  hasMaxAge: boolean;
}

/** What a caller says about the age of what it gets (RFC 9111, 5.2.1). Without any of it the source's policy holds. */
export interface Wanted {
  /** `max-age`: nothing older, stale or not. 0 is `no-cache`. */
  maxAgeMs?: number;
  /** `max-stale`: an answer that is stale for no longer than this will do. */
  maxStaleMs?: number;
  /** `only-if-cached`: no system is asked. */
  onlyIfCached?: boolean;
  /** No answer that is stale by the policy of its source, neither while the system is asked anew nor when it fails. */
  isFreshOnly?: boolean;
}

const NOT_FOUND_MAX_AGE_MS = 10_000;

/** The longest `notFoundMaxAge` of what finds customers in a system that holds consent. */
export const LONGEST_UNKNOWN_WITH_CONSENT = '10 s' satisfies Duration;
const LONGEST_UNKNOWN_WITH_CONSENT_MS = milliseconds(LONGEST_UNKNOWN_WITH_CONSENT);

/** The freshness of a source that declares none: a page view costs a system one call in ten seconds. */
export const DEFAULT_FRESHNESS = {
  maxAge: '10 s',
  staleWhileRevalidate: '20 s',
  staleIfError: '1 hour',
} as const satisfies FreshnessOptions;

/**
 * The freshness of loaders that find customers, in a source that declares none. An identity changes seldom, and without
 * a cache each page view would wait for one more round of calls.
 */
export const DEFAULT_IDENTITY_FRESHNESS = { maxAge: '1 minute' } as const satisfies FreshnessOptions;

/** A policy with the words of a more specific one in place of its own. */
export function overridden(policy: FreshnessOptions, own: FreshnessOptions = {}): FreshnessOptions {
  if (own.maxAge === undefined || milliseconds(own.maxAge) > 0) return { ...policy, ...own };
  // What is never fresh is not given because it was fresh lately. The outage of a system is another matter.
  const { staleIfError = '0 s' } = policy;
  return { staleWhileRevalidate: '0 s', staleIfError, ...own };
}

/** A loader's own freshness, else its source's, else none. */
export function freshness(own: FreshnessOptions = {}, ofSource: FreshnessOptions = {}): Freshness {
  const { maxAge, staleWhileRevalidate, staleIfError, notFoundMaxAge } = overridden(ofSource, own);
  const maxAgeMs = milliseconds(maxAge ?? '0 s');
  return {
    maxAgeMs,
    staleWhileRevalidateMs: milliseconds(staleWhileRevalidate ?? '0 s'),
    staleIfErrorMs: milliseconds(staleIfError ?? '0 s'),
    notFoundMaxAgeMs:
      notFoundMaxAge === undefined ? Math.min(maxAgeMs, NOT_FOUND_MAX_AGE_MS) : milliseconds(notFoundMaxAge),
    hasMaxAge: maxAge !== undefined,
  };
}

/** For how long an answer with this `maxAge` can be of any use. */
export function retentionMs(maxAgeMs: number, { staleWhileRevalidateMs, staleIfErrorMs }: Freshness): number {
  return maxAgeMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

/** An answer that is kept, as far as its age goes. */
interface Aged {
  ageMs: number;
  maxAgeMs: number;
}

/** `fresh`: give it. `stale`: give it, and ask the system behind it. `ask`: the system must be asked first. */
export function decideFreshness(
  { ageMs, maxAgeMs }: Aged,
  { staleWhileRevalidateMs }: Freshness,
  wanted: Wanted,
): 'fresh' | 'stale' | 'ask' {
  if (wanted.maxAgeMs !== undefined && ageMs >= wanted.maxAgeMs) return 'ask';
  if (ageMs < maxAgeMs) return 'fresh';
  if (wanted.isFreshOnly === true) return 'ask';
  return ageMs - maxAgeMs < Math.max(staleWhileRevalidateMs, wanted.maxStaleMs ?? 0) ? 'stale' : 'ask';
}

/**
 * How fresh the answer of a system that holds consent must be, where it did not know the customer and the purpose needs
 * consent. The customer may have refused there since. No policy and no `Cache-Control` makes it last longer.
 */
export function wantedOfUnknownCustomer(wanted: Wanted): Wanted {
  const { maxAgeMs = Infinity } = wanted;
  return { ...wanted, maxAgeMs: Math.min(maxAgeMs, LONGEST_UNKNOWN_WITH_CONSENT_MS), isFreshOnly: true };
}

/** Whether it may stand in for the answer of a system that failed. A caller that wants nothing so old is not given it. */
export function canReplaceError(
  { ageMs, maxAgeMs }: Aged,
  { staleIfErrorMs }: Freshness,
  wanted: Wanted,
): boolean {
  if (wanted.isFreshOnly === true) return false;
  if (wanted.maxAgeMs !== undefined && ageMs >= wanted.maxAgeMs) return false;
  return ageMs - maxAgeMs < staleIfErrorMs;
}

export function isNothing(value: unknown): boolean {
  return value == null || (Array.isArray(value) && value.length === 0);
}

/** The system's own word on how long its answer holds is believed where the policy says longer, or nothing. */
export function maxAgeOf(value: unknown, holdsMs: number | undefined, policy: Freshness): number {
  const ownMs = isNothing(value) ? policy.notFoundMaxAgeMs : policy.maxAgeMs;
  if (holdsMs === undefined) return ownMs;
  return policy.hasMaxAge ? Math.min(holdsMs, ownMs) : holdsMs;
}
