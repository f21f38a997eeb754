import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';

/** Starts a fault control in front of a separate stand-in. Closing it also closes the stand-in. */
export async function ownFaultControl(start: () => Promise<StandIn>): Promise<FaultControl> {
  const standIn = await start();
  const control = await createFaultControl([standIn]);
  return {
    ...control,
    close: async () => {
      await control.close();
      await standIn.close();
    },
  };
}
