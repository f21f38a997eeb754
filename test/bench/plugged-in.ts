import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_SYSTEMS, UNLIMITED, withAllSystems } from './all-systems.js';
import type { Bench } from './bench.js';
import { createQueryClient, type QueryClient } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, customerQuery, SYSTEMS } from './query.js';
import { ratios, spread, type Figure } from './report.js';
import { tuningEnvironment } from './tuning.js';
import { usageOfProcess } from './usage-of-process.js';
import { V8_FLAGS } from '../../src/v8/flags.js';

const STARTS = 5;
/** The wait after the start, which is long enough for deferred work to end. */
const IDLE_MS = 3_000;
/** Fields of the four systems only. Without `name`, because any system may have it. */
const FIELDS = `orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  tickets(first: 3) { nodes { subject status } } deals(first: 3) { nodes { name } } cart { total { amount currency } }`;

/** Cost of sources that a query does not use: at the start, in memory, and for each request. */
export async function pluggedIn(bench: Bench): Promise<Figure[]> {
  const all = await withAllSystems(bench);
  const starts: Start[] = [];
  for (let i = 0; i < STARTS; i += 1) starts.push(await start(bench.programs, all.environment));

  const bodies = customersEverywhere().map((email) => customerQuery(email, FIELDS));
  const measured: Contender[] = [];
  for (const { environment, sources } of [
    { environment: bench.environment, sources: SYSTEMS.length },
    { environment: all.environment, sources: ALL_SYSTEMS },
  ]) {
    // The gateway's clock is frozen, and a rate limit would never allow another call, so no rate limit is set.
    const running = await bench.open({
      role: 'gateway',
      environment: { ...environment, ...tuningEnvironment(UNLIMITED) },
    });
    const queryClient = createQueryClient(running.ready.url);
    measured.push({ sources, running, queryClient, cpuMs: [] });
  }
  const { blocks, sent, warmUp } = bench.effort;
  const sendSome = async (queryClient: QueryClient, requests: number) => {
    for (let i = 0; i < requests; i += 1) await queryClient.query(bodies[i % bodies.length] ?? '');
  };
  for (const { queryClient } of measured) await sendSome(queryClient, warmUp);
  for (let block = 0; block < blocks; block += 1)
    for (const { running, queryClient, cpuMs } of block % 2 === 0 ? measured : measured.toReversed()) {
      const before = await running.usage();
      await sendSome(queryClient, sent);
      cpuMs.push(((await running.usage()).cpuMs - before.cpuMs) / sent);
    }
  for (const { queryClient } of measured) queryClient.close();
  const [four, twelve] = measured;
  const growth = ratios(twelve?.cpuMs ?? [], four?.cpuMs ?? []).map(
    (ratio) => 1 + (ratio - 1) / (ALL_SYSTEMS - SYSTEMS.length),
  );
  return [
    {
      ...spread(
        `cold start with ${ALL_SYSTEMS} sources, to ready`,
        starts.map(({ readyS }) => readyS),
        's',
      ),
      atMost: 1.5,
    },
    {
      ...spread(
        `idle RSS with ${ALL_SYSTEMS} sources`,
        starts.map(({ rssMb }) => rssMb),
        'MB',
        `${IDLE_MS / 1_000} s after ready, no request`,
      ),
      atMost: 150,
    },
    ...measured.map(({ sources, cpuMs }) =>
      spread(`CPU per request, fields of four systems, ${sources} sources plugged in`, cpuMs, 'ms'),
    ),
    {
      ...spread('CPU, growth for each added source that the query does not use', growth, 'x'),
      atMost: 1.05,
    },
  ];
}

interface Contender {
  sources: number;
  running: Running;
  queryClient: QueryClient;
  cpuMs: number[];
}

interface Start {
  readyS: number;
  rssMb: number;
}

/** Starts the program of `npm start` and waits until it reports its address. */
async function start(programs: string, environment: Readonly<Record<string, string>>): Promise<Start> {
  const started = performance.now();
  const child = fork(join(programs, 'src/process/main.js'), {
    env: { ...process.env, ...environment },
    execArgv: [...V8_FLAGS],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    gone.then(([code]) => {
      throw new Error(`The gateway ended with code ${String(code)} before it was ready.`);
    }),
  ]);
  const readyS = (performance.now() - started) / 1_000;
  await sleep(IDLE_MS);
  const { rssMb } = usageOfProcess(child.pid ?? 0);
  child.disconnect();
  await gone;
  return { readyS, rssMb };
}
