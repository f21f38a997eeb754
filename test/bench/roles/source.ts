import { startBuienradar } from '../../../sources/buienradar/stand-in/index.js';
import { startClickstream } from '../../../sources/clickstream/stand-in/index.js';
import { startContactCentre } from '../../../sources/contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../../../sources/crm-hubspot/stand-in/index.js';
import { startCrmSalesforce } from '../../../sources/crm-salesforce/stand-in/index.js';
import { startFacebook } from '../../../sources/facebook/stand-in/index.js';
import { startInvoices } from '../../../sources/invoices/stand-in/index.js';
import { startKvk } from '../../../sources/kvk/stand-in/index.js';
import { startOrderSystem } from '../../../sources/order-system/stand-in/index.js';
import { createFaultControl } from '../../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../../sources/stand-ins/seed.js';
import type { StandIn, World } from '../../../sources/stand-ins/world.js';
import { startVies } from '../../../sources/vies/stand-in/index.js';
import { startWebshop } from '../../../sources/webshop/stand-in/index.js';
import { startX } from '../../../sources/x/stand-in/index.js';
import type { Started } from '../bench-process.js';

/** Stand-ins without the rate limits that a bench would reach. */
const starters: Record<string, (world: World) => Promise<StandIn>> = {
  'order-system': (world) => startOrderSystem(world),
  webshop: (world) => startWebshop(world, { maximumAvailable: 1e9, restoreRate: 1e9 }),
  'contact-centre': (world) => startContactCentre(world),
  'crm-hubspot': (world) => startCrmHubspot(world),
  'crm-salesforce': (world) => startCrmSalesforce(world),
  invoices: (world) => startInvoices(world),
  clickstream: (world) => startClickstream(world),
  kvk: (world) => startKvk(world),
  vies: (world) => startVies(world),
  x: (world) => startX(world),
  facebook: (world) => startFacebook(world),
  buienradar: () => startBuienradar(),
};

/**
 * Starts the named stand-ins behind a fault control. Systems that are timed have a process each, so that they do not
 * wait for each other.
 */
export async function startSource(): Promise<Started> {
  const world = createWorld({ customers: Number(process.env.BENCH_CUSTOMERS) });
  const names = (process.env.BENCH_SYSTEMS ?? '').split(',');
  const standIns = await Promise.all(
    names.map((name) => {
      const start = starters[name];
      if (start === undefined) throw new Error(`There is no stand-in of ${name}.`);
      return start(world);
    }),
  );
  const control = await createFaultControl(standIns);
  return {
    ready: { url: control.url, settings: control.settings },
    close: async () => {
      await control.close();
      await Promise.all(standIns.map((standIn) => standIn.close()));
    },
  };
}
