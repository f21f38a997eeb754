import { ALL_SYSTEMS, fieldsOf, UNLIMITED, withAllSystems } from './all-systems.js';
import { openTuned, type Bench } from './bench.js';
import { difference } from './fault-control.js';
import { createClient } from './load.js';
import { customersQuery, ordinaryCustomers } from './query.js';
import { spread, type Figure } from './report.js';

const CUSTOMERS = 1_000;
const REQUESTS = 5;
const DEADLINE_MS = 60_000;

/** A thousand customers in one query, with a field of every system. */
export async function bulk(bench: Bench): Promise<Figure[]> {
  const all = await withAllSystems(bench);
  const gateway = await openTuned(all, UNLIMITED, { DEADLINE_MS: String(DEADLINE_MS) });
  const body = customersQuery(ordinaryCustomers().slice(0, CUSTOMERS), fieldsOf(ALL_SYSTEMS));
  const client = createClient(gateway.ready.url);
  const ms: number[] = [];
  const blockedMs: number[] = [];
  let peakRssMb = 0;
  let calls = {};
  // The first request is cold: no identity is cached, and no code is compiled.
  for (let time = 0; time < REQUESTS; time += 1) {
    await gateway.usage();
    const before = await all.control.calls();
    const answer = await client.post(body);
    if (answer.body.includes('"errors"'))
      throw new Error(`An answer contains errors: ${answer.body.slice(-2_000)}`);
    const used = await gateway.usage();
    ms.push(answer.ms);
    blockedMs.push(used.blockedMs);
    ({ peakRssMb } = used);
    if (time === 0) calls = difference(await all.control.calls(), before);
  }
  client.close();
  const what = `bulk, ${CUSTOMERS} customers of ${ALL_SYSTEMS} systems`;
  return [
    spread(
      `${what}, answered in`,
      ms,
      'ms',
      Object.entries(calls)
        .map(([name, count]) => `${String(count)} ${name}`)
        .join(' + '),
    ),
    {
      ...spread(`${what}, longest block of the event loop`, blockedMs, 'ms'),
      value: Math.max(...blockedMs),
      atMost: 50,
      detail: `worst of ${REQUESTS} requests; of the first ${blockedMs[0]?.toFixed(0) ?? ''}`,
    },
    { name: `${what}, gateway RSS, highest`, value: peakRssMb, unit: 'MB', atMost: 300 },
  ];
}
