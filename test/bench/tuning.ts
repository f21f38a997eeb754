import type { Environment } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/source.js';
import { withoutCache } from '../support/without-cache.js';

/** Changes to the declarations of sources, by source. `*` changes all sources. */
export type Tuning = Readonly<Record<string, Pick<SourceDefinition, 'freshness' | 'limits'>>>;

const VARIABLE = 'BENCH_TUNING';

/** Environment variables that pass a tuning to a process. */
export function tuningEnvironment(tuning: Tuning): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(tuning) };
}

/**
 * Applies the tuning of this process to the sources and settings of a gateway. The freshness of single loaders does not
 * change, and identity stays cached by default.
 */
export function tune(sources: readonly SourceDefinition[]): {
  sources: SourceDefinition[];
  environment: Environment;
} {
  const tuning = JSON.parse(process.env[VARIABLE] ?? '{}') as Tuning;
  const all = tuning['*'];
  const freshnessOf = (name: string) => ({ ...all?.freshness, ...tuning[name]?.freshness });
  return {
    sources: sources.map((source) => ({
      ...source,
      ...(source.freshness === undefined
        ? {}
        : { freshness: { ...source.freshness, ...freshnessOf(source.name) } }),
      limits: { ...source.limits, ...all?.limits, ...tuning[source.name]?.limits },
    })),
    environment: { ...process.env, ...withoutCache(process.env, sources, freshnessOf) },
  };
}
