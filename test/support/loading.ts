import { createCache, type Cache } from '../../src/cache/cache.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import { createRecentlyForgotten } from '../../src/cache/recently-forgotten.js';
import { createTags } from '../../src/cache/invalidation.js';
import { createKeys } from '../../src/cache/keys.js';
import type { SharedCache } from '../../src/cache/shared-cache.js';
import type { CallScope, Client } from '../../src/connectors/connector.js';
import type { RequestScope } from '../../src/loaders/in-flight-batch.js';
import type { LoadingObserver } from '../../src/loaders/pipeline-options.js';
import { createProvenance } from '../../src/loaders/provenance.js';
import {
  createLoaderRegistry,
  type LoadedSource,
  type LoaderRegistry,
  type RequestLoaders,
} from '../../src/loaders/registry.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import type { LimitsOptions } from '../../src/resilience/limits.js';
import { createProtection } from '../../src/resilience/wrap.js';
import { startRequest } from '../../src/telemetry/tracing.js';
import { ChunkedWork } from '../../src/chunked-work.js';
import type { FakeClock } from './clock.js';

export interface LoadingOptions {
  clock: FakeClock;
  maxBytes?: number;
  shared?: SharedCache;
  observer?: LoadingObserver;
}

/** A loader registry with cache and limits, for loaders that a test declares. */
export interface Loading {
  registry: LoaderRegistry;
  cache: Cache;
  source(
    name: string,
    parts?: { freshness?: FreshnessOptions; limits?: LimitsOptions; windowMs?: number },
  ): LoadedSource<LoadingClient>;
  /** Returns the loaders of a new request. Its deadline is 10 seconds. */
  newRequest(parts?: Partial<RequestScope>): RequestLoaders & { scope: RequestScope };
  close(): void;
}

/** The client of a loader that a test declares. The loader imitates the system, and runs its calls in this scope. */
export interface LoadingClient extends Client {
  readonly scope: CallScope;
}

export function createLoading({ clock, maxBytes = 100_000, shared, observer }: LoadingOptions): Loading {
  const cache = createCache({ maxBytes, clock });
  const keys = createKeys('a secret of the tests');
  const registry = createLoaderRegistry(
    {
      cache,
      tags: createTags(keys, clock),
      recentlyForgotten: createRecentlyForgotten(),
      clock,
      shared,
      observer,
      refreshMs: 2_000,
    },
    keys,
  );
  const scopes: RequestScope[] = [];
  return {
    registry,
    cache,
    source: (name, { freshness, limits = {}, windowMs } = {}) => ({
      name,
      connection: {
        client: (scope) => ({ scope, ping: () => Promise.resolve() }),
        close: () => Promise.resolve(),
      },
      // Failed calls are not retried unless the test sets `retries`.
      protection: createProtection({ source: name, limits: { retries: 0, ...limits }, clock }),
      freshness,
      windowMs,
    }),
    newRequest: (parts = {}) => {
      const scope: RequestScope = {
        priority: 'interactive',
        wanted: {},
        deadline: startDeadline(10_000, clock),
        identityDeadline: startDeadline(10_000, clock),
        provenance: createProvenance(clock, { details: true }),
        trace: startRequest(new Headers()),
        chunks: new ChunkedWork(),
        pendingKeys: new Set(),
        ...parts,
      };
      scopes.push(scope);
      return { ...registry.forRequest(scope), scope };
    },
    close: () => {
      for (const { deadline, identityDeadline } of scopes) {
        deadline.clear();
        identityDeadline.clear();
      }
      cache.close();
    },
  };
}
