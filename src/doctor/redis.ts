import { PREFIX } from '../cache/shared-cache/scripts.js';
import type { QuotaLimit } from '../resilience/quota.js';
import { clockFinding } from './clocks.js';
import { codeOf, type Finding } from './finding.js';

const CONNECT_TIMEOUT_MS = 5_000;
/** The share of a quota above which a warning is reported. */
const SPENT = 0.9;

export interface RedisOptions {
  url: string;
  /** Whether the suppression list is in Redis. */
  holdsSuppressionList: boolean;
  /** The quotas that several gateway instances share. */
  quotas: readonly { source: string; quota: QuotaLimit }[];
}

/**
 * Checks Redis: its connection, its clock, its eviction policy, and the quotas that it counts. It only reads.
 */
export async function redisFindings({ url, holdsSuppressionList, quotas }: RedisOptions): Promise<Finding[]> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  // The promises of the commands already report these errors.
  let lost: unknown;
  redis.on('error', (error) => {
    lost = error;
  });
  try {
    await redis.connect();
    const [time, memory] = await Promise.all([redis.time(), redis.info('memory')]);
    const [seconds = 0, microseconds = 0] = time.map(Number);
    const counts = await Promise.all(
      quotas.map(async ({ source, quota }) => ({
        source,
        quota,
        used: Number((await redis.get(`${PREFIX}count:${source} ${windowOf(quota)}`)) ?? 0),
      })),
    );
    return [
      ...clockFinding('REDIS_URL', seconds * 1_000 + microseconds / 1_000 - Date.now()),
      ...evictionFindings(memory, holdsSuppressionList),
      ...counts.flatMap(quotaFinding),
    ];
  } catch (error) {
    const isRefused = error instanceof Error && /^(NOAUTH|WRONGPASS|NOPERM)/.test(error.message);
    return [
      {
        check: isRefused ? 'credentials' : 'reachability',
        severity: 'error',
        where: 'REDIS_URL',
        seen: isRefused
          ? 'Redis refuses the password, or a command.'
          : `Redis does not answer${codeOf(lost ?? error)}.`,
        remedy: isRefused
          ? 'Correct the user and password in REDIS_URL, and allow the user INFO, TIME and scripts.'
          : 'Check REDIS_URL, the network, and that Redis runs.',
      },
    ];
  } finally {
    redis.disconnect();
  }
}

/** Entries with a time to live are cached answers. All other keys must stay. */
export function evictionFindings(memory: string, holdsSuppressionList: boolean): Finding[] {
  const read = (name: string) => new RegExp(`^${name}:([\\w-]+)`, 'm').exec(memory)?.[1] ?? '';
  const policy = read('maxmemory_policy');
  if (read('maxmemory') === '0' || !policy.startsWith('allkeys-')) return [];
  return [
    {
      check: 'eviction',
      severity: holdsSuppressionList ? 'error' : 'warning',
      where: 'REDIS_URL',
      seen: `With maxmemory-policy ${policy}, a full Redis may evict any key${
        holdsSuppressionList ? ', also the suppression list: erased customers would be shown again' : ''
      }.`,
      remedy: `Set maxmemory-policy to volatile-lru, which evicts only keys with a time to live${
        holdsSuppressionList ? ', or set SUPPRESSION_FILE' : ''
      }.`,
    },
  ];
}

/** The finding about a quota with this number of used calls. */
export function quotaFinding({
  source,
  quota: { calls, per },
  used,
}: {
  source: string;
  quota: QuotaLimit;
  used: number;
}): Finding[] {
  if (used < SPENT * calls) return [];
  return [
    {
      check: 'quotas',
      severity: used >= calls ? 'error' : 'warning',
      where: source,
      seen: `${used} of ${calls} calls of this ${per} are spent.`,
      remedy: 'Cache records longer, or agree on a higher quota and set it in the limits of the source.',
    },
  ];
}

/** The name of the window of a quota. */
function windowOf({ per }: QuotaLimit): string {
  return new Date().toISOString().slice(0, per === 'day' ? 10 : 7);
}
