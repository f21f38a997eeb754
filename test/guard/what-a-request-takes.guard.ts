import { afterAll, describe, expect, inject, test } from 'vitest';
import { difference, faultControl, type Calls } from '../bench/fault-control.js';
import { load, type Body } from '../bench/load.js';
import { start, type Running, type StartOptions } from '../bench/processes.js';
import { CUSTOMERS, customerQuery, customersEverywhere, customersQuery, SYSTEMS } from '../bench/query.js';
import { median } from '../bench/report.js';
import { tuningEnvironment } from '../bench/tuning.js';

/**
 * Counts calls and allocated bytes instead of time, so the results do not depend on the machine or its load. Allocated bytes
 * show when a change made a request more expensive.
 */
const running: Running[] = [];
const open = async (options: Omit<StartOptions, 'build'>): Promise<Running> => {
  const started = await start({ build: inject('guardBuild'), ...options });
  running.push(started);
  return started;
};
afterAll(async () => {
  await Promise.all(running.map((server) => server.stop()));
});

const systems = await Promise.all(
  SYSTEMS.map((system) =>
    open({ role: 'source', environment: { BENCH_SYSTEMS: system, BENCH_CUSTOMERS: String(CUSTOMERS) } }),
  ),
);
const control = faultControl(systems.map(({ ready }) => ready.url));
const environment = {
  ...(Object.assign({}, ...systems.map(({ ready }) => ready.settings)) as Record<string, string>),
  PORT: '0',
  ID_SECRET: 'a secret of the guard',
  AUTH: 'off',
  LOG_LEVEL: 'warn',
  DEADLINE_MS: '60000',
  MAX_DELAY_MS: '60000',
};
/** The young generation is large enough that no garbage is collected during a measurement. */
const flags = ['--min-semi-space-size=512', '--max-semi-space-size=512'];
/** Long timeouts, so that no call is retried on a busy machine. */
const patient = { limits: { timeout: '60 s' } } as const;
const gateway = await open({
  role: 'gateway',
  environment: { ...environment, ...tuningEnvironment({ '*': patient }) },
  flags,
});
const handWritten = await open({ role: 'hand-written', environment, flags });
const caching = await open({
  role: 'tuned-gateway',
  environment: {
    ...environment,
    ...tuningEnvironment({ '*': { ...patient, freshness: { maxAge: '1 hour' } } }),
  },
  flags,
});
const collecting = await open({
  role: 'gateway',
  environment: { ...environment, ...tuningEnvironment({ '*': patient }) },
  // A small young generation is collected every few requests; promoted objects stay until the end.
  flags: ['--min-semi-space-size=1', '--max-semi-space-size=1', '--initial-heap-size=1024'],
});

/** The requests of each measurement, after a warm-up that lets V8 compile hot functions. */
const ONE = { requests: 50, warmUp: 200 };
const FIFTY = { requests: 4, warmUp: 40 };
const FROM_CACHE = { requests: 300, warmUp: 600 };
/** Enough requests that the objects in the young generation are a small part of the heap. */
const DONE = { requests: 900, warmUp: 600 };

/** Number of measured blocks. The result is their median, because garbage collection can distort one block. */
const BLOCKS = 3;

interface Taken {
  /** Kilobytes allocated for a request. */
  kb: number;
  /** Calls, by system. */
  calls: Calls;
}

async function takenBy(
  { ready, collect, usage }: Running,
  bodies: readonly Body[],
  { requests, warmUp }: { requests: number; warmUp: number },
): Promise<Taken> {
  await load(ready.url, bodies, { requests: warmUp, connections: 1 });
  const before = await control.calls();
  const kb: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const { heapMb } = await collect();
    await load(ready.url, bodies, { requests, connections: 1 });
    kb.push((((await usage()).heapMb - heapMb) * 1024) / requests);
  }
  const calls = Object.entries(difference(await control.calls(), before));
  return {
    kb: median(kb),
    calls: Object.fromEntries(calls.map(([system, count]) => [system, count / requests / BLOCKS])),
  };
}

const everywhere = customersEverywhere();

describe('a request', () => {
  test('about one customer makes no more calls than hand-written code, and allocates at most a multiple of it', async () => {
    const bodies = everywhere.map((email) => customerQuery(email));
    const [ours, theirs] = [await takenBy(gateway, bodies, ONE), await takenBy(handWritten, bodies, ONE)];
    expect(ours.calls).toEqual(theirs.calls);
    expect(ours.kb / theirs.kb).toBeLessThan(1.45);
  });

  test('about fifty customers makes no more calls than hand-written code, and allocates at most a multiple of it', async () => {
    const bodies = [customersQuery(everywhere.slice(0, 50))];
    const [ours, theirs] = [await takenBy(gateway, bodies, FIFTY), await takenBy(handWritten, bodies, FIFTY)];
    expect(ours.calls).toEqual(theirs.calls);
    expect(ours.kb / theirs.kb).toBeLessThan(1.5);
  });

  test('from the cache makes no calls, and allocates at most a fixed amount', async () => {
    const taken = await takenBy(caching, [customerQuery(everywhere[0] ?? '')], FROM_CACHE);
    expect(Object.values(taken.calls).every((count) => count === 0)).toBe(true);
    expect(taken.kb).toBeLessThan(30);
  });

  // A minor collection treats everything that old objects reference as reachable. A WeakMap, a Map with short-lived entries, or
  // an object literal with a getter can therefore retain all objects of a request.
  test('leaves no objects behind that are promoted to the old generation', async () => {
    const taken = await takenBy(
      collecting,
      everywhere.map((email) => customerQuery(email)),
      DONE,
    );
    expect(taken.kb).toBeLessThan(45);
  });
});
