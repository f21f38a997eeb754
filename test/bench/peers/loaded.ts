import { difference, type FaultControl } from '../fault-control.js';
import { interleave } from '../cpu.js';
import type { Body } from '../load.js';
import { openConnections, type Connections } from '../open-loop.js';
import type { Running } from '../processes.js';
import { leftOut, median, ratios, spread, type Figure } from '../report.js';
import { OURS, OURS_ALONE } from './compare.js';
import type { Contenders, Peer, RunningPeer } from './contenders.js';
import { BARE } from './contenders.js';
import type { PeersEffort } from './effort.js';
import { bodiesOfFifty, bodiesOfOne, bodyOfMany, CUSTOMERS_OF_LIST } from './queries.js';
import { customersEverywhere } from './records.js';

const CONNECTIONS = 16;
/** Latencies added to each call, with the goals for p50 / p50 without a gateway. */
const LATENCIES = [
  { latencyMs: 20, atMost: 1.03 },
  { latencyMs: 10, atMost: 1.05 },
];
/** Customers of one query, with the number of queries in a block. */
const LISTS = [
  [1, 200],
  [10, 100],
  [50, 40],
  [200, 10],
  [1_000, 3],
  [5_000, 1],
] as const;
/** Goals for each further customer of a list: CPU / CPU without a gateway, and most / least expensive. */
const MAX_RATIO_OF_CUSTOMER = 2.5;
const MAX_GROWTH_OF_CUSTOMER = 1.2;

interface Measured {
  name: string;
  running: Running;
  connections: Connections;
  cpuMs: number[];
  p50Ms: number[];
  callsPerRequest: number;
}

/**
 * CPU per request, response times and memory while 16 connections each send the next request after an answer. Each
 * request names other customers than the 15 beside it, so the clients share no call about a customer.
 */
export async function loadedBesidePeers(
  { flags, gateway, alone, peers }: Contenders,
  control: FaultControl,
  effort: PeersEffort,
): Promise<Figure[]> {
  await control.heal();
  const all: Measured[] = await Promise.all(
    [{ name: OURS_ALONE, running: alone }, { name: OURS, running: gateway }, ...peers].map(
      async ({ name, running }) => ({
        name,
        running,
        connections: await openConnections(running.ready.url, CONNECTIONS),
        cpuMs: [],
        p50Ms: [],
        callsPerRequest: Number.NaN,
      }),
    ),
  );
  // Without shared calls, a list would load each customer in a separate call.
  const measured = all.slice(1);
  const figures: Figure[] = [];
  const ofOne = { bodies: bodiesOfOne(), sent: effort.loaded, warmUp: effort.warmUp };
  const ofFifty = {
    bodies: bodiesOfFifty(),
    sent: Math.ceil(effort.loaded / 10),
    warmUp: Math.ceil(effort.warmUp / 8),
  };
  for (const [scenario, contenders, load, goalOf] of [
    ['A, one customer', all, ofOne, ({ goals }: Peer) => goals.one],
    [`B, ${CUSTOMERS_OF_LIST} customers`, measured, ofFifty, ({ goals }: Peer) => goals.fifty],
  ] as const) {
    const what = `${scenario}, ${CONNECTIONS} connections, ${flags}`;
    for (const contender of contenders) await block(contender, load.bodies, load.warmUp, control);
    await blocks(contenders, load, effort.blocks, control);
    figures.push(
      ...contenders.map(({ name, cpuMs, callsPerRequest }) =>
        spread(
          `CPU per request, ${what}, ${name}`,
          cpuMs,
          'ms',
          `${callsPerRequest.toFixed(2)} calls to systems`,
        ),
      ),
      ...compare(`CPU, ${what}`, contenders, peers, ({ cpuMs }) => cpuMs, goalOf),
    );
  }
  figures.push(...(await memoryOf(`RSS after the load of B, ${flags}`, measured)));
  for (const { latencyMs, atMost } of LATENCIES) {
    await control.latency(latencyMs);
    await blocks(measured, { bodies: ofOne.bodies, sent: Math.ceil(ofOne.sent / 4) }, effort.blocks, control);
    const what = `A, ${latencyMs} ms a call, ${CONNECTIONS} connections, ${flags}`;
    figures.push(
      ...measured.map(({ name, p50Ms }) => spread(`p50, ${what}, ${name}`, p50Ms, 'ms')),
      ...compare(
        `p50, ${what}`,
        measured,
        peers,
        ({ p50Ms }) => p50Ms,
        ({ role }) => (role === BARE ? atMost : undefined),
      ),
    );
  }
  await control.heal();
  for (const { connections } of measured) await connections.close();
  return figures;
}

/** Measures all contenders alternately, in several blocks. The order is reversed in every other block. */
async function blocks(
  measured: readonly Measured[],
  { bodies, sent }: { bodies: readonly Body[]; sent: number },
  count: number,
  control: FaultControl,
): Promise<void> {
  for (const contender of measured) Object.assign(contender, { cpuMs: [], p50Ms: [] });
  for (let number = 0; number < count; number += 1)
    for (const contender of number % 2 === 0 ? measured : measured.toReversed())
      await block(contender, bodies, sent, control);
}

async function block(
  contender: Measured,
  bodies: readonly Body[],
  sent: number,
  control: FaultControl,
): Promise<void> {
  const { name, running, connections } = contender;
  const calls = await control.calls();
  const before = await running.usage();
  const times = await Promise.all(
    Array.from({ length: sent }, async (_, i) => {
      const { sentAt, status, body } = await connections.send({ body: bodies[i % bodies.length] ?? '' });
      if (status !== 200 || body.includes('"errors"'))
        throw new Error(`${name} answered ${status}: ${body.slice(0, 300)}`);
      return performance.now() - sentAt;
    }),
  );
  contender.cpuMs.push(((await running.usage()).cpuMs - before.cpuMs) / sent);
  contender.p50Ms.push(median(times));
  const callsBySystem = difference(await control.calls(), calls);
  contender.callsPerRequest = Object.values(callsBySystem).reduce((sum, count) => sum + count, 0) / sent;
}

