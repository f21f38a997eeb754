import { setTimeout as sleep } from 'node:timers/promises';
import { CHAIN, walk, type Kind, type Step } from './critical-path.js';
import type { Effort } from './effort.js';
import { difference, type Calls, type FaultControl } from './fault-control.js';
import { createClient, load, type Client } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, customerQuery } from './query.js';
import { median, ratios, spread, type Figure } from './report.js';
import { connectSystems, type Systems } from './systems.js';

const LATENCIES_MS = [10, 20, 50];
/** Longer latencies are measured less often, so that each takes about the same time. */
const REFERENCE_LATENCY_MS = 20;
/** Long enough to distinguish rounds of calls by their time. */
const OBSERVED_LATENCY_MS = 150;

export interface Contenders {
  gateway: Running;
  handWritten: Running;
}

/** p50 of a query about one customer, with latency at each source, compared with the critical path. */
export async function latency(
  { gateway, handWritten }: Contenders,
  { control, settings }: { control: FaultControl; settings: Readonly<Record<string, string>> },
  effort: Effort,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  const emails = customersEverywhere();
  for (const { ready } of [gateway, handWritten])
    await load(
      ready.url,
      emails.map((email) => customerQuery(email)),
      { requests: effort.warmUp, connections: 1 },
    );

  await control.latency(OBSERVED_LATENCY_MS);
  for (const kind of ['cold', 'warm'] as const) {
    if (kind === 'cold') await gateway.forget();
    figures.push(await observeRounds(kind, gateway, emails[0] ?? '', control));
  }

  const systems = connectSystems(settings);
  for (const email of emails.slice(0, 5)) await walk(systems, email, 'cold');
  for (const latencyMs of LATENCIES_MS) {
    await control.latency(latencyMs);
    const timing = { systems, gateway, handWritten, emails, latencyMs };
    for (const kind of ['cold', 'warm'] as const) figures.push(...(await compare(kind, timing, effort)));
  }
  await systems.close();
  await control.heal();
  return figures;
}

interface Timing extends Contenders {
  systems: Systems;
  emails: readonly string[];
  latencyMs: number;
}

/** The chain, the gateway and the hand-written schema in turn, request by request. */
async function compare(
  kind: Kind,
  { systems, gateway, handWritten, emails, latencyMs }: Timing,
  { blocks, timed: most }: Effort,
): Promise<Figure[]> {
  const timed = Math.ceil(most * Math.min(1, REFERENCE_LATENCY_MS / latencyMs));
  const both = [gateway, handWritten].map((running) => ({
    running,
    client: createClient(running.ready.url),
  }));
  // For warm identity, all requests are about customers of earlier requests.
  const chosen = kind === 'warm' ? emails.slice(0, 5) : emails;
  if (kind === 'warm')
    for (const email of chosen) for (const { client } of both) await queryCustomer(client, email);

  const steps: Step[] = [];
  const p50 = { chain: [] as number[], gateway: [] as number[], handWritten: [] as number[] };
  for (let block = 0; block < blocks; block += 1) {
    const times = { chain: [] as number[], each: both.map(() => [] as number[]) };
    for (let i = 0; i < timed; i += 1) {
      const email = chosen[(block * timed + i) % chosen.length] ?? '';
      const walked = await walk(systems, email, kind);
      steps.push(...walked);
      times.chain.push(walked.reduce((sum, { ms }) => sum + ms, 0));
      for (const [who, { running, client }] of both.entries()) {
        if (kind === 'cold') await running.forget();
        times.each[who]?.push(await queryCustomer(client, email));
      }
    }
    p50.chain.push(median(times.chain));
    p50.gateway.push(median(times.each[0] ?? []));
    p50.handWritten.push(median(times.each[1] ?? []));
  }
  for (const { client } of both) client.close();

  const rounds = CHAIN[kind].length;
  const nominal = p50.gateway.map(() => rounds * latencyMs);
  const name = `${latencyMs} ms a source, ${kind} identity`;
  return [
    spread(`critical path, ${name}`, p50.chain, 'ms', describeSteps(kind, steps)),
    spread(`p50, ${name}, hand-written`, p50.handWritten, 'ms'),
    spread(`p50, ${name}, gateway`, p50.gateway, 'ms'),
    spread(`p50, ${name}, hand-written / critical path`, ratios(p50.handWritten, p50.chain), 'x'),
    { ...spread(`p50, ${name}, gateway / critical path`, ratios(p50.gateway, p50.chain), 'x'), atMost: 1.03 },
    spread(
      `p50, ${name}, gateway / ${rounds} x ${latencyMs} ms`,
      ratios(p50.gateway, nominal),
      'x',
      `the critical path itself ${(median(p50.chain) / (rounds * latencyMs)).toFixed(2)}`,
    ),
  ];
}

async function queryCustomer(client: Client, email: string): Promise<number> {
  const { body, ms } = await client.post(customerQuery(email));
  if (body.includes('"errors"')) throw new Error(`An answer contains errors: ${body}`);
  return ms;
}

function describeSteps(kind: Kind, steps: readonly Step[]): string {
  return CHAIN[kind]
    .map((name) => {
      const times = steps.filter((step) => step.name === name).map(({ ms }) => ms);
      return `${name} ${median(times).toFixed(1)}`;
    })
    .join(' + ');
}

/** Counts the rounds of calls of one request: the fault control counts the calls while each is slow. */
async function observeRounds(
  kind: Kind,
  gateway: Running,
  email: string,
  control: FaultControl,
): Promise<Figure> {
  const client = createClient(gateway.ready.url);
  let last = await control.calls();
  const started = performance.now();
  const seen: Calls[] = [];
  const look = async (): Promise<void> => {
    const now = await control.calls();
    // Calls of round n are counted slightly after n times the latency.
    const round = Math.round((performance.now() - started) / (OBSERVED_LATENCY_MS + 4));
    for (const [name, calls] of Object.entries(difference(now, last))) {
      const ofRound = (seen[round] ??= {});
      if (calls > 0) ofRound[name] = (ofRound[name] ?? 0) + calls;
    }
    last = now;
  };
  const answer = client.post(customerQuery(email));
  while ((await Promise.race([answer, sleep(5, undefined)])) === undefined) await look();
  await look();
  client.close();
  const rounds = seen.filter((calls) => Object.keys(calls).length > 0);
  return {
    name: `rounds of calls, ${kind} identity`,
    value: rounds.length,
    unit: 'rounds',
    atMost: CHAIN[kind].length,
    detail: rounds
      .map((calls) =>
        Object.entries(calls)
          .map(([name, count]) => `${count} ${name}`)
          .join(' + '),
      )
      .join(', then '),
  };
}
