import type { Environment } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/source.js';
import { variableOf } from '../../src/source-settings.js';

const KEEPS_NOTHING = JSON.stringify({ maxAge: '0 s', staleIfError: '0 s' });

/**
 * Settings by which no answer is kept of sources with the default freshness. Most tests count calls, or want a system's
 * error; a bench compares with what keeps nothing.
 */
export function keepsNothing(environment: Environment, all: readonly SourceDefinition[]): Environment {
  return Object.fromEntries(
    all
      .filter(({ freshness }) => freshness === undefined)
      .map(({ name }) => variableOf(name, 'FRESHNESS'))
      // Settings of a source that is not plugged in are a mistake.
      .filter((variable) => {
        const prefix = variable.replace(/FRESHNESS$/, '');
        return Object.keys(environment).some((other) => other.startsWith(prefix));
      })
      .map((variable) => [variable, KEEPS_NOTHING]),
  );
}
