import { openTuned, type Bench } from './bench.js';
import { capacity } from './capacity.js';
import { openConnections, openLoop, type Connections, type Outcome } from './open-loop.js';
import { ordinaryCustomers, customerQuery } from './query.js';
import { quantile, type Figure } from './report.js';

/** Load of the overload, as a multiple of the capacity. */
const OVERLOAD_FACTOR = 3;
/** Share of the capacity that is sent before and after the overload. */
const CALM_SHARE_OF_CAPACITY = 0.2;
const CALM_S = 5;
/** More than the gateway handles at the same time, so that no request waits for a free connection. */
const CONNECTIONS = 4_000;
const WINDOW_MS = 250;
/** After this number of consecutive good windows, the gateway is normal again. */
const GOOD_WINDOWS = 4;

type Seen = Pick<Outcome, 'dueMs' | 'endMs' | 'ms' | 'lateMs' | 'status'>;

/** Three times the capacity of the gateway, for a minute. */
export async function overload(bench: Bench): Promise<Figure[]> {
  const { loadS } = bench.effort;
  const gateway = await openTuned(bench, {});
  const bodies = ordinaryCustomers().map((email) => customerQuery(email));
  const capacityPerSecond = await capacity(gateway, bodies, Math.max(3, loadS / 6));
  const connections = await openConnections(gateway.ready.url, CONNECTIONS);
  const run = (perSecond: number, seconds: number) => watch(connections, bodies, { perSecond, seconds });

  const before = await run(CALM_SHARE_OF_CAPACITY * capacityPerSecond, CALM_S);
  const during = await run(OVERLOAD_FACTOR * capacityPerSecond, loadS);
  const after = await run(CALM_SHARE_OF_CAPACITY * capacityPerSecond, 2 * CALM_S);
  const { peakRssMb } = await gateway.usage();
  await connections.close();

  const answered = during.filter(({ status }) => status === 200);
  const refused = during.filter(({ status }) => status === 503);
  // Requests in flight at the end of the load count in the time until the gateway is normal.
  const endedMs = quantile(
    during.map(({ endMs }) => endMs),
    1,
  );
  const normalS = Math.max(0, endedMs / 1_000 - loadS) + normalAgainS(before, after);
  const p = (seen: readonly Seen[], part: number) =>
    quantile(
      seen.map(({ ms }) => ms),
      part,
    );
  const late = (part: number) =>
    quantile(
      during.map(({ lateMs }) => lateMs),
      part,
    ).toFixed(0);
  return [
    {
      name: 'overload, capacity',
      value: capacityPerSecond,
      unit: 'requests/s',
      detail: `p99 at ${CALM_SHARE_OF_CAPACITY} of it ${p(before, 0.99).toFixed(0)} ms`,
    },
    {
      name: 'overload, sent',
      value: during.length / loadS,
      unit: 'requests/s',
      atLeast: Math.floor(0.98 * OVERLOAD_FACTOR * capacityPerSecond),
      detail: `for ${loadS} s over ${CONNECTIONS} connections; sent late by p50 ${late(0.5)}, p99 ${late(0.99)} ms`,
    },
    {
      name: 'overload, answered',
      value: answered.length / loadS,
      unit: 'requests/s',
      detail: `${((answered.length / loadS / capacityPerSecond) * 100).toFixed(0)} % of capacity`,
    },
    {
      name: 'overload, p99 of answers',
      value: p(answered, 0.99),
      unit: 'ms',
      atMost: 1_000,
      detail: `p50 ${p(answered, 0.5).toFixed(0)}; of refusals p50 ${p(refused, 0.5).toFixed(0)}, p99 ${p(refused, 0.99).toFixed(0)}`,
    },
    { name: 'overload, gateway RSS, highest', value: peakRssMb, unit: 'MB', atMost: 400 },
    {
      name: 'overload, neither answered nor refused',
      value: during.length - answered.length - refused.length,
      unit: 'requests',
      atMost: 0,
      detail: `${answered.length} answered, ${refused.length} refused with 503`,
    },
    { name: 'overload, normal again after', value: normalS, unit: 's', atMost: 2 },
  ];
}

async function watch(
  connections: Connections,
  bodies: readonly string[],
  load: { perSecond: number; seconds: number },
): Promise<Seen[]> {
  const seen: Seen[] = [];
  await openLoop(connections, {
    ...load,
    createRequest: (i) => ({ body: bodies[i % bodies.length] ?? '' }),
    each: ({ dueMs, endMs, ms, lateMs, status }) => seen.push({ dueMs, endMs, ms, lateMs, status }),
  });
  return seen;
}

/** Seconds until, for one second, nothing is refused and 90 % of answers are as fast as before the overload. */
function normalAgainS(before: readonly Seen[], after: readonly Seen[]): number {
  const slowest = quantile(
    before.map(({ ms }) => ms),
    1,
  );
  let good = 0;
  for (let from = 0; from < 2_000 * CALM_S; from += WINDOW_MS) {
    const window = after.filter(({ dueMs }) => dueMs >= from && dueMs < from + WINDOW_MS);
    const isGood =
      window.every(({ status }) => status === 200) &&
      quantile(
        window.map(({ ms }) => ms),
        0.9,
      ) <= slowest;
    good = isGood ? good + 1 : 0;
    if (good === GOOD_WINDOWS) return (from + WINDOW_MS - GOOD_WINDOWS * WINDOW_MS) / 1_000;
  }
  return Infinity;
}
