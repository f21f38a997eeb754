import { DEFAULT_CONCURRENCY, type LimitsOptions } from './limits.js';
import { burstOf, type Rate } from './pace.js';

/**
 * The share of one process in a source's limits, so that all processes together stay within them. Undefined when the
 * share is less than one concurrent call, or no rate at all. The quota is not divided, because the processes count it
 * together.
 */
export function shareOfLimits<Limits extends LimitsOptions>(
  limits: Limits,
  processes: number,
): Limits | undefined {
  const concurrency = Math.floor((limits.concurrency ?? DEFAULT_CONCURRENCY) / processes);
  const rate = limits.rate === undefined ? undefined : shareOfRate(limits.rate, processes);
  if (concurrency < 1 || (rate !== undefined && rate.calls <= 0)) return undefined;
  return { ...limits, concurrency, ...(rate === undefined ? {} : { rate }) };
}

/**
 * In any interval of length `per`, all processes together make at most `calls` + `burst`, as one process does. Each
 * process needs a burst of at least one call. If that exceeds the total burst, the rate is reduced by the excess.
 */
function shareOfRate(rate: Rate, processes: number): Rate {
  const { calls, per } = rate;
  const totalBurst = burstOf(rate);
  const burst = Math.max(1, Math.floor(totalBurst / processes));
  return { calls: Math.min(calls / processes, (calls + totalBurst) / processes - burst), per, burst };
}
