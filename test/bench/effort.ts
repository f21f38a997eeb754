/** How much each part of the bench measures. */
export interface Effort {
  /** Blocks that alternate between the compared servers. The range of a figure is that of its blocks. */
  blocks: number;
  /** Requests of a block that are timed one after another. */
  timed: number;
  /** Requests of a block over which CPU time is counted. */
  sent: number;
  /** Requests before the measurement, until V8 has compiled the hot code. */
  warmUp: number;
  /** Requests before memory is measured. */
  memory: number;
  /** Starts of the demo. */
  starts: number;
  /** Seconds of load on hot customers: several times the `maxAge` of the sources. */
  hotS: number;
  /** Seconds of overload, and of a system that hangs. */
  loadS: number;
  /** Keys of the bulk run. */
  bulkKeys: number;
}

export const FULL: Effort = {
  blocks: 21,
  timed: 8,
  sent: 200,
  warmUp: 2_000,
  memory: 10_000,
  starts: 3,
  hotS: 60,
  loadS: 60,
  bulkKeys: 5_000,
};
export const QUICK: Effort = {
  blocks: 5,
  timed: 6,
  sent: 100,
  warmUp: 500,
  memory: 1_000,
  starts: 1,
  hotS: 30,
  loadS: 10,
  bulkKeys: 500,
};
