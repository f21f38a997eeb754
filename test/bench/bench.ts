import type { Effort } from './effort.js';
import type { FaultControl } from './fault-control.js';
import type { Running, StartOptions } from './processes.js';
import { tuningEnvironment, type Tuning } from './tuning.js';

/** What a part of the bench works with. */
export interface Bench {
  /** Starts a process; it is stopped when the part is done. */
  open: (options: Omit<StartOptions, 'build' | 'profileFolder'>) => Promise<Running>;
  /** What a gateway must be told to reach the imitated systems. */
  environment: Readonly<Record<string, string>>;
  control: FaultControl;
  effort: Effort;
  /** Where the programs lie, compiled. */
  programs: string;
}

/** A gateway whose clock goes on, with sources of other freshness and limits than theirs. */
export function openTuned(
  { open, environment }: Bench,
  tuning: Tuning,
  others: Readonly<Record<string, string>> = {},
): Promise<Running> {
  return open({
    role: 'tuned-gateway',
    environment: {
      // All of the load comes from one address.
      MAX_CONNECTIONS_PER_ADDRESS: '10000',
      ...environment,
      ...others,
      ...tuningEnvironment(tuning),
    },
  });
}
