import { ALL_SYSTEMS, UNLIMITED, withAllSystems } from './all-systems.js';
import { openTuned, type Bench } from './bench.js';
import { difference } from './fault-control.js';
import { createClient } from './load.js';
import { spread, type Figure } from './report.js';

const REQUESTS = 50;

/** A condition over four systems. Its customers can be listed by the invoices and by the orders. */
const PLAN = JSON.stringify({
  query: `{ audiencePlan(where: { all: [
    { openInvoiceTotal: { atLeast: "50" } }
    { tickets: { none: { status: OPEN } } }
    { lastOrderAt: { before: "2026-09-01T00:00:00Z" } }
  ] }) { refusals listedBy callCount expectedCallCount systems { source callCount } } }`,
});

/** The plan of an audience over all systems, which calls none of them. */
export async function audience(bench: Bench): Promise<Figure[]> {
  const all = await withAllSystems(bench);
  const gateway = await openTuned(all, UNLIMITED);
  const client = createClient(gateway.ready.url);
  const before = await all.control.calls();
  const ms: number[] = [];
  for (let time = 0; time < REQUESTS; time += 1) {
    const answer = await client.post(PLAN);
    if (!answer.body.includes('"refusals":[]'))
      throw new Error(`There is no plan: ${answer.body.slice(0, 2_000)}`);
    ms.push(answer.ms);
  }
  client.close();
  const calls = Object.values(difference(await all.control.calls(), before)).reduce(
    (sum, count) => sum + count,
    0,
  );
  return [
    {
      ...spread(`the plan of an audience over ${ALL_SYSTEMS} systems, answered in`, ms, 'ms'),
      atMost: 100,
      detail: `${calls} calls; the first request ${ms[0]?.toFixed(0) ?? ''} ms`,
    },
  ];
}
