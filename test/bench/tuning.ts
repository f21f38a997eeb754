import type { Environment } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/source.js';
import { withoutCache } from '../support/without-cache.js';

/** What is changed of how sources are declared: by source, `*` for all of them. */
export type Tuning = Readonly<Record<string, Pick<SourceDefinition, 'freshness' | 'limits'>>>;

const VARIABLE = 'BENCH_TUNING';

/** Tells it to a process that is started. */
export function tuningEnvironment(tuning: Tuning): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(tuning) };
}

/**
 * The sources and settings of a gateway, changed as this process was told. What a loader says of itself stays, and who
 * somebody is stays cached by default.
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
