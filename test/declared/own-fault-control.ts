import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';

/** A fault control in front of a stand-in of its own. Closing it closes the stand-in too. */
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
