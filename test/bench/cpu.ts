import type { Effort } from './effort.js';
import { difference, type Calls, type FaultControl } from './fault-control.js';
import { load, type Body } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, many, one, TYPENAME } from './query.js';
import { ratios, spread, type Figure } from './report.js';

/** One who answers, and what it is asked. */
interface Contender {
  name: string;
  running: Running;
  bodies: readonly Body[];
}

interface Measured {
  name: string;
  /** Per request, by block. */
  cpuMs: number[];
  /** Per request, in the last block. */
  calls: Calls;
}

export interface CpuContenders {
  gateway: Running;
  handWritten: Running;
}

/** CPU time per request about one customer, no latency, identity warm. */
export async function cpuOfOne(
  { gateway, handWritten }: CpuContenders,
  references: { yoga: Running; fixed: Running },
  control: FaultControl,
  effort: Effort,
): Promise<Figure[]> {
  const bodies = customersEverywhere().map((email) => one(email));
  const measured = await interleave(
    [
      { name: 'gateway', running: gateway, bodies },
      { name: 'hand-written', running: handWritten, bodies },
      { name: 'Yoga, { __typename }', running: references.yoga, bodies: [TYPENAME] },
      { name: 'fixed answer of node:http', running: references.fixed, bodies },
    ],
    control,
    effort,
  );
  return describe('one customer', measured, 1.5);
}

/** The same of one list of fifty customers. */
export async function cpuOfFifty(
  { gateway, handWritten }: CpuContenders,
  control: FaultControl,
  { blocks, sent, warmUp }: Effort,
): Promise<Figure[]> {
  const bodies = [many(customersEverywhere().slice(0, 50))];
  const measured = await interleave(
    [
      { name: 'gateway', running: gateway, bodies },
      { name: 'hand-written', running: handWritten, bodies },
    ],
    control,
    { blocks, sent: Math.ceil(sent / 16), warmUp: Math.ceil(warmUp / 16) },
  );
  return describe('50 customers', measured, undefined);
}

/**
 * Everybody in turn, several times over, each time in the opposite order; one request after another, since a gateway
 * asks by one call what requests want at the same moment, and then would be cheaper for asking less.
 */
async function interleave(
  contenders: readonly Contender[],
  control: FaultControl,
  { blocks, sent, warmUp }: Pick<Effort, 'blocks' | 'sent' | 'warmUp'>,
): Promise<Measured[]> {
  await control.heal();
  const measured = contenders.map((one) => ({ ...one, cpuMs: [] as number[], calls: {} }));
  for (const { running, bodies } of measured)
    await load(running.ready.url, bodies, { requests: warmUp, connections: 1 });
  for (let block = 0; block < blocks; block += 1) {
    for (const own of block % 2 === 0 ? measured : measured.toReversed()) {
      const calls = await control.calls();
      const before = await own.running.usage();
      await load(own.running.ready.url, own.bodies, { requests: sent, connections: 1 });
      const after = await own.running.usage();
      own.cpuMs.push((after.cpuMs - before.cpuMs) / sent);
      own.calls = Object.fromEntries(
        Object.entries(difference(await control.calls(), calls)).map(([name, count]) => [name, count / sent]),
      );
    }
  }
  return measured;
}

/** The first two are compared. */
function describe(what: string, measured: readonly Measured[], atMost: number | undefined): Figure[] {
  const [gateway, handWritten] = measured;
  if (gateway === undefined || handWritten === undefined) throw new Error('There is nothing to compare.');
  for (const [name, count] of Object.entries(gateway.calls)) {
    if (Math.abs(count - (handWritten.calls[name] ?? 0)) > 0.02)
      throw new Error(`The calls differ: ${JSON.stringify([gateway.calls, handWritten.calls])}`);
  }
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
      ...(atMost === undefined ? {} : { atMost }),
    },
  ];
}