function compare(
  what: string,
  measured: readonly Measured[],
  peers: readonly Peer[],
  valuesOf: (measured: Measured) => readonly number[],
  goalOf: (peer: Peer) => number | undefined,
): Figure[] {
  const theirs = measured.slice(-peers.length);
  // The goals are for equal work, so for our gateway alone if it was measured.
  return measured.slice(0, -peers.length).flatMap((ours, place) =>
    theirs.map((their, i): Figure => {
      const peer = peers[i];
      const atMost = place > 0 || peer === undefined ? undefined : goalOf(peer);
      return {
        ...spread(`${what}, ${ours.name} / ${their.name}`, ratios(valuesOf(ours), valuesOf(their)), 'x'),
        ...(atMost === undefined ? {} : { atMost }),
      };
    }),
  );
}

/** RSS, as the operating system reports it. */
export async function memoryOf(
  what: string,
  contenders: readonly { name: string; running: Running }[],
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name, running } of contenders) {
    const { rssMb, peakRssMb } = await running.usage();
    figures.push({
      name: `${what}, ${name}`,
      value: rssMb,
      unit: 'MB',
      detail: `highest ${peakRssMb.toFixed(0)}`,
    });
  }
  return figures;
}

/** CPU per request of lists of different lengths, one request after another, beside the handler without a gateway. */
export async function growthOfLists(
  { flags, gateway, peers }: Contenders,
  control: FaultControl,
  { blocks: count }: PeersEffort,
): Promise<Figure[]> {
  const bare = peers.find(({ role }) => role === BARE);
  if (bare === undefined) return [leftOut(`Growth of lists, ${flags}`, 'ms', 'nothing to compare with')];
  const emails = customersEverywhere();
  const figures: Figure[] = [];
  const cpuMs: { customers: number; ours: number; theirs: number }[] = [];
  for (const [customers, sent] of LISTS) {
    const bodies = [bodyOfMany(emails.slice(0, customers))];
    const contenders = [
      { name: OURS, running: gateway, bodies },
      { name: bare.name, running: bare.running, bodies },
    ];
    const [ours, theirs] = await interleave(contenders, control, { blocks: count, sent, warmUp: sent });
    if (ours === undefined || theirs === undefined) throw new Error('There is nothing to compare.');
    const what = `list of ${customers}, ${flags}`;
    cpuMs.push({ customers, ours: median(ours.cpuMs), theirs: median(theirs.cpuMs) });
    figures.push(
      ...[ours, theirs].map(({ name, cpuMs: samples }) =>
        spread(`CPU per request, ${what}, ${name}`, samples, 'ms'),
      ),
      spread(`CPU, ${what}, ${OURS} / ${bare.name}`, ratios(ours.cpuMs, theirs.cpuMs), 'x'),
    );
  }
  const further = cpuMs.slice(1).map((at, i) => {
    const { customers, ours, theirs } = cpuMs[i] ?? at;
    const more = at.customers - customers;
    return { at: at.customers, ours: (at.ours - ours) / more, theirs: (at.theirs - theirs) / more };
  });
  for (const { at, ours, theirs } of further)
    figures.push(
      { name: `CPU, each further customer up to ${at}, ${flags}, ${OURS}`, value: ours * 1_000, unit: 'µs' },
      {
        name: `CPU, each further customer up to ${at}, ${flags}, ${OURS} / ${bare.name}`,
        value: ours / theirs,
        unit: 'x',
        atMost: MAX_RATIO_OF_CUSTOMER,
      },
    );
  const costs = further.slice(1).map(({ ours }) => ours);
  figures.push({
    name: `CPU, each further customer, most / least expensive, ${flags}, ${OURS}`,
    value: Math.max(...costs) / Math.min(...costs),
    unit: 'x',
    atMost: MAX_GROWTH_OF_CUSTOMER,
  });
  return figures;
}

/** Kilobytes that a request allocates on the heap of V8. Needs a young generation in which nothing is collected. */
export async function allocatedBesidePeers(
  gateway: Running,
  peers: readonly RunningPeer[],
  control: FaultControl,
  { blocks: count, warmUp }: PeersEffort,
): Promise<Figure[]> {
  await control.heal();
  const figures: Figure[] = [];
  for (const [scenario, bodies, sent, goal] of [
    ['A', bodiesOfOne(), 100, 130],
    ['B', bodiesOfFifty(), 10, 1_600],
  ] as const)
    for (const { name, running } of [{ name: OURS, running: gateway }, ...peers]) {
      const connections = await openConnections(running.ready.url, 1);
      const send = async (requests: number): Promise<void> => {
        for (let i = 0; i < requests; i += 1)
          await connections.send({ body: bodies[i % bodies.length] ?? '' });
      };
      await send(Math.ceil((warmUp * sent) / 400));
      const kb: number[] = [];
      for (let number = 0; number < count; number += 1) {
        const { heapMb } = await running.collect();
        await send(sent);
        kb.push((((await running.usage()).heapMb - heapMb) * 1_024) / sent);
      }
      await connections.close();
      figures.push({
        ...spread(`allocated for each request, ${scenario}, ${name}`, kb, 'kB'),
        ...(name === OURS ? { atMost: goal } : {}),
      });
    }
  return figures;
}
