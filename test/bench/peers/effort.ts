/** How much the comparison with peers measures. */
export interface PeersEffort {
  /** Blocks that alternate between the contenders. */
  blocks: number;
  /** Requests about one customer before the measurement. A needs 8,000 until its CPU per request no longer falls. */
  warmUp: number;
  /** Requests about one customer in a block, under load. */
  loaded: number;
  /** Requests about one customer in a block, one after another. */
  sent: number;
}

export const FULL: PeersEffort = { blocks: 7, warmUp: 8_000, loaded: 1_600, sent: 200 };
export const QUICK: PeersEffort = { blocks: 3, warmUp: 4_000, loaded: 400, sent: 100 };
