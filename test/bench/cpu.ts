import type { Effort } from './effort.js';
import { difference, type Calls, type FaultControl } from './fault-control.js';
import { load, type Body } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, customersQuery, customerQuery, TYPENAME } from './query.js';
import { ratios, spread, type Figure } from './report.js';

/** A server to measure, and the requests to send to it. */
export interface Contender {
  name: string;
  running: Running;
  bodies: readonly Body[];
}

export interface Measured {
  name: string;
  /** Per request, by block. */
  cpuMs: number[];
  /** Per request, in the last block. */
  calls: Calls;
}

export interface CpuContenders {
  gateway: Running;
  handWritten: Running;
  /** The hand-written schema, stitched from one schema for each system. */
  stitched: Running;
  /** The gateway with EXECUTION=interpreted. */
  interpreted: Running;
}

const INTERPRETED = 'gateway, interpreted';
const STITCHED = 'plain stitching';
/** Goal for the ratio to the hand-written schema. */
const MAX_RATIO_TO_HAND_WRITTEN = 1.3;

/** CPU time per request about one customer, no latency, identity warm. */
export async function cpuOfOne(
  { gateway, handWritten, interpreted, stitched }: CpuContenders,
  references: { yoga: Running; fixed: Running },
  control: FaultControl,
  effort: Effort,
): Promise<Figure[]> {
  const bodies = customersEverywhere().map((email) => customerQuery(email));
  const measured = await interleave(
    [
      { name: 'gateway', running: gateway, bodies },
      { name: 'hand-written', running: handWritten, bodies },
      { name: INTERPRETED, running: interpreted, bodies },
      { name: STITCHED, running: stitched, bodies },
      { name: 'Yoga, { __typename }', running: references.yoga, bodies: [TYPENAME] },
      { name: 'fixed answer of node:http', running: references.fixed, bodies },
    ],
    control,
    effort,
  );
  return describe('a query for one customer', measured);
}

/** CPU time per request about a list of fifty customers, no latency, identity warm. */
export async function cpuOfFifty(
  { gateway, handWritten, interpreted, stitched }: CpuContenders,
  control: FaultControl,
  { blocks, sent, warmUp }: Effort,
): Promise<Figure[]> {
  const bodies = [customersQuery(customersEverywhere().slice(0, 50))];
  const measured = await interleave(
    [
      { name: 'gateway', running: gateway, bodies },
      { name: 'hand-written', running: handWritten, bodies },
      { name: INTERPRETED, running: interpreted, bodies },
      { name: STITCHED, running: stitched, bodies },
    ],
    control,
    { blocks, sent: Math.ceil(sent / 16), warmUp: Math.ceil(warmUp / 16) },
  );
  return describe('a query for 50 customers', measured);
}

/**
 * Measures all contenders alternately, in several blocks, each block in another order. Sends one request after another:
 * a gateway shares calls between concurrent requests, and would then make fewer calls than the others.
 */
export async function interleave(
  contenders: readonly Contender[],
  control: FaultControl,
  { blocks, sent, warmUp }: Pick<Effort, 'blocks' | 'sent' | 'warmUp'>,
): Promise<Measured[]> {
  await control.heal();
  const measured = contenders.map((contender) => ({ ...contender, cpuMs: [] as number[], calls: {} }));
  for (const { running, bodies } of measured)
    await load(running.ready.url, bodies, { requests: warmUp, connections: 1 });
  for (let block = 0; block < blocks; block += 1) {
    const first = block % measured.length;
    const order = [...measured.slice(first), ...measured.slice(0, first)];
    for (const contender of block % 2 === 0 ? order : order.toReversed()) {
      const calls = await control.calls();
      const before = await contender.running.usage();
      await load(contender.running.ready.url, contender.bodies, { requests: sent, connections: 1 });
      const after = await contender.running.usage();
      contender.cpuMs.push((after.cpuMs - before.cpuMs) / sent);
      contender.calls = Object.fromEntries(
        Object.entries(difference(await control.calls(), calls)).map(([name, count]) => [name, count / sent]),
      );
    }
  }
  return measured;
}

/** Compares the first contender with the others that make the same calls. */
function describe(what: string, measured: readonly Measured[]): Figure[] {
  const [gateway, handWritten, interpreted, stitched] = measured;
  if (
    gateway === undefined ||
    handWritten === undefined ||
    interpreted === undefined ||
    stitched === undefined
  )
    throw new Error('There is nothing to compare.');
  for (const { calls } of [handWritten, stitched])
    for (const [name, count] of Object.entries(gateway.calls))
      if (Math.abs(count - (calls[name] ?? 0)) > 0.02)
        throw new Error(`The calls differ: ${JSON.stringify([gateway.calls, calls])}`);
  const total = Object.values(gateway.calls).reduce((sum, count) => sum + count, 0);
  return [
    ...measured.map(({ name, cpuMs }) => spread(`CPU per request, ${what}, ${name}`, cpuMs, 'ms')),
    {
      ...spread(
        `CPU, ${what}, gateway / hand-written`,
        ratios(gateway.cpuMs, handWritten.cpuMs),
        'x',
        `${total.toFixed(1)} calls to systems each`,
      ),
      atMost: MAX_RATIO_TO_HAND_WRITTEN,
    },
    spread(`CPU, ${what}, gateway / ${STITCHED}`, ratios(gateway.cpuMs, stitched.cpuMs), 'x'),
    spread(`CPU, ${what}, gateway / ${INTERPRETED}`, ratios(gateway.cpuMs, interpreted.cpuMs), 'x'),
  ];
}
