import { z } from 'zod';
import {
  DEFAULT_FRESHNESS,
  DEFAULT_IDENTITY_FRESHNESS,
  LONGEST_UNKNOWN_WITH_CONSENT,
  overridden,
  type FreshnessOptions,
} from './cache/freshness.js';
import { didYouMean } from './did-you-mean.js';
import { milliseconds, type Duration } from './duration.js';
import type { LoaderSettings } from './loaders/loader.js';
import { DEFAULT_CONCURRENCY } from './resilience/limits.js';
import { setting, type SettingsReader } from './settings.js';
import type { SourceDefinition } from './source.js';

/** A plugged-in source, with the freshness and limits of its declaration as the settings override them. */
export interface TunedSource extends SourceDefinition {
  freshness: FreshnessOptions;
  /** By the name of a loader, or by the type of a GraphQL system's objects. */
  loaderSettings: Readonly<Record<string, LoaderSettings>>;
  /** Whether the source holds consent. */
  holdsConsent: boolean;
}

const duration = (least: Duration, most: Duration, why = '') =>
  z
    .custom<Duration>(
      (value) => typeof value === 'string' && /^\d+(\.\d+)? (ms|s|minutes?|hours?|days?)$/.test(value),
      {
        error: 'must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days"',
        abort: true,
      },
    )
    .refine(
      (value) => milliseconds(value) >= milliseconds(least) && milliseconds(value) <= milliseconds(most),
      { error: `must be from "${least}" to "${most}"${why}` },
    );

const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

const number = (least: number, most: number) => {
  const error = `must be a number from ${least} to ${most}`;
  return z.number({ error }).min(least, { error }).max(most, { error });
};

const freshnessDuration = () => duration('0 s', '30 days').exactOptional();
const FRESHNESS = {
  maxAge: freshnessDuration(),
  staleWhileRevalidate: freshnessDuration(),
  staleIfError: freshnessDuration(),
  notFoundMaxAge: freshnessDuration(),
};

/** Freshness of a source that holds consent: bounds how long "this customer is unknown" may be cached. */
const FRESHNESS_WITH_CONSENT = {
  ...FRESHNESS,
  notFoundMaxAge: duration(
    '0 s',
    LONGEST_UNKNOWN_WITH_CONSENT,
    ': the source holds consent, and it may learn of a customer who refuses it at any time',
  ).exactOptional(),
};

const LIMITS = {
  timeout: duration('1 ms', '1 minute').exactOptional(),
  concurrency: wholeNumber(1, 1_000).exactOptional(),
  rate: z
    .strictObject({
      calls: number(0.001, 1_000_000),
      per: duration('1 ms', '1 day'),
      burst: wholeNumber(1, 1_000_000).exactOptional(),
    })
    .exactOptional(),
  quota: z
    .strictObject({
      calls: wholeNumber(1, 1_000_000_000),
      per: z.enum(['day', 'month'], { error: 'must be "day" or "month"' }),
    })
    .exactOptional(),
  bulkShare: number(0, 1).exactOptional(),
  retries: wholeNumber(0, 10).exactOptional(),
  maxBatch: wholeNumber(1, 100_000).exactOptional(),
  batchWindow: duration('0 ms', '1 s').exactOptional(),
  maxAnswerBytes: wholeNumber(1_024, 1_073_741_824).exactOptional(),
  maxCacheBytes: wholeNumber(1_024, 1_073_741_824).exactOptional(),
};

/** The variable that holds a source's `freshness` or `limits`, as JSON with the same keys as in `defineSource()`. */
export function variableOf(source: string, what: string): string {
  return `${source.toUpperCase().replaceAll('-', '_')}_${what}`;
}

/**
 * Applies the settings for freshness and limits to the sources. What a setting omits stays as declared. The reader collects
 * problems.
 */
