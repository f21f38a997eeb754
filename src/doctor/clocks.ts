import { MAX_CLOCK_SKEW_MS } from '../webhooks/signatures.js';
import type { Finding } from './finding.js';

/** A smaller difference is normal: dates in HTTP are whole seconds, and answers take time. */
const WARNING_MS = 60_000;

/**
 * The finding about a clock that is ahead of the clock of this machine by `aheadMs`, or by an unknown time if
 * undefined.
 */
export function clockFinding(where: string, aheadMs: number | undefined): Finding[] {
  if (aheadMs === undefined || Math.abs(aheadMs) < WARNING_MS) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return [
    {
      check: 'clocks',
      severity: Math.abs(aheadMs) > MAX_CLOCK_SKEW_MS ? 'error' : 'warning',
      where,
      seen: `Its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the clock of this machine.`,
      remedy: 'Synchronise both clocks by NTP. Tokens and signatures are refused if their times differ.',
    },
  ];
}
