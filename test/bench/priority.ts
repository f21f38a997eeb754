import { createWorld } from '../../sources/stand-ins/seed.js';
import { openTuned, type Bench } from './bench.js';
import { metric } from './metrics.js';
import { openConnections, openLoop, type Connections } from './open-loop.js';
import { quantile, type Figure } from './report.js';

const SYSTEM = 'order-system';
const PER_SECOND = 10;
const KEYS_PER_CALL = 10;
/** Concurrent requests of the export, with one call each: enough that a next call is always queued. */
const EXPORT_CONCURRENCY = 8;
/** The deadline of the export, which waits longer than a page view. */
const DEADLINE_MS = 10_000;
const VIEWS_PER_SECOND = 3;
const VIEWERS = 10;
const FOREVER_S = 3_600;

/**
 * Two gateways serve page views from sources that allow 10 calls a second each. One gateway also serves an export.
 */
export async function priority(bench: Bench): Promise<Figure[]> {
  const { bulkKeys } = bench.effort;
  const customers = bulkKeys + VIEWERS;
  const system = await bench.open({
    role: 'source',
    environment: { BENCH_SYSTEMS: SYSTEM, BENCH_CUSTOMERS: String(customers) },
  });
  const limits = { rate: { calls: PER_SECOND, per: '1 s' }, maxBatch: KEYS_PER_CALL } as const;
  const others = { ...system.ready.settings, DEADLINE_MS: String(DEADLINE_MS) };
  const openOne = async () => {
    const { ready } = await openTuned(bench, { [SYSTEM]: { limits } }, others);
    return { url: ready.url, connections: await openConnections(ready.url, 50), ms: [] as number[] };
  };
  const [quiet, busy] = [await openOne(), await openOne()];
  const numbers = customerNumbers(customers);
  const viewers = numbers.slice(0, VIEWERS);
  for (const { connections } of [quiet, busy])
    for (const viewer of viewers) await connections.send({ body: view(viewer) });
  const callsOfBusy = () =>
    metric(busy.url, 'stekkerdoos_source_call_duration_seconds_count', { source: SYSTEM });

  const over = new AbortController();
  const views = Promise.all(
    [quiet, busy].map((item) => viewPages({ ...item, viewers, signal: over.signal })),
  );
  const before = await callsOfBusy();
  const started = performance.now();
  const failed = await exportAll(busy.connections, numbers.slice(VIEWERS, VIEWERS + bulkKeys));
  const tookS = (performance.now() - started) / 1_000;
  const perSecond = ((await callsOfBusy()) - before) / tookS;
  over.abort();
  await views;
  await Promise.all([quiet, busy].map(({ connections }) => connections.close()));

  const [p95, p95OfBusy] = [quantile(quiet.ms, 0.95), quantile(busy.ms, 0.95)];
  return [
    {
      name: `${PER_SECOND} calls/s allowed, p95 of page views, during an export / without`,
      value: p95OfBusy / p95,
      unit: 'x',
      atMost: 2,
      detail: `${p95OfBusy.toFixed(1)} / ${p95.toFixed(1)} ms, p50 ${quantile(busy.ms, 0.5).toFixed(1)} / ${quantile(quiet.ms, 0.5).toFixed(1)} ms, ${busy.ms.length} views`,
    },
    {
      name: `${PER_SECOND} calls/s allowed, made during the export / allowed`,
      value: perSecond / PER_SECOND,
      unit: 'x',
      atLeast: 0.95,
      detail: `${bulkKeys} keys in ${tookS.toFixed(1)} s, ${failed} requests of ${KEYS_PER_CALL} keys repeated`,
    },
  ];
}

async function viewPages({
  connections,
  viewers,
  ms,
  signal,
}: {
  connections: Connections;
  viewers: readonly string[];
  ms: number[];
  signal: AbortSignal;
}): Promise<void> {
  await openLoop(connections, {
    perSecond: VIEWS_PER_SECOND,
    seconds: FOREVER_S,
    createRequest: (i) => ({ body: view(viewers[i % viewers.length] ?? '') }),
    each: (outcome) => {
      if (outcome.status !== 200 || outcome.body.includes('"errors"'))
        throw new Error(`A page view failed: ${outcome.body}`);
      ms.push(outcome.ms);
    },
    signal,
  });
}

/** Repeats each request until it is answered. Returns the number of repeated requests. */
async function exportAll(connections: Connections, numbers: readonly string[]): Promise<number> {
  const waiting = Array.from({ length: Math.ceil(numbers.length / KEYS_PER_CALL) }, (_, i) =>
    numbers.slice(i * KEYS_PER_CALL, (i + 1) * KEYS_PER_CALL),
  );
  let repeated = 0;
  const sendUntilDone = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { status, body } = await connections.send({
        body: many(part),
        headers: { 'x-priority': 'bulk' },
      });
      if (status === 200 && !body.includes('"errors"')) continue;
      repeated += 1;
      waiting.push(part);
    }
  };
  await Promise.all(Array.from({ length: EXPORT_CONCURRENCY }, sendUntilDone));
  return repeated;
}

function customerNumbers(customers: number): string[] {
  return createWorld({ customers }).people.flatMap(({ orderSystem, email }) =>
    orderSystem === undefined || !email.startsWith('customer-') ? [] : [orderSystem.customerNumber],
  );
}

function view(customerNumber: string): string {
  return JSON.stringify({
    query: 'query ($by: CustomerKey!) { customer(by: $by) { orders(first: 3) { nodes { number } } } }',
    variables: { by: { customerNumber } },
  });
}

/** One key for each customer. */
function many(customerNumbers: readonly string[]): string {
  return JSON.stringify({
    query: 'query ($by: [CustomerKey!]!) { customers(by: $by) { becameCustomerAt } }',
    variables: { by: customerNumbers.map((customerNumber) => ({ customerNumber })) },
  });
}
