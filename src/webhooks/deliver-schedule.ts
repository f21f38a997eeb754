import { milliseconds } from '../duration.js';

/**
 * Delays after failed attempts: the schedule of Standard Webhooks 1.0.0, "Deliverability and reliability". There are ten
 * attempts, the last about 75 hours after the first.
 */
const DELAYS_MS = (
  [
    '5 s',
    '5 minutes',
    '30 minutes',
    '2 hours',
    '5 hours',
    '10 hours',
    '14 hours',
    '20 hours',
    '24 hours',
  ] as const
).map(milliseconds);

/** Random part of a delay, shorter or longer, so that deliveries that failed together are not retried together. */
const JITTER = 0.2;
/** A longer `Retry-After` is cut to this. */
const MAX_RETRY_AFTER_MS = milliseconds('24 hours');

/** The delay before the next attempt in milliseconds; undefined after the last attempt. */
export function retryDelayMs(attempts: number, random: () => number, retryAfterMs = 0): number | undefined {
  const delay = DELAYS_MS[attempts - 1];
  if (delay === undefined) return undefined;
  const jittered = delay * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}
