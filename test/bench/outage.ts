import { openTuned, type Bench } from './bench.js';
import { faultControl } from './fault-control.js';
import { createClient } from './load.js';
import { CUSTOMERS, customersEverywhere, customerQuery } from './query.js';
import { median, quantile, ratios, spread, type Figure } from './report.js';

const FAILING = 'contact-centre';
const LIMITED = 'crm-hubspot';
const KINDS = {
  'about healthy systems': 'orders(first: 3) { nodes { number placedAt } } cart { total { amount } }',
  'about all four': undefined,
} as const;

type Kind = keyof typeof KINDS;

/**
 * Compares two gateways alternately. One has a contact centre that fails and a CRM that refuses calls as too many. Only
 * identity is cached.
 */
export async function outage(bench: Bench): Promise<Figure[]> {
  const { effort } = bench;
  const faultySystems = await bench.open({
    role: 'source',
    environment: { BENCH_SYSTEMS: [FAILING, LIMITED].join(','), BENCH_CUSTOMERS: String(CUSTOMERS) },
  });
  const control = faultControl([faultySystems.ready.url]);
  const gateways = [await openTuned(bench, {}), await openTuned(bench, {}, faultySystems.ready.settings)];
  const emails = customersEverywhere();
  const runs = (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
    gateways.map((running) => ({
      kind,
      running,
      client: createClient(running.ready.url),
      bodies: emails.map((email) => customerQuery(email, KINDS[kind])),
      ms: [] as number[],
      cpuMs: [] as number[],
    })),
  );
  const requests = Math.ceil(effort.sent / 2);
  for (const { client, bodies } of runs)
    for (let i = 0; i < effort.warmUp / 4; i += 1) await client.post(bodies[i % bodies.length] ?? '');
  await control.set(FAILING, { fault: 'status' });
  await control.set(LIMITED, { fault: 'rate-limit' });
  for (let block = 0; block < effort.blocks; block += 1)
    for (const { running, client, bodies, ms, cpuMs } of block % 2 === 0 ? runs : runs.toReversed()) {
      const before = await running.usage();
      for (let i = 0; i < requests; i += 1) {
        const answer = await client.post(bodies[(block * requests + i) % bodies.length] ?? '');
        ms.push(answer.ms);
      }
      cpuMs.push(((await running.usage()).cpuMs - before.cpuMs) / requests);
    }
  for (const { client } of runs) client.close();

  return (Object.keys(KINDS) as Kind[]).flatMap((kind) => {
    const [good, bad] = runs.filter((run) => run.kind === kind);
    if (good === undefined || bad === undefined) throw new Error('There are two gateways.');
    const beside = (value: (ms: readonly number[]) => number) =>
      `${value(good.ms).toFixed(2)} without outage`;
    const p99 = (ms: readonly number[]) => quantile(ms, 0.99);
    return [
      {
        name: `outage, p50 of queries ${kind}`,
        value: median(bad.ms),
        unit: 'ms',
        detail: beside(median),
      },
      { name: `outage, p99 of queries ${kind}`, value: p99(bad.ms), unit: 'ms', detail: beside(p99) },
      spread(
        `outage, CPU per request, queries ${kind}`,
        bad.cpuMs,
        'ms',
        `${median(good.cpuMs).toFixed(2)} without outage`,
      ),
      spread(`outage / no outage, CPU, queries ${kind}`, ratios(bad.cpuMs, good.cpuMs), 'x'),
    ];
  });
}
