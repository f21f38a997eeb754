import { GATEWAY_SETTINGS, type GatewayConfig } from '../config.js';
import { shareOfLimits } from '../resilience/share.js';
import type { SettingsReader } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { TunedSource } from '../source-settings.js';
import { WEBHOOK_SETTINGS } from '../webhooks/settings.js';

/** A process that is a gateway together with other processes. */
export interface Worker {
  /** From 1. A worker that replaces another gets its number. */
  number: number;
  count: number;
}

/** The settings and limits of a gateway, or of one worker. */
export interface GatewayResources {
  config: GatewayConfig;
  sources: readonly TunedSource[];
}

/**
 * Divides the limits of a gateway among its workers, and returns the part of one worker. Adds problems for limits that
 * cannot be divided, and for missing settings that workers need to share data.
 */
export function divideAmongWorkers(
  { number, count }: Worker,
  total: GatewayResources,
  settings: SettingsReader,
): GatewayResources {
  const { config, sources } = total;
  settings.problems.push(...missingSettings(config, count, settings));
  const part = (amount: number) => Math.max(1, Math.floor(amount / count));
  return {
    config: {
      ...config,
      cacheMaxBytes: part(config.cacheMaxBytes),
      // 0 disables the response cache.
      answersMaxBytes: Math.floor(config.answersMaxBytes / count),
      maxInFlight: part(config.maxInFlight),
      maxConnections: part(config.maxConnections),
      maxConnectionsPerAddress: part(config.maxConnectionsPerAddress),
      // The lines of an audit file are a chain, which only one process can write.
      auditFile: config.auditFile === undefined ? undefined : `${config.auditFile}.worker-${number}`,
    },
    sources: sources.map((source) => ({
      ...source,
      limits: divideSourceLimits(source, count, settings.problems),
    })),
  };
}

function missingSettings(
  { auth, auditFile }: GatewayConfig,
  count: number,
  settings: SettingsReader,
): string[] {
  const isSet = (name: 'redisUrl' | 'auditFile') => settings.isPresent(GATEWAY_SETTINGS[name]);
  const problems: string[] = [];
  if (!isSet('redisUrl'))
    problems.push(
      `REDIS_URL is missing: ${count} WORKERS need it. Otherwise data that one worker forgets remains visible in the others.`,
    );
  if (auth === 'on' && auditFile === undefined && !isSet('auditFile'))
    problems.push(
      `AUDIT_FILE is missing: ${count} WORKERS need it. Otherwise their audit lines would be mixed on standard output.`,
    );
  if (settings.isPresent(WEBHOOK_SETTINGS.file))
    problems.push(
      `WEBHOOK_FILE is for one process: with ${count} WORKERS set WEBHOOK_POSTGRES_URL instead of it.`,
    );
  return problems;
}

function divideSourceLimits(
  { name, limits = {} }: SourceDefinition,
  count: number,
  problems: string[],
): NonNullable<SourceDefinition['limits']> {
  const { maxCacheBytes } = limits;
  const share = limits.ofProcess === true ? limits : shareOfLimits(limits, count);
  if (share === undefined) {
    let maxCount = count - 1;
    while (maxCount > 1 && shareOfLimits(limits, maxCount) === undefined) maxCount -= 1;
    problems.push(
      `WORKERS ${count} is too many for ${name}: its limits do not allow one call at a time for each worker. Set WORKERS to ${maxCount} at most.`,
    );
    return limits;
  }
  return maxCacheBytes === undefined ? share : { ...share, maxCacheBytes: Math.floor(maxCacheBytes / count) };
}
