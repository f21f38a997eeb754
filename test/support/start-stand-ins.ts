import type { TestProject } from 'vitest/node';
import { startStandIns } from '../../sources/stand-ins/index.js';
import type {} from './stand-ins.js';

const CUSTOMERS = 60;

/** Starts one set of stand-ins for all tests. ORDER_SYSTEM_TEST_URL selects another PostgreSQL for the order system. */
export default async function startOnce(project: TestProject): Promise<() => Promise<void>> {
  const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
  const running = await startStandIns({
    customers: CUSTOMERS,
    ...(connectionString === undefined ? {} : { orderSystem: { connectionString } }),
  });
  project.provide(
    'standIns',
    running.standIns.map(({ name, url, settings }) => ({ name, url, settings: settings(url) })),
  );
  project.provide('customers', CUSTOMERS);
  return () => running.close();
}
