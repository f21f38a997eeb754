import { openTuned, type Bench } from './bench.js';
import { capacity } from './capacity.js';
import { faultControl } from './fault-control.js';
import { openConnections, openLoop, type Connections } from './open-loop.js';
import { CUSTOMERS, customersEverywhere, customerQuery } from './query.js';
import { median, quantile, ratios, spread, type Figure } from './report.js';

const HANGING = 'contact-centre';
const TIMEOUT_MS = 1_000;
/** Both queries make the same calls to the other systems. */
const QUERIES = {
  without: 'orders(first: 3) { nodes { number placedAt } }',
  with: 'tickets(first: 3) { nodes { subject status } } orders(first: 3) { nodes { number placedAt } }',
};
const SHARE_OF_CAPACITY = 0.2;
const BLOCKS = 6;

type Kind = keyof typeof QUERIES;

interface Seen {
  kind: Kind;
  block: number;
  dueMs: number;
  endMs: number;
  ms: number;
  /** The circuit breaker was open: no call was made. */
  isRefused: boolean;
}

/**
 * Two gateways under the same load. One has a separate contact centre, which then hangs. Other work on the machine
 * affects both at the same time.
 */
export async function hanging(bench: Bench): Promise<Figure[]> {
  const { open, effort } = bench;
  const faultySystems = await open({
    role: 'source',
    environment: { BENCH_SYSTEMS: HANGING, BENCH_CUSTOMERS: String(CUSTOMERS) },
  });
  const control = faultControl([faultySystems.ready.url]);
  const gateways = [
    await openTuned(bench, {}),
    await openTuned(bench, {}, faultySystems.ready.settings),
  ] as const;
  const emails = customersEverywhere();
  const bodies = Object.values(QUERIES).flatMap((fields) =>
    emails.map((email) => customerQuery(email, fields)),
  );
  let capacityPerSecond = Infinity;
  for (const gateway of gateways)
    capacityPerSecond = Math.min(
      capacityPerSecond,
      await capacity(gateway, bodies, Math.max(3, effort.loadS / 10)),
    );

  const connections = await Promise.all(gateways.map(({ ready }) => openConnections(ready.url, 300)));
  const perSecond = (SHARE_OF_CAPACITY * capacityPerSecond) / 4;
  const load = { emails, perSecond, seconds: effort.loadS };
  const run = () => Promise.all(connections.map((to) => watch(to, load)));
  const [calm, calmToo] = await run();
  await control.set(HANGING, { fault: 'hang' });
  const [healthy, struck] = await run();
  await control.heal();
  await Promise.all(connections.map((connection) => connection.close()));
  if (!calm || !calmToo || !healthy || !struck) throw new Error('There are two gateways.');

  const refused = struck.filter(({ isRefused }) => isRefused);
  const openedMs = refused.reduce((first, { endMs }) => Math.min(first, endMs), Infinity);
  const using = struck.filter(({ kind }) => kind === 'with');
  const early = using.filter(({ dueMs }) => dueMs < openedMs).map(({ ms }) => ms);
  const later = using.filter(({ dueMs }) => dueMs >= openedMs).map(({ ms }) => ms);
  const usual = calmToo.filter(({ kind }) => kind === 'with').map(({ ms }) => ms);
  const noise = ratios(p99s(calmToo, 'without'), p99s(calm, 'without'));
  const ofOthers = ratios(p99s(struck, 'without'), p99s(healthy, 'without'));
  const rest = quantile(usual, 0.99);
  return [
    spread(
      'nothing hangs, p99 of queries without the contact centre, gateway / other gateway',
      noise,
      'x',
      `noise; ${(perSecond * 4).toFixed(0)} requests/s in all, capacity ${capacityPerSecond.toFixed(0)}`,
    ),
    {
      ...spread(
        'contact centre hangs, p99 of queries without it, gateway / gateway where nothing hangs',
        ofOthers,
        'x',
        `${BLOCKS} blocks of ${(effort.loadS / BLOCKS).toFixed(1)} s; p99 ${median(p99s(struck, 'without')).toFixed(0)} ms; goal: the highest noise`,
      ),
      atMost: Number(Math.max(...noise).toFixed(2)),
    },
    {
      name: 'contact centre hangs, slowest query with it before the breaker opens',
      value: quantile(early, 1),
      unit: 'ms',
      atMost: Math.ceil(TIMEOUT_MS + rest),
      detail: `timeout ${TIMEOUT_MS} + the rest of the query (p99 ${rest.toFixed(0)}); opened after ${openedMs.toFixed(0)} ms; ${early.filter((ms) => ms > TIMEOUT_MS + rest).length} of ${early.length} requests took longer`,
    },
    {
      name: 'contact centre hangs, p99 of queries with it after the breaker opens',
      value: quantile(later, 0.99),
      unit: 'ms',
      atMost: 50,
      detail: `${later.filter((ms) => ms >= TIMEOUT_MS / 2).length} of ${later.length} waited for a probe; p50 ${median(later).toFixed(0)}, when nothing hangs p50 ${median(usual).toFixed(0)}, p99 ${rest.toFixed(0)}`,
    },
  ];
}

/** Sends both kinds of queries at the same time, each at the given rate. */
async function watch(
  connections: Connections,
  { emails, perSecond, seconds }: { emails: readonly string[]; perSecond: number; seconds: number },
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const kinds = Object.keys(QUERIES) as Kind[];
  await Promise.all(
    kinds.map((kind) =>
      openLoop(connections, {
        perSecond,
        seconds,
        createRequest: (i) => ({ body: customerQuery(emails[i % emails.length] ?? '', QUERIES[kind]) }),
        each: ({ dueMs, endMs, ms, status, body }) => {
          // On a busy machine the gateway may refuse some requests.
          if (status === 503) return;
          if (status !== 200) throw new Error(`An answer has status ${status}: ${body}`);
          const block = Math.floor((dueMs / 1_000 / seconds) * BLOCKS);
          seen.push({ kind, block, dueMs, endMs, ms, isRefused: body.includes('"SOURCE_UNAVAILABLE"') });
        },
      }),
    ),
  );
  return seen;
}

function p99s(seen: readonly Seen[], wanted: Kind): number[] {
  return Array.from({ length: BLOCKS }, (_, of) =>
    quantile(
      seen.filter(({ kind, block }) => kind === wanted && block === of).map(({ ms }) => ms),
      0.99,
    ),
  );
}
