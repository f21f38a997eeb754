import { startRedis } from '../redis/redis-server.js';
import type { Bench } from './bench.js';
import { leftOut, median, quantile, spread, type Figure } from './report.js';
import type { LoadingTimes } from './roles/loading.js';

const FROM_REDIS = 'cache read from Redis, one key, p50';

/** Time of a cache read, from memory and from Redis only. */
export async function cacheReads({ open }: Pick<Bench, 'open'>): Promise<Figure[]> {
  const redis = await startRedis().catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  try {
    const running = await open({
      role: 'loading',
      environment: redis instanceof Error ? {} : { BENCH_REDIS_URL: redis.url },
    });
    const times = (await (await fetch(running.ready.url)).json()) as LoadingTimes;
    return [
      ...times.memory.map(fromMemory),
      redis instanceof Error
        ? leftOut(FROM_REDIS, 'ms', redis.message)
        : fromRedis((times.redis ?? []).map((time) => time / 1_000)),
    ];
  } finally {
    if (!(redis instanceof Error)) await redis.close();
  }
}

function fromMemory({ keys, cached, promised }: LoadingTimes['memory'][number]): Figure {
  const extra = cached.map((time, i) => time - (promised[i] ?? Number.NaN));
  return {
    ...spread(
      `cache read from memory, a key of ${keys} in a request, p50 on top of a promise`,
      extra,
      'µs',
      `${median(cached).toFixed(1)}, less ${median(promised).toFixed(1)} of DataLoader with a resolved promise`,
    ),
    range: [quantile(extra, 0.05), quantile(extra, 0.95)],
    atMost: 20,
  };
}

function fromRedis(ms: readonly number[]): Figure {
  return {
    name: FROM_REDIS,
    value: median(ms),
    unit: 'ms',
    range: [quantile(ms, 0.05), quantile(ms, 0.95)],
    atMost: 1,
    detail: `${ms.length} reads`,
  };
}
