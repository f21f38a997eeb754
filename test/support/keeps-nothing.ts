import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { Environment } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/source.js';
import { variableOf } from '../../src/source-settings.js';

const NOTHING = { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } as const;

/**
 * Settings by which no answer is kept of sources with the default freshness, unless `freshnessOf` says otherwise. Who
 * somebody is stays cached by default. Most tests count calls, or want a system's error; a bench compares with what keeps
 * nothing.
 */
export function keepsNothing(
  environment: Environment,
  all: readonly SourceDefinition[],
  freshnessOf: (source: string) => FreshnessOptions = () => ({}),
): Environment {
  return Object.fromEntries(
    all
      .filter(({ freshness }) => freshness === undefined)
      .map(({ name }) => [name, variableOf(name, 'FRESHNESS')] as const)
      // Settings of a source that is not plugged in are a mistake.
      .filter(([, variable]) => {
        const prefix = variable.replace(/FRESHNESS$/, '');
        return Object.keys(environment).some((other) => other.startsWith(prefix));
      })
      .map(([name, variable]) => [variable, JSON.stringify({ ...NOTHING, ...freshnessOf(name) })]),
  );
}
