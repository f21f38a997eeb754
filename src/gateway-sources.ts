import { createCache, type Cache } from './cache/cache.js';
import { createTags } from './cache/invalidation.js';
import { createKeys } from './cache/keys.js';
import { createRecentlyForgotten } from './cache/recently-forgotten.js';
import { createSharedCache, type SharedCache } from './cache/shared-cache.js';
import type { Clock } from './clock.js';
import type { GatewayConfig } from './config.js';
import type { Client } from './connectors/connector.js';
import { milliseconds } from './duration.js';
import { pinger } from './http/health.js';
import { createLoaderRegistry, type LoadedSource, type LoaderRegistry } from './loaders/registry.js';
import { createProtection } from './resilience/wrap.js';
import type { SettingsReader } from './settings.js';
import { DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT } from './source.js';
import type { TunedSource } from './source-settings.js';
import type { Logger } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';
import type { SourceFailures } from './telemetry/source-failures.js';

export interface ConnectedSourcesOptions {
  sources: readonly TunedSource[];
  settings: SettingsReader;
  config: GatewayConfig;
  /** The number of processes that share the limits of the systems. Default: 1. */
  processes: number | undefined;
  logger: Logger;
  metrics: Metrics;
  failures: SourceFailures;
  clock: Clock;
}

/** The connections to the plugged-in systems with their protection, and the caches in front of them. */
export class ConnectedSources {
  readonly cache: Cache;
  /** Undefined if this instance shares no cache. */
  readonly shared: SharedCache | undefined;
  readonly registry: LoaderRegistry;
  /** The connected sources, by name. */
  readonly loaded: ReadonlyMap<string, LoadedSource<Client>>;
  readonly #options: ConnectedSourcesOptions;

  constructor(options: ConnectedSourcesOptions) {
    const { sources, config, metrics, failures, clock } = options;
    this.#options = options;
    this.cache = createCache({ maxBytes: config.cacheMaxBytes, clock });
    const keys = createKeys(config.idSecret);
    this.shared = this.#connectShared();
    this.registry = createLoaderRegistry(
      {
        cache: this.cache,
        tags: createTags(keys, clock),
        recentlyForgotten: createRecentlyForgotten(),
        clock,
        shared: this.shared,
        observer: {
          ...metrics,
          loadFailed: (loader, error) => {
            failures.report(error, loader);
          },
        },
        refreshMs: config.deadlineMs,
      },
      keys,
    );
    this.loaded = new Map(sources.map((source) => [source.name, this.#connect(source)]));
  }

  /** The clients for health checks, by source. */
  get clients(): ReadonlyMap<string, Client> {
    return new Map([...this.loaded].map(([name, source]) => [name, pinger(source)] as const));
  }

  get breakers() {
    return new Map([...this.loaded].map(([name, { protection }]) => [name, protection.breaker] as const));
  }

  /** The limits of each source now. */
  get bounds() {
    return new Map([...this.loaded].map(([name, { protection }]) => [name, protection.bounds] as const));
  }

  async disconnect(): Promise<void> {
    await Promise.all([...this.loaded.values()].map(({ connection }) => connection.close()));
  }

  async close(): Promise<void> {
    await this.shared?.close();
    this.cache.clear();
    this.cache.close();
  }

  #connectShared(): SharedCache | undefined {
    const { config, logger } = this.#options;
    const { redisUrl: url, cacheSecret: secret } = config;
    if (url === undefined) return undefined;
    return createSharedCache({
      url,
      ...(secret === undefined ? {} : { secret }),
      logger,
      onForget: (tags) => {
        this.registry.forgetTags(tags);
      },
      onGap: () => {
        this.registry.clear();
      },
    });
  }

  #connect(source: TunedSource): LoadedSource<Client> {
    const { settings, logger } = this.#options;
    const { name, limits = {}, freshness, loaderSettings, holdsConsent } = source;
    const connection = source.connector.connect(settings, {
      source: name,
      timeoutMs: milliseconds(limits.timeout ?? DEFAULT_TIMEOUT),
      concurrency: limits.concurrency,
      maxAnswerBytes: limits.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
      logger,
    });
    const protection = this.#protect(source);
    if (limits.maxCacheBytes !== undefined) this.cache.bound(name, limits.maxCacheBytes);
    const { maxBatch, batchWindow = '0 ms' } = limits;
    const windowMs = milliseconds(batchWindow);
    return { name, connection, protection, freshness, loaderSettings, holdsConsent, maxBatch, windowMs };
  }

  #protect({ name, limits = {} }: TunedSource) {
    const { processes, clock, metrics, logger } = this.#options;
    const { shared } = this;
    return createProtection({
      source: name,
      limits,
      processes,
      clock,
      ...(shared === undefined
        ? {}
        : { quota: { count: (of, window, ttlMs) => shared.count(`${of} ${window}`, ttlMs) } }),
      observe: {
        called: (durationMs, outcome) => {
          metrics.sourceCalled(name, durationMs, outcome);
        },
        waited: (durationMs, priority) => {
          metrics.waitedForSlot(name, priority, durationMs);
        },
        retried: () => {
          metrics.retried(name);
        },
        breakerChanged: (state) => {
          logger.warn({ source: name, breaker: state }, 'breaker');
          metrics.breakerChanged(name, state);
        },
      },
    });
  }
}
