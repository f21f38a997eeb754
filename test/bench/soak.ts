import { setTimeout as sleep } from 'node:timers/promises';
import { openTuned, type Bench } from './bench.js';
import { capacity } from './capacity.js';
import type { Condition, FaultControl } from './fault-control.js';
import { judge } from './judge.js';
import { metric } from './metrics.js';
import { openConnections, openLoop, type LoadRequest, type Connections } from './open-loop.js';
import { customersEverywhere, customersQuery, customerQuery, SYSTEMS } from './query.js';
import type { Figure } from './report.js';

/** Low enough to leave CPU for checking the answers. */
const PER_SECOND = 100;
const SHARE_OF_CAPACITY = 0.25;
const CUSTOMERS = 60;
/**
 * The wait before the heap is measured, in which in-flight requests end and short-lived cache entries expire.
 */
const REST_MS = 25_000;
/** Short times, so that faults occur while entries are fresh, stale and expired. */
const FRESHNESS = { maxAge: '2 s', staleWhileRevalidate: '2 s', staleIfError: '10 s' } as const;
const FAULTS = ['down', 'hang', 'status', 'rate-limit', 'garbage', 'drip', 'reset'] as const;
const HEADER_SETS: readonly Readonly<Record<string, string>>[] = [
  { 'cache-control': 'no-cache' },
  { 'cache-control': 'max-age=1' },
  { 'cache-control': 'max-stale=5' },
  { 'cache-control': 'only-if-cached' },
  { 'x-priority': 'bulk' },
  { prefer: 'wait=1' },
];
const MAX_SHOWN = 5;

/** Queries of many kinds for some minutes, while the systems fail in all ways of the fault control. */
export async function soak(bench: Bench, minutes: number): Promise<Figure[]> {
  const { control } = bench;
  const gateway = await openTuned(bench, {
    '*': { freshness: FRESHNESS },
    'contact-centre': { freshness: { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } },
  });
  const bodies = createQueries();
  const capacityPerSecond = await capacity(gateway, bodies, 5);
  const connections = await openConnections(gateway.ready.url, 500);
  const expected = await answersTo(bodies, connections);
  const load = {
    perSecond: Math.min(PER_SECOND, SHARE_OF_CAPACITY * capacityPerSecond),
    createRequest: () => ({ body: pick(bodies), headers: { 'x-sources': '1', ...randomHeaders() } }),
  };
  const heap = async () => {
    await sleep(REST_MS);
    const { heapMb } = await gateway.collect();
    const cacheMb = (await metric(gateway.ready.url, 'stekkerdoos_cache_bytes')) / 2 ** 20;
    return { heapMb, cacheMb };
  };

  // Compiled code and first cache entries of the first minute are not a leak.
  await openLoop(connections, { ...load, seconds: 60, each: () => undefined });
  const before = await heap();
  const counts = { right: 0, marked: 0, wrong: 0 };
  const shown: string[] = [];
  const over = new AbortController();
  const faults = playFaults(control, over.signal);
  const requests = new Map<number, LoadRequest>();
  const sent = await openLoop(connections, {
    ...load,
    seconds: minutes * 60,
    signal: over.signal,
    createRequest: (i) => {
      const request = load.createRequest();
      requests.set(i, request);
      return request;
    },
    each: (outcome) => {
      const { body = '', headers } = requests.get(outcome.number) ?? {};
      requests.delete(outcome.number);
      if (!gateway.isRunning()) over.abort();
      const judgement = judge(outcome, expected.get(body));
      if (typeof judgement === 'string') counts[judgement] += 1;
      else {
        counts.wrong += 1;
        if (shown.length < MAX_SHOWN) shown.push(`${JSON.stringify(headers)} ${body}\n  ${judgement.wrong}`);
      }
    },
  });
  over.abort();
  const played = await faults;
  await control.heal();
  if (!gateway.isRunning()) throw new Error(`The gateway ended after ${sent} requests: see above.`);
  const after = await heap();
  await connections.close();
  for (const text of shown) process.stderr.write(`wrong: ${text}\n`);

  const text = ({ heapMb, cacheMb }: typeof before) =>
    `${heapMb.toFixed(1)} MB, ${cacheMb.toFixed(1)} of it cache`;
  return [
    {
      name: `soak, ${minutes} minutes, answers neither right nor marked`,
      value: counts.wrong,
      unit: 'answers',
      atMost: 0,
      detail: `of ${sent}: ${counts.right} right, ${counts.marked} marked; ${played} faults, ${(sent / minutes / 60).toFixed(0)} requests/s`,
    },
    {
      name: 'soak, heap without the cache, after / before',
      value: (after.heapMb - after.cacheMb) / (before.heapMb - before.cacheMb),
      unit: 'x',
      atMost: 1.1,
      detail: `collected; ${text(before)}, then ${text(after)}`,
    },
  ];
}

function createQueries(): string[] {
  const emails = customersEverywhere().slice(0, CUSTOMERS);
  const lists = Array.from({ length: CUSTOMERS / 10 }, (_, i) =>
    customersQuery(emails.slice(i * 10, i * 10 + 10)),
  );
  return [
    ...emails.map((email) => customerQuery(email)),
    ...emails.map((email) =>
      customerQuery(email, 'name orders(first: 2) { nodes { number total { amount } } }'),
    ),
    ...emails.map((email) =>
      customerQuery(email, 'id tickets(first: 5) { nodes { subject status } } company { name }'),
    ),
    ...lists,
  ];
}

/** Answer to each query while all systems are healthy. */
async function answersTo(
  bodies: readonly string[],
  connections: Connections,
): Promise<ReadonlyMap<string, unknown>> {
  const answers = new Map<string, unknown>();
  for (const body of bodies) {
    const { status, body: text } = await connections.send({ body });
    if (status !== 200 || text.includes('"errors"')) throw new Error(`An answer contains errors: ${text}`);
    answers.set(body, (JSON.parse(text) as { data: unknown }).data);
  }
  return answers;
}

/** Headers of a request. Most requests have none. */
function randomHeaders(): Readonly<Record<string, string>> {
  return Math.random() < 0.3 ? pick(HEADER_SETS) : {};
}

/** At random intervals, a random system fails in a random way or recovers. Returns the number of faults. */
async function playFaults(control: FaultControl, signal: AbortSignal): Promise<number> {
  let played = 0;
  while (!signal.aborted) {
    const isFault = Math.random() < 0.4;
    const change: Condition = isFault
      ? Math.random() < 0.2
        ? { latencyMs: Math.round(Math.random() * 800) }
        : { fault: pick(FAULTS) }
      : { latencyMs: 0, fault: null };
    if (isFault) played += 1;
    await control.set(pick(SYSTEMS), change);
    await sleep(500 + Math.random() * 2_500, undefined, { signal }).catch(() => undefined);
  }
  return played;
}

function pick<T>(all: readonly T[]): T {
  const item = all[Math.floor(Math.random() * all.length)];
  if (item === undefined) throw new Error('There is nothing to pick from.');
  return item;
}
