import { afterAll, describe, expect, test } from 'vitest';
import { difference, faultControl, type Calls } from '../bench/fault-control.js';
import { load, type Body } from '../bench/load.js';
import { build, start, type Running, type StartOptions } from '../bench/processes.js';
import { CUSTOMERS, customersEverywhere, many, one, SYSTEMS } from '../bench/query.js';
import { median } from '../bench/report.js';
import { tuningEnvironment } from '../bench/tuning.js';

/**
 * Calls and bytes are counted, no time is taken: on whatever machine, and however busy, the same code takes the same. What
 * a request allocates follows what it does closely enough to tell when a change has made it dearer.
 */
const compiled = await build();
const running: Running[] = [];
const open = async (options: Omit<StartOptions, 'build'>): Promise<Running> => {
  const one = await start({ build: compiled, ...options });
  running.push(one);
  return one;
};
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  compiled.remove();
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
/** So much is young that nothing is collected while it is counted. */
const flags = ['--min-semi-space-size=512', '--max-semi-space-size=512'];
/** However busy the machine is, no call is given up and asked again. */
const patient = { limits: { timeout: '60 s' } } as const;
const gateway = await open({
  role: 'gateway',
  environment: { ...environment, ...tuningEnvironment({ '*': patient }) },
  flags,
});
const handWritten = await open({ role: 'hand-written', environment, flags });
const keeping = await open({
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
  // Little is young, so that it is collected every few requests, and what grows old lies there until the end.
  flags: ['--min-semi-space-size=1', '--max-semi-space-size=1', '--initial-heap-size=1024'],
});

/** For each of the four. Warmed up is what has been compiled as it grew hot. */
const ONE = { requests: 50, warmUp: 200 };
const FIFTY = { requests: 4, warmUp: 40 };
const KEPT = { requests: 300, warmUp: 600 };
/** Enough of them for what is young, and so still there, to weigh little. */
const DONE = { requests: 900, warmUp: 600 };

/** The middle one of them counts: in another there may have been a collection of garbage after all. */
const BLOCKS = 5;

interface Taken {
  /** Allocated for a request, and not collected. */
  kb: number;
  /** By system. */
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
  test('about one customer asks no system more than who writes it by hand, and allocates no more than so many times as much', async () => {
    const bodies = everywhere.map((email) => one(email));
    const [ours, theirs] = [await takenBy(gateway, bodies, ONE), await takenBy(handWritten, bodies, ONE)];
    expect(ours.calls).toEqual(theirs.calls);
    expect(ours.kb / theirs.kb).toBeLessThan(1.45);
  });

  test('about fifty customers too', async () => {
    const bodies = [many(everywhere.slice(0, 50))];
    const [ours, theirs] = [await takenBy(gateway, bodies, FIFTY), await takenBy(handWritten, bodies, FIFTY)];
    expect(ours.calls).toEqual(theirs.calls);
    expect(ours.kb / theirs.kb).toBeLessThan(1.5);
  });

  test('of which all is kept asks nobody, and allocates no more than so much', async () => {
    const taken = await takenBy(keeping, [one(everywhere[0] ?? '')], KEPT);
    expect(Object.values(taken.calls).every((count) => count === 0)).toBe(true);
    expect(taken.kb).toBeLessThan(30);
  });

  // What is reached by something old is taken to be in use, whether that is in use itself or not. So a WeakMap, a Map of what
  // comes and goes, or an object literal with a getter can hold on to all that a request was made of.
  test('is gone when it is done: nothing of it grows old', async () => {
    const taken = await takenBy(
      collecting,
      everywhere.map((email) => one(email)),
      DONE,
    );
    expect(taken.kb).toBeLessThan(45);
  });
});
