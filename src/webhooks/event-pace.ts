import { performance } from 'node:perf_hooks';

const LOOK_EVERY_MS = 200;
/** Of the processor's time; from there on those who ask wait noticeably for each other. */
const BUSY = 0.5;
/** Events must not wait for ever where it never rests. */
const LEAST_PER_SECOND = 40;
/** More has systems asked too often: each event is looked up, to know who it is about. */
const MOST_PER_SECOND = 300;

export interface EventPace {
  /** As it is now. */
  readonly ratePerSecond: number;
  close(): void;
}

/**
 * How many events a second this instance processes: as many as leave the processor time for those who ask, and for what
 * comes in. A flood of events is written down first, and looked at when there is time.
 */
export function createEventPace(): EventPace {
  let before = performance.eventLoopUtilization();
  let ratePerSecond = MOST_PER_SECOND;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    // Down by a share and up by a step, as senders find their part of a busy line (RFC 5681).
    const next = utilization > BUSY ? ratePerSecond * 0.7 : ratePerSecond + 10;
    ratePerSecond = Math.min(MOST_PER_SECOND, Math.max(LEAST_PER_SECOND, next));
  }, LOOK_EVERY_MS).unref();
  return {
    get ratePerSecond() {
      return ratePerSecond;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}
