import { performance } from 'node:perf_hooks';

const SAMPLE_INTERVAL_MS = 200;
/** Event loop utilisation above which requests noticeably wait for each other. */
const MAX_UTILIZATION = 0.5;
/** Under constant load, events are still processed at this rate. */
const MIN_EVENTS_PER_S = 40;
/** Each event causes calls to systems to identify its customer, so the rate is limited. */
const MAX_EVENTS_PER_S = 300;

export interface EventPace {
  /** The current rate. */
  readonly ratePerSecond: number;
  close(): void;
}

/**
 * Adapts the rate at which this instance processes events, so that requests have priority. A burst of events is stored first
 * and processed when the event loop has time.
 */
export function createEventPace(): EventPace {
  let before = performance.eventLoopUtilization();
  let ratePerSecond = MAX_EVENTS_PER_S;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    // Additive increase and multiplicative decrease, as in TCP congestion control (RFC 5681).
    const next = utilization > MAX_UTILIZATION ? ratePerSecond * 0.7 : ratePerSecond + 10;
    ratePerSecond = Math.min(MAX_EVENTS_PER_S, Math.max(MIN_EVENTS_PER_S, next));
  }, SAMPLE_INTERVAL_MS).unref();
  return {
    get ratePerSecond() {
      return ratePerSecond;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}
