import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { load, type Body } from '../bench/load.js';
import { COUNTING_FLAGS } from '../bench/peers/contenders.js';
import { bodiesOfFifty, bodiesOfOne, CUSTOMERS_OF_LIST } from '../bench/peers/queries.js';
import { PEER_SYSTEMS } from '../bench/peers/systems.js';
import { start, type Running, type StartOptions } from '../bench/processes.js';
import { median } from '../bench/report.js';

/**
 * Bounds the bytes that the requests of the comparison with peers allocate (`test/bench/peers/README.md`). They do not
 * depend on the machine or its load. Each bound is the largest figure of Node 22, 24 and 26, plus 10 %.
 */
const MAX_KB_OF_ONE = 337;
const MAX_KB_OF_EACH_OF_FIFTY = 55;

/** Number of measured blocks. The result is their median, because garbage collection can distort one block. */
const BLOCKS = 5;

const running: Running[] = [];
afterAll(async () => {
  await Promise.all(running.map((server) => server.stop()));
});
const open = async (options: Omit<StartOptions, 'build'>): Promise<Running> => {
  const server = await start({ build: inject('guardBuild'), ...options });
  running.push(server);
  return server;
};

describe('what a request without a cache allocates', () => {
  let gateway: Running;
  beforeAll(async () => {
    const systems = await Promise.all(
      PEER_SYSTEMS.map((system) => open({ role: 'peer-source', environment: { BENCH_SYSTEM: system } })),
    );
    gateway = await open({
      role: 'gateway-beside-peers',
      environment: {
        ...(Object.assign({}, ...systems.map(({ ready }) => ready.settings)) as Record<string, string>),
        ...{ PORT: '0', ID_SECRET: 'a secret of the guard', AUTH: 'off', LOG_LEVEL: 'warn' },
        ...{ DEADLINE_MS: '60000', MAX_DELAY_MS: '60000' },
      },
      v8Flags: [],
      flags: COUNTING_FLAGS,
    });
  });

  /** Each block has many requests, because V8 allocates 1 to 3 MB once after a forced collection. */
  async function kilobytesOf(bodies: readonly Body[], requests: number, warmUp: number): Promise<number> {
    await load(gateway.ready.url, bodies, { requests: warmUp, connections: 1 });
    const kb: number[] = [];
    for (let block = 0; block < BLOCKS; block += 1) {
      const { heapMb } = await gateway.collect();
      await load(gateway.ready.url, bodies, { requests, connections: 1 });
      kb.push((((await gateway.usage()).heapMb - heapMb) * 1_024) / requests);
    }
    return median(kb);
  }

  test('about one customer of five systems', async () => {
    expect(await kilobytesOf(bodiesOfOne(), 200, 1_000)).toBeLessThan(MAX_KB_OF_ONE);
  });

  test('about each of fifty customers', async () => {
    expect((await kilobytesOf(bodiesOfFifty(), 40, 100)) / CUSTOMERS_OF_LIST).toBeLessThan(
      MAX_KB_OF_EACH_OF_FIFTY,
    );
  });
});
