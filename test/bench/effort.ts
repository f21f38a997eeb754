/** How much of everything is measured. */
export interface Effort {
  /** Blocks that alternate between those who are compared; the spread is that over the blocks. */
  blocks: number;
  /** Requests of a block that are timed one after another. */
  timed: number;
  /** Requests of a block over which CPU time is counted. */
  sent: number;
  /** Requests that go before, until the engine has compiled what is hot. */
  warmUp: number;
  /** Requests before memory is looked at. */
  memory: number;
  /** Starts of the demo. */
  starts: number;
  /** Seconds of load on hot customers: several times as long as answers are kept. */
  hotS: number;
  /** Seconds of too much load, and of a system that hangs. */
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
