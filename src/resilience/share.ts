import { DEFAULT_CONCURRENCY, type LimitsOptions } from './limits.js';
import { burstOf, type Rate } from './pace.js';

/**
 * What one of several processes may ask of a source, so that all of them together keep to its limits. Undefined when that
 * is less than one call at a time, or no rate at all. A quota stays whole: they count it together.
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
 * In any stretch of `per`, all together make at most `calls` + `burst`, as one process does. Each needs a burst of one
 * whole call, so where there are fewer than processes, what is too many is taken off the calls.
 */
function shareOfRate(rate: Rate, processes: number): Rate {
  const { calls, per } = rate;
  const whole = burstOf(rate);
  const burst = Math.max(1, Math.floor(whole / processes));
  return { calls: Math.min(calls / processes, (calls + whole) / processes - burst), per, burst };
}
