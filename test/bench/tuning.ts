import type { SourceDefinition } from '../../src/source.js';

/** What is changed of how sources are declared: by source, `*` for all of them. */
export type Tuning = Readonly<Record<string, Pick<SourceDefinition, 'freshness' | 'limits'>>>;

const VARIABLE = 'BENCH_TUNING';

/** Tells it to a process that is started. */
export function tuningEnvironment(tuning: Tuning): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(tuning) };
}

/** The sources, changed as this process was told. What a loader says of itself stays. */
export function tune(sources: readonly SourceDefinition[]): SourceDefinition[] {
  const tuning = JSON.parse(process.env[VARIABLE] ?? '{}') as Tuning;
  return sources.map((source) => {
    const [all, own] = [tuning['*'], tuning[source.name]];
    return {
      ...source,
      freshness: { ...source.freshness, ...all?.freshness, ...own?.freshness },
      limits: { ...source.limits, ...all?.limits, ...own?.limits },
    };
  });
}
