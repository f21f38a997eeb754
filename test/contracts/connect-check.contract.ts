import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Recording } from '../../src/recordings/recording.js';
import { stekkerdoosHere } from '../cli/cli-process.js';
import { chinookSystem } from './nine-systems/chinook.js';
import { magentoSystem } from './nine-systems/magento.js';
import { matomoSystem } from './nine-systems/matomo.js';
import type { NineSystem, RunningSystem } from './nine-systems/nine-system.js';
import { northwindSystem } from './nine-systems/northwind.js';
import { startNorthwindOdata } from './nine-systems/northwind-odata.js';
import { segmentSystem } from './nine-systems/segment.js';
import { stripeSystem } from './nine-systems/stripe.js';
import { woocommerceSystem } from './nine-systems/woocommerce.js';
import { xeroSystem } from './nine-systems/xero.js';

/** Connects systems that were made from published contracts, and checks them unchanged. */

const northwindOdata: Pick<NineSystem, 'query' | 'start'> & { right: { source: string } } = {
  right: { source: 'northwind-odata' },
  query: { text: '{ customer(by: { northwindOdataCustomerId: "ALFKI" }) { name } }', data: {} },
  start: async () => {
    const server = await startNorthwindOdata();
    return {
      what: `${server.url}/service/$metadata`,
      settings: { NORTHWIND_ODATA_URL: `${server.url}/service` },
      close: () => server.close(),
    };
  },
};

const SYSTEMS = [
  ...[woocommerceSystem, magentoSystem, xeroSystem, stripeSystem, matomoSystem],
  ...[segmentSystem, northwindSystem, chinookSystem, northwindOdata],
];

let folder: string;
let running: RunningSystem | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-check-'));
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await running?.close();
  running = undefined;
});

test.each(SYSTEMS)('check finds no change of $right.source', async ({ right: { source }, query, start }) => {
  running = await start();
  const { what, standardInput, environment, settings } = running;
  const connected = await stekkerdoosHere(
    ['connect', source, what, '--yes', '--interval', '0 ms', '--project', folder],
    environment ?? {},
    standardInput,
  );
  expect(connected.code, connected.out + connected.err).toBe(0);
  withoutTimes(join(folder, 'sources', `${source}.recording.json`));
  const [, namespace = '', value = ''] = /by: \{ (\w+): "([^"]+)" \}/.exec(query.text) ?? [];
  for (let run = 0; run < 3; run += 1) {
    const key = ['--key', `${namespace}=${value}`];
    const { code, out, err } = await stekkerdoosHere(
      ['check', source, '--project', folder, ...key],
      settings,
    );
    expect([code, out.split('\n')[0], err], out).toEqual([0, `${source}: no change`, '']);
  }
});

/** The speed of the machine is not a fact of the system. */
function withoutTimes(path: string): void {
  const recording = JSON.parse(readFileSync(path, 'utf8')) as Recording;
  for (const call of Object.values(recording.calls)) delete call.latencyMs;
  writeFileSync(path, JSON.stringify(recording));
}
