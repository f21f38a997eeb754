import DataLoader from 'dataloader';
import { createCache } from '../../../src/cache/cache.js';
import { createRecentlyForgotten } from '../../../src/cache/recently-forgotten.js';
import { createTags } from '../../../src/cache/invalidation.js';
import { createKeys } from '../../../src/cache/keys.js';
import { createSharedCache } from '../../../src/cache/shared-cache.js';
import type { Client } from '../../../src/connectors/connector.js';
import { defineLoader } from '../../../src/loaders/loader.js';
import { createProvenance } from '../../../src/loaders/provenance.js';
import { createLoaderRegistry, type Load, type LoaderRegistry } from '../../../src/loaders/registry.js';
import { startDeadline } from '../../../src/resilience/deadline.js';
import { createProtection } from '../../../src/resilience/wrap.js';
import { listen } from '../../../src/http/http.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { startRequest } from '../../../src/telemetry/tracing.js';
import { ChunkedWork } from '../../../src/chunked-work.js';
import type { Started } from '../bench-process.js';

/** Time per key in each block, in µs. */
export interface LoadingTimes {
  /** From the memory cache, and from a DataLoader that returns resolved promises. */
  memory: { keys: number; cached: number[]; promised: number[] }[];
  /** From Redis, one key after another. */
  redis: number[] | undefined;
}

const KEYS = 1_000;
const BLOCKS = 200;
const WARM_UP_BLOCKS = 50;

/** The loading engine of gateway.ts, without HTTP and GraphQL. */
export async function startLoading(): Promise<Started> {
  const engine = createEngine();
  const server = await listen(
    (_, response) => {
      void measure(engine).then((times) => response.end(JSON.stringify(times)));
    },
    { host: '127.0.0.1', port: 0 },
  );
  return { ready: { url: server.url }, close: () => engine.close() };
}

/** A record of the size of an order. */
const recordOf = (key: string) => ({
  number: key,
  status: 'DELIVERED',
  placedAt: '2026-10-17T09:21:00.000Z',
  total: { amount: '129.95', currency: 'EUR' },
  cursor: Buffer.from(key).toString('base64url'),
});

type RecordOf = ReturnType<typeof recordOf>;

type Engine = ReturnType<typeof createEngine>;

function createEngine() {
  const clock = performance;
  const cache = createCache({ maxBytes: 64 * 2 ** 20, clock });
  const metrics = createMetrics();
  const keys = createKeys('a secret of the bench');
  const url = process.env.BENCH_REDIS_URL;
  const shared =
    url === undefined
      ? undefined
      : createSharedCache({
          url,
          logger: createLogger('silent'),
          onForget: (tags) => {
            registry.forgetTags(tags);
          },
          onGap: () => {
            registry.clear();
          },
        });
  const seen = { loaded: 0, shared: 0 };
  const registry: LoaderRegistry = createLoaderRegistry(
    {
      cache,
      tags: createTags(keys, clock),
      recentlyForgotten: createRecentlyForgotten(),
      clock,
      shared,
      observer: {
        ...metrics,
        cacheAnswered: (source, how) => {
          if (how === 'shared') seen.shared += 1;
          metrics.cacheAnswered(source, how);
        },
      },
      refreshMs: 2_000,
    },
    keys,
  );
  const orders = defineLoader<Client, string, RecordOf>({
    name: 'orders',
    about: (key) => [{ type: 'Order', key }],
    load: (all) => {
      seen.loaded += all.length;
      return Promise.resolve(all.map(recordOf));
    },
  });
  const client: Client = { ping: () => Promise.resolve() };
  registry.add(
    {
      name: 'orders-of-the-bench',
      connection: { client: () => client, close: () => Promise.resolve() },
      protection: createProtection({ source: 'orders-of-the-bench', clock }),
      freshness: { maxAge: '1 hour' },
    },
    orders,
  );
  return {
    cache,
    shared,
    seen,
    orders,
    /** Runs a function with the loaders of one request. */
    request: async <T>(run: (load: Load) => Promise<T>): Promise<T> => {
      const deadline = startDeadline(10_000, clock);
      const { load } = registry.forRequest({
        priority: 'interactive',
        wanted: {},
        deadline,
        identityDeadline: deadline,
        provenance: createProvenance(clock, { details: false }),
        trace: startRequest(new Headers()),
        chunks: new ChunkedWork(),
        pendingKeys: new Set(),
      });
      try {
        return await run(load);
      } finally {
        deadline.clear();
      }
    },
    close: async () => {
      await shared?.close();
      cache.close();
    },
  };
}

async function measure(engine: Engine): Promise<LoadingTimes> {
  await untilUp(engine);
  const all = Array.from({ length: KEYS }, (_, i) => `ORD-2026-${1_000_000 + i}`);
  await engine.request((load) => Promise.all(all.map((key) => load(engine.orders, key))));
  const memory = [];
  for (const keys of [1, 10, 100]) memory.push({ keys, ...(await fromMemory(engine, all, keys)) });
  return { memory, redis: engine.shared === undefined ? undefined : await fromRedis(engine, all) };
}

/** Alternates between the engine and promises, with requests of a number of keys. Both use DataLoader. */
async function fromMemory({ request, seen, orders }: Engine, all: readonly string[], keys: number) {
  const records = new Map(all.map((key) => [key, recordOf(key)]));
  const times = { cached: [] as number[], promised: [] as number[] };
  const loadedBefore = seen.loaded;
  for (let block = -WARM_UP_BLOCKS; block < BLOCKS; block += 1) {
    const cached = await timeOf(all, keys, (some) =>
      request((load) => Promise.all(some.map((key) => load(orders, key)))),
    );
    const promised = await timeOf(all, keys, (some) => {
      const loader = new DataLoader<string, RecordOf | undefined>((wanted) =>
        Promise.all(wanted.map((key) => Promise.resolve(records.get(key)))),
      );
      return Promise.all(some.map((key) => loader.load(key)));
    });
    if (block < 0) continue;
    times.cached.push(cached);
    times.promised.push(promised);
  }
  if (seen.loaded !== loadedBefore) throw new Error('Keys were loaded from the system instead of memory.');
  return times;
}

/** Time per key in µs. A block loads each key once. */
async function timeOf(
  all: readonly string[],
  keys: number,
  run: (some: readonly string[]) => Promise<unknown>,
): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < all.length; i += keys) await run(all.slice(i, i + keys));
  return ((performance.now() - started) * 1_000) / all.length;
}

/** Loads each key in a separate request, with an empty memory cache. */
async function fromRedis(engine: Engine, all: readonly string[]) {
  const { cache, request, seen, orders } = engine;
  const round = async (): Promise<number[]> => {
    cache.clear();
    const times: number[] = [];
    for (const key of all) {
      const before = seen.shared;
      const started = performance.now();
      await request((load) => load(orders, key));
      // After a pause of 20 ms the engine treats Redis as slow and loads from the system for a while.
      if (seen.shared > before) times.push((performance.now() - started) * 1_000);
    }
    return times;
  };
  // Warm up: write the missing keys to Redis, and let V8 compile the code.
  for (let tries = 0; (await round()).length < all.length; tries += 1) {
    if (tries === 20) throw new Error('Redis did not store all written entries.');
    await untilUp(engine);
  }
  const times = [...(await round()), ...(await round())];
  if (times.length < all.length) throw new Error('Most answers did not come from Redis.');
  return times;
}

async function untilUp({ shared }: Engine): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (shared?.state === 'down') {
    if (performance.now() > giveUpAt) throw new Error('The shared cache did not become available.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
