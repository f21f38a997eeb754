import type { Effort } from '../effort.js';
import type { Body } from '../load.js';
import { openConnections, type Connections } from '../open-loop.js';
import { ratios, spread, type Figure } from '../report.js';
import { LIST_DIVISOR, OURS } from './compare.js';
import type { Contenders } from './contenders.js';
import { bodiesOfFifty, bodiesOfOne } from './queries.js';

const CLIENTS = 8;

/** Requests per second of clients that send the next request after each answer. Clients and systems share the cores. */
export async function throughputBesidePeers(
  { flags, gateway, peers }: Contenders,
  { blocks, sent }: Effort,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [scenario, bodies, requests] of [
    ['A', bodiesOfOne(), sent],
    ['B', bodiesOfFifty(), Math.ceil(sent / LIST_DIVISOR)],
  ] as const) {
    const measured = await Promise.all(
      [{ name: OURS, running: gateway }, ...peers].map(async ({ name, running }) => ({
        name,
        connections: await openConnections(running.ready.url, CLIENTS),
        perSecond: [] as number[],
      })),
    );
    for (let block = 0; block < blocks; block += 1)
      for (const { name, connections, perSecond } of block % 2 === 0 ? measured : measured.toReversed())
        perSecond.push(await perSecondOf(name, connections, bodies, requests));
    for (const { connections } of measured) await connections.close();
    const what = `${scenario}, ${CLIENTS} clients, ${flags}`;
    const [ours, ...theirs] = measured;
    figures.push(
      ...measured.map(({ name, perSecond }) => spread(`${what}, ${name}`, perSecond, 'requests/s')),
      ...theirs.map(({ name, perSecond }, i): Figure => {
        const atLeast = peers[i]?.goals.throughput;
        return {
          ...spread(`${what}, ${OURS} / ${name}`, ratios(ours?.perSecond ?? [], perSecond), 'x'),
          ...(atLeast === undefined ? {} : { atLeast }),
        };
      }),
    );
  }
  return figures;
}

async function perSecondOf(
  name: string,
  connections: Connections,
  bodies: readonly Body[],
  requests: number,
): Promise<number> {
  const started = performance.now();
  const answers = await Promise.all(
    Array.from({ length: requests }, (_, i) => connections.send({ body: bodies[i % bodies.length] ?? '' })),
  );
  const seconds = (performance.now() - started) / 1_000;
  const wrong = answers.find(({ status, body }) => status !== 200 || body.includes('"errors"'));
  if (wrong !== undefined) throw new Error(`${name} answered ${wrong.status}: ${wrong.body.slice(0, 300)}`);
  return requests / seconds;
}
