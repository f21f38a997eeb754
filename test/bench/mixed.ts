import { openTuned, type Bench } from './bench.js';
import { capacity } from './capacity.js';
import { difference } from './fault-control.js';
import { openConnections, openLoop } from './open-loop.js';
import { customersEverywhere, customerQuery, ordinaryCustomers } from './query.js';
import { quantile, type Figure } from './report.js';

const HOT_CUSTOMERS = 100;
/** One of five requests is about a customer that no recent request was about. */
const COLD_EVERY = 5;
const MAX_AGE_S = 30;
const SHARE_OF_CAPACITY = 0.5;

/** Page views as in a shop: most are about a few customers, and the others about all other customers. */
export async function mixed(bench: Bench): Promise<Figure[]> {
  const { control, effort } = bench;
  const gateway = await openTuned(bench, { '*': { freshness: { maxAge: `${MAX_AGE_S} s` } } });
  const hot = customersEverywhere().slice(0, HOT_CUSTOMERS);
  const cold = ordinaryCustomers().filter((email) => !hot.includes(email));
  let next = 0;
  const bodies = Array.from({ length: COLD_EVERY * cold.length }, (_, i) =>
    customerQuery((i % COLD_EVERY === 0 ? cold[i / COLD_EVERY] : hot[next++ % HOT_CUSTOMERS]) ?? ''),
  );

  const capacityPerSecond = await capacity(gateway, bodies, Math.max(3, effort.loadS / 10));
  // A cold customer is not queried again while its data is cached.
  const perSecond = Math.min(SHARE_OF_CAPACITY * capacityPerSecond, bodies.length / MAX_AGE_S);
  const connections = await openConnections(gateway.ready.url, 200);
  const before = await control.calls();
  const ms: number[] = [];
  const sent = await openLoop(connections, {
    perSecond,
    seconds: effort.hotS,
    createRequest: (i) => ({ body: bodies[i % bodies.length] ?? '' }),
    each: (outcome) => {
      if (outcome.status === 200) ms.push(outcome.ms);
    },
  });
  const calls = Object.values(difference(await control.calls(), before)).reduce(
    (sum, number) => sum + number,
    0,
  );
  await connections.close();
  const what = `mixed, ${100 - 100 / COLD_EVERY} % hot`;
  return [
    {
      name: `${what}, capacity`,
      value: capacityPerSecond,
      unit: 'requests/s',
      detail: `${HOT_CUSTOMERS} hot customers, ${cold.length} others, maxAge ${MAX_AGE_S} s`,
    },
    {
      name: `${what}, p50`,
      value: quantile(ms, 0.5),
      unit: 'ms',
      detail: `at ${perSecond.toFixed(0)} requests/s; ${ms.length} of ${sent} answered, the others refused`,
    },
    { name: `${what}, p99`, value: quantile(ms, 0.99), unit: 'ms' },
    { name: `${what}, calls to systems per request`, value: calls / ms.length, unit: 'calls/request' },
  ];
}
