import { milliseconds } from '../duration.js';

/**
 * How long after an attempt that failed comes the next one: the schedule of Standard Webhooks 1.0.0, "Deliverability
 * and reliability". Ten attempts in all, the last some 75 hours after the first.
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

/** So much a delay may be shorter or longer, so that what failed together does not come back together. */
const JITTER = 0.2;
/** Longer than this nobody can make us wait. */
const MAX_RETRY_AFTER_MS = milliseconds('24 hours');

/** In how many milliseconds to try again; undefined when that was the last time. */
export function retryDelayMs(attempts: number, random: () => number, retryAfterMs = 0): number | undefined {
  const delay = DELAYS_MS[attempts - 1];
  if (delay === undefined) return undefined;
  const jittered = delay * (1 - JITTER + 2 * JITTER * random());
  return Math.round(Math.max(jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
}
