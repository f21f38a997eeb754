import { milliseconds, type Duration } from '../duration.js';

/** How long a source's answers may be cached, in the terms of HTTP caching (RFC 9111, RFC 5861). */
export interface FreshnessOptions {
  /**
   * A younger answer is returned without calling the system. With `'0 s'` every request calls the system; only
   * simultaneous requests for the same key share one call. `staleWhileRevalidate` and `notFoundMaxAge` are then `'0
   * s'` too, unless they are set in the same place.
   */
  maxAge?: Duration;
  /**
   * For this time after `maxAge` an answer is still returned at once, marked as stale, while it is refreshed in the
   * background. Default `'0 s'`: no stale answers.
   */
  staleWhileRevalidate?: Duration;
  /**
   * For this time after `maxAge` an answer is returned, marked as stale, when the system fails. Default `'0 s'`: the
   * field is null with the system's error.
   */
  staleIfError?: Duration;
  /** The `maxAge` of an empty answer: null or an empty list. Default: `maxAge`, but 10 s at most. */
  notFoundMaxAge?: Duration;
}

/** Freshness options in milliseconds, with defaults filled in. */
export interface Freshness {
  maxAgeMs: number;
  staleWhileRevalidateMs: number;
  staleIfErrorMs: number;
  notFoundMaxAgeMs: number;
  /** Whether a `maxAge` was set. Without one, the lifetime that the system reports is used, if it reports one. */
  hasMaxAge: boolean;
}

/** The freshness that a caller requires (RFC 9111, 5.2.1). For members left out, the source's policy applies. */
export interface Wanted {
  /** `max-age`: no older answer, fresh or stale. 0 is `no-cache`. */
  maxAgeMs?: number;
  /** `max-stale`: an answer that has been stale for less time than this is accepted. */
  maxStaleMs?: number;
  /** `only-if-cached`: no system is called. */
  onlyIfCached?: boolean;
  /**
   * Never returns an answer that is stale by the policy of its source, neither during a refresh nor when the system
   * fails.
   */
  isFreshOnly?: boolean;
}

const NOT_FOUND_MAX_AGE_MS = 10_000;

/** The maximum `notFoundMaxAge` of loaders that identify customers in a system that holds consent. */
export const LONGEST_UNKNOWN_WITH_CONSENT = '10 s' satisfies Duration;
const LONGEST_UNKNOWN_WITH_CONSENT_MS = milliseconds(LONGEST_UNKNOWN_WITH_CONSENT);

/** The freshness of a source that declares none: each answer costs a system at most one call in ten seconds. */
export const DEFAULT_FRESHNESS = {
  maxAge: '10 s',
  staleWhileRevalidate: '20 s',
  staleIfError: '1 hour',
} as const satisfies FreshnessOptions;

/**
 * The freshness of loaders that identify customers, in a source that declares none. Identities change rarely, and
 * without a cache each page view would wait for one more round of calls.
 */
export const DEFAULT_IDENTITY_FRESHNESS = { maxAge: '1 minute' } as const satisfies FreshnessOptions;

/** Merges a policy with a more specific one. The more specific values win. */
export function overridden(policy: FreshnessOptions, specific: FreshnessOptions = {}): FreshnessOptions {
  if (specific.maxAge === undefined || milliseconds(specific.maxAge) > 0) return { ...policy, ...specific };
  // With `maxAge` 0 an answer is never returned as stale during a refresh. `staleIfError` still applies during an
  // outage.
  const { staleIfError = '0 s' } = policy;
  return { staleWhileRevalidate: '0 s', staleIfError, ...specific };
}

/** The effective policy: the loader's values, then its source's, then none. */
export function freshness(specific: FreshnessOptions = {}, ofSource: FreshnessOptions = {}): Freshness {
  const { maxAge, staleWhileRevalidate, staleIfError, notFoundMaxAge } = overridden(ofSource, specific);
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

/** Milliseconds for which an answer with this `maxAge` can be used, including the time when it is stale. */
export function retentionMs(maxAgeMs: number, { staleWhileRevalidateMs, staleIfErrorMs }: Freshness): number {
  return maxAgeMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

/** The age of a cached answer. */
interface Aged {
  ageMs: number;
  maxAgeMs: number;
}

/** `fresh`: return it. `stale`: return it and refresh it in the background. `load`: call the system first. */
export type FreshnessDecision = 'fresh' | 'stale' | 'load';

/** Decides whether a cached answer can be returned. */
export function decideFreshness(
  { ageMs, maxAgeMs }: Aged,
  { staleWhileRevalidateMs }: Freshness,
  wanted: Wanted,
): FreshnessDecision {
  if (wanted.maxAgeMs !== undefined && ageMs >= wanted.maxAgeMs) return 'load';
  if (ageMs < maxAgeMs) return 'fresh';
  if (wanted.isFreshOnly === true) return 'load';
  return ageMs - maxAgeMs < Math.max(staleWhileRevalidateMs, wanted.maxStaleMs ?? 0) ? 'stale' : 'load';
}

/**
 * Tightens the required freshness for a purpose that needs consent, when a system that holds consent did not know the
 * customer. The customer may have refused there since then. No policy and no `Cache-Control` can relax this.
 */
export function wantedOfUnknownCustomer(wanted: Wanted): Wanted {
  const { maxAgeMs = Infinity } = wanted;
  return { ...wanted, maxAgeMs: Math.min(maxAgeMs, LONGEST_UNKNOWN_WITH_CONSENT_MS), isFreshOnly: true };
}

/** Whether a cached answer can replace the error of a system. It cannot when the caller requires a fresher one. */
export function canReplaceError(
  { ageMs, maxAgeMs }: Aged,
  { staleIfErrorMs }: Freshness,
  wanted: Wanted,
): boolean {
  if (wanted.isFreshOnly === true) return false;
  if (wanted.maxAgeMs !== undefined && ageMs >= wanted.maxAgeMs) return false;
  return ageMs - maxAgeMs < staleIfErrorMs;
}

/** Whether the answer is empty: null or an empty list. */
export function isNothing(value: unknown): boolean {
  return value == null || (Array.isArray(value) && value.length === 0);
}

/**
 * The `maxAge` of an answer. The lifetime that the system reports is used when it is shorter than the policy's, or
 * when the policy has none.
 */
export function maxAgeOf(value: unknown, systemMaxAgeMs: number | undefined, policy: Freshness): number {
  const policyMs = isNothing(value) ? policy.notFoundMaxAgeMs : policy.maxAgeMs;
  if (systemMaxAgeMs === undefined) return policyMs;
  return policy.hasMaxAge ? Math.min(systemMaxAgeMs, policyMs) : systemMaxAgeMs;
}
