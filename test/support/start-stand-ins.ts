import type { TestProject } from 'vitest/node';
import { startStandIns } from '../../sources/stand-ins/index.js';
import type {} from './stand-ins.js';

const CUSTOMERS = 60;

/** One set of stand-ins for the whole run; ORDER_SYSTEM_TEST_URL puts the order system into a PostgreSQL of one's own. */
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
