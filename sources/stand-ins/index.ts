import { startBuienradar } from '../buienradar/stand-in/index.js';
import { startClickstream } from '../clickstream/stand-in/index.js';
import { startContactCentre } from '../contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../crm-hubspot/stand-in/index.js';
import { startCrmSalesforce } from '../crm-salesforce/stand-in/index.js';
import { startKvk } from '../kvk/stand-in/index.js';
import { startInvoices } from '../invoices/stand-in/index.js';
import { startOrderSystem, type OrderSystemOptions } from '../order-system/stand-in/index.js';
import { startVies } from '../vies/stand-in/index.js';
import { startWebshop } from '../webshop/stand-in/index.js';
import { startFacebook } from '../facebook/stand-in/index.js';
import { startX } from '../x/stand-in/index.js';
import { createWorld } from './seed.js';
import type { StandIn, World } from './world.js';

export interface StandInsOptions {
  /** The number of ordinary customers, beside the special ones. Default 1,000. */
  customers?: number;
  /** Called for each stand-in when it is ready. */
  onProgress?: (standIn: StandIn) => void;
  orderSystem?: OrderSystemOptions;
}

export interface StandIns {
  world: World;
  standIns: StandIn[];
  close(): Promise<void>;
}

/** Starts every stand-in on a free port of 127.0.0.1. They share one made-up world. */
export async function startStandIns({
  customers = 1_000,
  onProgress,
  orderSystem,
}: StandInsOptions = {}): Promise<StandIns> {
  const world = createWorld({ customers });
  const starters: Record<string, () => Promise<StandIn>> = {
    'order-system': () => startOrderSystem(world, orderSystem),
    webshop: () => startWebshop(world),
    'contact-centre': () => startContactCentre(world),
    'crm-hubspot': () => startCrmHubspot(world),
    invoices: () => startInvoices(world),
    'crm-salesforce': () => startCrmSalesforce(world),
    buienradar: () => startBuienradar(),
    x: () => startX(world),
    facebook: () => startFacebook(world),
    kvk: () => startKvk(world),
    vies: () => startVies(world),
    clickstream: () => startClickstream(world),
  };

  const standIns: StandIn[] = [];
  const failures: Error[] = [];
  await Promise.all(
    Object.entries(starters).map(async ([name, start]) => {
      try {
        const standIn = await start();
        standIns.push(standIn);
        onProgress?.(standIn);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.push(new Error(`the stand-in of ${name} did not start: ${reason}`, { cause: error }));
      }
    }),
  );

  const close = async (): Promise<void> => {
    await Promise.all(standIns.map((standIn) => standIn.close()));
  };
  if (failures.length > 0) {
    await close();
    throw new AggregateError(failures, failures.map(({ message }) => message).join('\n'));
  }
  return { world, standIns: inOrder(standIns, Object.keys(starters)), close };
}

/** Sorts the stand-ins by name: they start at the same time and become ready in any order. */
function inOrder(standIns: readonly StandIn[], names: readonly string[]): StandIn[] {
  return standIns.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
}
