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
}

export const FULL: Effort = { blocks: 21, timed: 8, sent: 200, warmUp: 2_000, memory: 10_000, starts: 3 };
export const QUICK: Effort = { blocks: 5, timed: 6, sent: 100, warmUp: 500, memory: 1_000, starts: 1 };
