import type { RightSystem } from '../../connect/suggest/right-answers.js';

/** A system that is connected, and the right answers. They follow from its contract and were written before its server. */
export interface NineSystem {
  /** The right identity and privacy of each field. `source` is the name of the source. */
  right: RightSystem;
  /**
   * The right links: `found by <namespace> (<uniqueness>)`, and `yields <namespace> at <path> (<kind>)`. `own` is a namespace
   * that only this system has.
   */
  identity: readonly string[];
  /** By call: how its list continues, without limits, and the maximum number of keys in a call. */
  calls: Readonly<Record<string, { page?: object; maxBatch?: number }>>;
  query: { text: string; data: unknown };
  start(): Promise<RunningSystem>;
}

/** A system that must not be connected. */
export interface RefusedSystem {
  source: string;
  /** The reason, as it is printed. */
  because: RegExp;
  start(): Promise<RunningSystem>;
}

export interface RunningSystem {
  /** The argument of `connect`. */
  what: string;
  standardInput?: string;
  /** The variables for `connect`. */
  environment?: Readonly<Record<string, string>>;
  /** The variables for the gateway. */
  settings: Readonly<Record<string, string>>;
  /** The numbers of calls since the start. Undefined if the system only lets its reader read. */
  counts?: () => { reads: number; others: number };
  close(): Promise<void>;
}
