import { ALL_SYSTEMS, fieldsOf, UNLIMITED, withAllSystems } from './all-systems.js';
import { openTuned, type Bench } from './bench.js';
import { difference, faultControl } from './fault-control.js';
import { createQueryClient } from './load.js';
import { customersEverywhere, customersQuery, customerQuery, ordinaryCustomers, SYSTEMS } from './query.js';
import { median, spread, type Figure } from './report.js';

/** Customers in one query. */
const CUSTOMERS = [1, 10, 100, 1_000, 5_000];
const MOST_CUSTOMERS = Math.max(...CUSTOMERS);
/** Smallest batch limit of the four systems, in keys per call. */
const MIN_BATCH_LIMIT = 100;
const BLOCKS = 3;
/** Short queries are repeated, so that a block of each size is long enough to measure. */
const CUSTOMERS_PER_BLOCK = 100;
const SOURCES = [1, 2, 4, 8, ALL_SYSTEMS];
const HIGH_LIMITS = { DEADLINE_MS: '60000', MAX_CUSTOMERS: String(MOST_CUSTOMERS), MAX_BODY_KB: '1024' };

/** How the cost of a query grows with its customers and with its sources. */
export async function curves(bench: Bench): Promise<Figure[]> {
  return [...(await customersInOneQuery(bench)), ...(await sourcesInOneQuery(bench))];
}

async function customersInOneQuery(bench: Bench): Promise<Figure[]> {
  const { ready } = await bench.open({
    role: 'source',
    environment: { BENCH_SYSTEMS: SYSTEMS.join(','), BENCH_CUSTOMERS: String(MOST_CUSTOMERS) },
  });
  const control = faultControl([ready.url]);
  const gateway = await openTuned(bench, UNLIMITED, { ...ready.settings, ...HIGH_LIMITS });
  const emails = ordinaryCustomers(MOST_CUSTOMERS);
  const sizes = CUSTOMERS.map((customers) => ({
    customers,
    body: customersQuery(emails.slice(0, customers)),
    cpuMs: [] as number[],
    calls: 0,
  }));
  const queryClient = createQueryClient(gateway.ready.url);
  // Warm up with all sizes: compiled code and cached identities must not depend on the order of the sizes.
  for (const { body, customers } of sizes.toReversed())
    for (let i = 0; i < CUSTOMERS_PER_BLOCK / customers; i += 1) await queryClient.query(body);
  for (let block = 0; block < BLOCKS; block += 1)
    for (const size of block % 2 === 0 ? sizes : sizes.toReversed()) {
      const times = Math.ceil(CUSTOMERS_PER_BLOCK / size.customers);
      const calls = await control.calls();
      const before = await gateway.usage();
      for (let i = 0; i < times; i += 1) await queryClient.query(size.body);
      size.cpuMs.push(((await gateway.usage()).cpuMs - before.cpuMs) / times / size.customers);
      size.calls = sum(difference(await control.calls(), calls)) / times;
    }
  queryClient.close();

  const callsFor = (wanted: number) =>
    sizes.find(({ customers }) => customers === wanted)?.calls ?? Number.NaN;
  const medians = sizes.filter(({ customers }) => customers > 1).map(({ cpuMs }) => median(cpuMs));
  return [
    ...sizes.map(({ customers, cpuMs, calls }) =>
      spread(
        `CPU per customer, ${customers} in one query`,
        cpuMs,
        'ms',
        `${calls.toFixed(1)} calls to systems`,
      ),
    ),
    {
      name: `calls to systems, ${MOST_CUSTOMERS} customers / ${MIN_BATCH_LIMIT} customers`,
      value: callsFor(MOST_CUSTOMERS) / callsFor(MIN_BATCH_LIMIT),
      unit: 'x',
      atMost: MOST_CUSTOMERS / MIN_BATCH_LIMIT,
      detail: `systems take ${MIN_BATCH_LIMIT} and more in a call; ${callsFor(MIN_BATCH_LIMIT).toFixed(0)} calls for ${MIN_BATCH_LIMIT} customers, ${callsFor(1).toFixed(0)} for one`,
    },
    {
      name: `CPU per customer, most / least, 10 to ${MOST_CUSTOMERS} in one query`,
      value: Math.max(...medians) / Math.min(...medians),
      unit: 'x',
      atMost: 1.3,
    },
  ];
}

async function sourcesInOneQuery(bench: Bench): Promise<Figure[]> {
  const { environment, control, effort } = await withAllSystems(bench);
  const gateway = await openTuned({ ...bench, environment }, UNLIMITED, HIGH_LIMITS);
  const emails = customersEverywhere();
  const counts = SOURCES.map((sources) => ({
    sources,
    bodies: emails.map((email) => customerQuery(email, fieldsOf(sources))),
    cpuMs: [] as number[],
    calls: 0,
  }));
  const queryClient = createQueryClient(gateway.ready.url);
  const requests = Math.ceil(effort.sent / 2);
  for (const { bodies } of counts) for (const body of bodies) await queryClient.query(body);
  for (let block = 0; block < BLOCKS; block += 1)
    for (const count of block % 2 === 0 ? counts : counts.toReversed()) {
      const calls = await control.calls();
      const before = await gateway.usage();
      for (let i = 0; i < requests; i += 1)
        await queryClient.query(count.bodies[i % count.bodies.length] ?? '');
      count.cpuMs.push(((await gateway.usage()).cpuMs - before.cpuMs) / requests);
      count.calls = sum(difference(await control.calls(), calls)) / requests;
    }
  queryClient.close();
  return counts.map(({ sources, cpuMs, calls }) =>
    spread(
      `CPU per request, fields of ${sources} ${sources === 1 ? 'source' : 'sources'}`,
      cpuMs,
      'ms',
      `${calls.toFixed(1)} calls to systems, ${(median(cpuMs) / sources).toFixed(2)} ms for each source`,
    ),
  );
}

function sum(calls: Readonly<Record<string, number>>): number {
  return Object.values(calls).reduce((total, count) => total + count, 0);
}
