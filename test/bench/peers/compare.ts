import { isDeepStrictEqual } from 'node:util';
import { interleave } from '../cpu.js';
import type { FaultControl } from '../fault-control.js';
import { createClient, type Body } from '../load.js';
import { ratios, spread, type Figure } from '../report.js';
import type { Contenders, Peer } from './contenders.js';
import type { PeersEffort } from './effort.js';
import { bodiesOfFifty, bodiesOfOne, CUSTOMERS_OF_LIST } from './queries.js';

export const OURS = 'Stekkerdoos';
export const OURS_ALONE = 'Stekkerdoos without shared calls';
/**
 * Lists cost more, so this many requests about one customer replace a list. The cheapest contender still
 * needs 0.1 s for a block.
 */
const LIST_DIVISOR = 4;

/** Checks that all peers return the same answers as our gateway. */
export async function sameAnswersOfPeers({ gateway, alone, peers }: Contenders): Promise<Figure> {
  const bodies = [...bodiesOfOne().slice(0, 100), ...bodiesOfFifty()];
  const ours = createClient(gateway.ready.url);
  for (const { name, running } of [{ name: OURS_ALONE, running: alone }, ...peers]) {
    const theirs = createClient(running.ready.url);
    for (const body of bodies) {
      const [a, b] = [await ours.post(body), await theirs.post(body)];
      if (a.body.includes('"errors"') || !isDeepStrictEqual(JSON.parse(a.body), JSON.parse(b.body)))
        throw new Error(`The answers differ.\nRequest: ${body}\n${OURS}: ${a.body}\n${name}: ${b.body}`);
    }
    theirs.close();
  }
  ours.close();
  return {
    name: `answers of ${peers.length + 2} contenders equal, field by field`,
    value: bodies.length,
    unit: 'answers',
  };
}

/** CPU time per request, nothing cached, no latency, one request after another. */
export async function cpuBesidePeers(
  contenders: Contenders,
  control: FaultControl,
  { blocks, sent }: PeersEffort,
): Promise<Figure[]> {
  // The run under load has warmed up all contenders.
  const effort = { blocks, sent, warmUp: sent };
  const fewer = { blocks, sent: Math.ceil(sent / LIST_DIVISOR), warmUp: Math.ceil(sent / LIST_DIVISOR) };
  return [
    ...(await cpuOf('A, one customer', bodiesOfOne(), ({ goals }) => goals.one, effort)),
    ...(await cpuOf(`B, ${CUSTOMERS_OF_LIST} customers`, bodiesOfFifty(), ({ goals }) => goals.fifty, fewer)),
  ];

  async function cpuOf(
    scenario: string,
    bodies: readonly Body[],
    goalOf: (peer: Peer) => number | undefined,
    effort: Parameters<typeof interleave>[2],
  ): Promise<Figure[]> {
    const { flags, gateway, peers } = contenders;
    const [ours, ...theirs] = await interleave(
      [{ name: OURS, running: gateway, bodies }, ...peers.map((peer) => ({ ...peer, bodies }))],
      control,
      effort,
    );
    if (ours === undefined) throw new Error('There is nothing to compare.');
    const what = `${scenario}, ${flags}`;
    return [
      ...[ours, ...theirs].map(({ name, cpuMs, calls }) => {
        const total = Object.values(calls).reduce((sum, count) => sum + count, 0);
        return spread(
          `CPU per request, ${what}, ${name}`,
          cpuMs,
          'ms',
          `${total.toFixed(2)} calls to systems`,
        );
      }),
      ...theirs.map(({ name, cpuMs }, i): Figure => {
        const peer = peers[i];
        const atMost = peer === undefined ? undefined : goalOf(peer);
        return {
          ...spread(`CPU, ${what}, ${OURS} / ${name}`, ratios(ours.cpuMs, cpuMs), 'x'),
          ...(atMost === undefined ? {} : { atMost }),
        };
      }),
    ];
  }
}
