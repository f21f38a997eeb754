import { GATEWAY_SETTINGS, type GatewayConfig } from '../config.js';
import { shareOfLimits } from '../resilience/share.js';
import type { SettingsReader } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { TunedSource } from '../source-settings.js';
import { WEBHOOK_SETTINGS } from '../webhooks/settings.js';

/** One of several processes that are one gateway together. */
export interface Worker {
  /** From 1. Who takes the place of a worker that died has its number. */
  number: number;
  count: number;
}

export interface Whole {
  config: GatewayConfig;
  sources: readonly TunedSource[];
}

/**
 * A worker's part of what the whole gateway may use, so that all of them together use no more of it. What cannot be
 * shared, or is missing by which workers know of each other, is among the problems then.
 */
export function divideAmongWorkers({ number, count }: Worker, whole: Whole, settings: SettingsReader): Whole {
  const { config, sources } = whole;
  settings.problems.push(...missing(config, count, settings));
  const part = (amount: number) => Math.max(1, Math.floor(amount / count));
  return {
    config: {
      ...config,
      cacheMaxBytes: part(config.cacheMaxBytes),
      // 0 is none.
      answersMaxBytes: Math.floor(config.answersMaxBytes / count),
      maxInFlight: part(config.maxInFlight),
      maxConnections: part(config.maxConnections),
      maxConnectionsPerAddress: part(config.maxConnectionsPerAddress),
      // A chain of lines is written by one process alone.
      auditFile: config.auditFile === undefined ? undefined : `${config.auditFile}.worker-${number}`,
    },
    sources: sources.map((source) => ({
      ...source,
      limits: shareOfSource(source, count, settings.problems),
    })),
  };
}

function missing({ auth, auditFile }: GatewayConfig, count: number, settings: SettingsReader): string[] {
  const isSet = (name: 'redisUrl' | 'auditFile') => settings.isPresent(GATEWAY_SETTINGS[name]);
  const problems: string[] = [];
  if (!isSet('redisUrl'))
    problems.push(
      `REDIS_URL is missing: ${count} WORKERS need it, since what one is told to forget the others would go on showing.`,
    );
  if (auth === 'on' && auditFile === undefined && !isSet('auditFile'))
    problems.push(
      `AUDIT_FILE is missing: ${count} WORKERS need it, since their audit lines would come between each other's on standard output.`,
    );
  if (settings.isPresent(WEBHOOK_SETTINGS.file))
    problems.push(
      `WEBHOOK_FILE is for one process: with ${count} WORKERS set WEBHOOK_POSTGRES_URL instead of it.`,
    );
  return problems;
}

function shareOfSource(
  { name, limits = {} }: SourceDefinition,
  count: number,
  problems: string[],
): NonNullable<SourceDefinition['limits']> {
  const { maxCacheBytes } = limits;
  const share = limits.ofProcess === true ? limits : shareOfLimits(limits, count);
  if (share === undefined) {
    let most = count - 1;
    while (most > 1 && shareOfLimits(limits, most) === undefined) most -= 1;
    problems.push(
      `WORKERS ${count} is too many for ${name}, whose limits do not have a call at a time for each: set WORKERS to ${most} at most.`,
    );
    return limits;
  }
  return maxCacheBytes === undefined ? share : { ...share, maxCacheBytes: Math.floor(maxCacheBytes / count) };
}
