import { startContactCentre } from '../../../sources/contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../../../sources/crm-hubspot/stand-in/index.js';
import { startOrderSystem } from '../../../sources/order-system/stand-in/index.js';
import { createFaultControl } from '../../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../../sources/stand-ins/seed.js';
import type { StandIn, SystemName, World } from '../../../sources/stand-ins/world.js';
import { startWebshop } from '../../../sources/webshop/stand-in/index.js';
import type { Started } from '../bench-process.js';

/** Without the rate limits that a bench would meet. */
const starters = {
  'order-system': (world: World) => startOrderSystem(world),
  webshop: (world: World) => startWebshop(world, { maximumAvailable: 1e9, restoreRate: 1e9 }),
  'contact-centre': (world: World) => startContactCentre(world),
  'crm-hubspot': (world: World) => startCrmHubspot(world),
} satisfies Partial<Record<SystemName, (world: World) => Promise<StandIn>>>;

/** One imitated system behind a fault control of its own. In a process with others it would wait for their work. */
export async function startSource(): Promise<Started> {
  const world = createWorld({ customers: Number(process.env.BENCH_CUSTOMERS) });
  const standIn = await starters[process.env.BENCH_SYSTEM as keyof typeof starters](world);
  const control = await createFaultControl([standIn]);
  return {
    ready: { url: control.url, settings: control.settings },
    close: async () => {
      await control.close();
      await standIn.close();
    },
  };
}