export function tuned(sources: readonly SourceDefinition[], settings: SettingsReader): TunedSource[] {
  return sources.map((source) => {
    const loaders = loadersOf(source);
    const consent = source.consents?.ofRecord.name;
    const ofCustomers = consent === undefined ? FRESHNESS : FRESHNESS_WITH_CONSENT;
    const finding = new Map(
      Object.values(source.identity?.foundBy ?? {}).map(({ loader }) => [loader.name, loader.freshness]),
    );
    const ofFreshness: Record<string, z.ZodType<FreshnessOptions>> = {};
    const ofLimits: Record<string, z.ZodType<{ maxBatch?: number }>> = {};
    for (const [name, maxBatch] of loaders) {
      if (name !== consent) ofFreshness[name] = z.strictObject(finding.has(name) ? ofCustomers : FRESHNESS);
      // The declared number of keys is the limit of the system, so a setting can only lower it.
      ofLimits[name] = z.strictObject({ maxBatch: wholeNumber(1, maxBatch ?? 100_000).exactOptional() });
    }
    const { loaders: freshnessOfLoaders = {}, ...freshness } =
      read(
        settings,
        variableOf(source.name, 'FRESHNESS'),
        z.strictObject({ ...ofCustomers, loaders: z.strictObject(ofFreshness).partial().exactOptional() }),
        '{"maxAge":"30 s"}',
        consent,
      ) ?? {};
    const { loaders: limitsOfLoaders = {}, ...limits } =
      read(
        settings,
        variableOf(source.name, 'LIMITS'),
        z.strictObject({ ...LIMITS, loaders: z.strictObject(ofLimits).partial().exactOptional() }),
        '{"concurrency":5}',
      ) ?? {};
    const loaderSettings: Record<string, LoaderSettings> = {};
    for (const name of loaders.keys()) {
      const hasDefault = finding.has(name) && (finding.get(name) ?? source.freshness) === undefined;
      const loaderFreshness = hasDefault
        ? overridden(DEFAULT_IDENTITY_FRESHNESS, freshnessOfLoaders[name])
        : freshnessOfLoaders[name];
      loaderSettings[name] = {
        ...(loaderFreshness === undefined ? {} : { freshness: loaderFreshness }),
        ...limitsOfLoaders[name],
      };
    }
    return {
      ...source,
      freshness: overridden(source.freshness ?? DEFAULT_FRESHNESS, freshness),
      limits: { concurrency: DEFAULT_CONCURRENCY, ...source.limits, ...limits },
      loaderSettings,
      holdsConsent: source.consents !== undefined,
    };
  });
}

/** The loaders that a setting may name, with their `maxBatch`. */
function loadersOf({ identity, consents, loaders = [], stitched }: SourceDefinition) {
  const all = [
    ...Object.values(identity?.foundBy ?? {}).map(({ loader }) => loader),
    ...(consents === undefined ? [] : [consents.ofRecord]),
    ...loaders,
    ...Object.keys(stitched?.entities ?? {}).map((name) => ({ name, maxBatch: undefined })),
  ];
  return new Map(all.map(({ name, maxBatch }) => [name, maxBatch]));
}

/** Reads one setting. Returns undefined if it is unset, or if it is invalid, which adds problems. */
function read<T>(
  settings: SettingsReader,
  variable: string,
  schema: z.ZodObject & z.ZodType<T>,
  example: string,
  consent?: string,
): T | undefined {
  const text = settings.read(setting(variable, z.string().optional(), `JSON such as ${example}`));
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message would quote the text.
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path);
      for (const key of issue.keys)
        settings.problems.push(
          `${variable} is invalid: ${path === '' ? 'it' : path} has no "${key}"${remedy(key, known, consent)}`,
        );
    } else if (path === '')
      settings.problems.push(`${variable} is invalid: it must be a JSON object such as ${example}.`);
    else settings.problems.push(`${variable} is invalid: ${path} ${issue.message}.`);
  }
  return undefined;
}

function remedy(key: string, known: readonly string[], consent: string | undefined): string {
  if (key === consent) return ': consent is fresh for five seconds, and no setting changes that.';
  return `.${didYouMean(key, known) || ` It may have ${known.join(', ')}.`}`;
}

/** The keys of the object schema at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const name of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodExactOptional) at = at.unwrap();
    if (!(at instanceof z.ZodObject)) return [];
    if (name === undefined) return Object.keys(at.shape);
    at = (at.shape as Record<PropertyKey, unknown>)[name];
  }
  return [];
}
