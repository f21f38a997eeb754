import type { Effort } from './effort.js';
import type { FaultControl } from './fault-control.js';
import type { Running, StartOptions } from './processes.js';
import { tuningEnvironment, type Tuning } from './tuning.js';

/** The environment of a part of the bench. */
export interface Bench {
  /** Starts a process; it is stopped when the part is done. */
  open: (options: Omit<StartOptions, 'build' | 'profileFolder'>) => Promise<Running>;
  /** Settings with which a gateway reaches the stand-ins. */
  environment: Readonly<Record<string, string>>;
  control: FaultControl;
  effort: Effort;
  /** Folder of the compiled programs. */
  programs: string;
}

/** Opens a gateway whose clock runs, with other freshness and limits for its sources. */
export function openTuned(
  { open, environment }: Bench,
  tuning: Tuning,
  others: Readonly<Record<string, string>> = {},
): Promise<Running> {
  return open({
    role: 'tuned-gateway',
    environment: {
      // The whole load comes from one address.
      MAX_CONNECTIONS_PER_ADDRESS: '10000',
      ...environment,
      ...others,
      ...tuningEnvironment(tuning),
    },
  });
}
