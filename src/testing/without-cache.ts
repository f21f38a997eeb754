import type { FreshnessOptions } from '../cache/freshness.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import { variableOf } from '../source-settings.js';

const NOTHING = { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } as const;

/**
 * Settings that turn off the cache of sources with the default freshness, unless `freshnessOf` sets another
 * one. Identities stay cached. Most tests count calls or expect a system's error, and the bench compares with
 * a schema without a cache.
 */
export function withoutCache(
  environment: Environment,
  all: readonly SourceDefinition[],
  freshnessOf: (source: string) => FreshnessOptions = () => ({}),
): Environment {
  return Object.fromEntries(
    all
      .filter(({ freshness }) => freshness === undefined)
      .map(({ name }) => [name, variableOf(name, 'FRESHNESS')] as const)
      // Leaves out sources that are not plugged in, because the gateway refuses their settings.
      .filter(([, variable]) => {
        const prefix = variable.replace(/FRESHNESS$/, '');
        return Object.keys(environment).some((other) => other.startsWith(prefix));
      })
      .map(([name, variable]) => [variable, JSON.stringify({ ...NOTHING, ...freshnessOf(name) })]),
  );
}
