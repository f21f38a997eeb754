import { z } from 'zod';
import { ConfigError } from './errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One environment variable that the gateway or a source reads. */
export interface Setting<T> {
  readonly variable: string;
  /** What a right value looks like, for the message when it is missing or wrong. */
  readonly expects: string;
  readonly schema: z.ZodType<T>;
}

/**
 * Declares an environment variable of a source. The source is plugged in when all of its settings without a
 * default are there; when only some are, the gateway does not start and tells which are missing.
 */
export function setting(variable: string): Setting<string>;
export function setting<T>(variable: string, schema: z.ZodType<T>, expects: string): Setting<T>;
export function setting(
  variable: string,
  schema: z.ZodType = z.string().min(1),
  expects = 'a text that is not empty',
): Setting<unknown> {
  return { variable, schema, expects };
}

/** An http(s) address, without a slash at its end. What a source is asked by comes behind it. */
export function urlSetting(variable: string, example: string): Setting<string> {
  const schema = z
    .url({ protocol: /^https?$/ })
    // They would be left out silently.
    .refine((url) => {
      if (!URL.canParse(url)) return false;
      const { username, password, search, hash } = new URL(url);
      return `${username}${password}${search}${hash}` === '';
    })
    .transform((url) => url.replace(/\/+$/, ''));
  return setting(
    variable,
    schema,
    `an http(s) address such as ${example}, without user name, query or fragment`,
  );
}

/** Reads settings and gathers what is wrong with them, so that everything can be mended in one go. */
export class SettingsReader {
  readonly problems: string[] = [];

  constructor(readonly environment: Environment) {}

  /** The value; undefined when it is wrong, which is then among the problems. */
  read<T>({ variable, schema, expects }: Setting<T>): T | undefined {
    // An empty variable is how shells and compose files say "not set".
    const raw = this.environment[variable] === '' ? undefined : this.environment[variable];
    const result = schema.safeParse(raw);
    if (result.success) return result.data;
    // The value itself is left out: it may be a secret.
    this.problems.push(
      `${variable} ${raw === undefined ? 'is missing' : 'is not right'}: it must be ${expects}.`,
    );
    return undefined;
  }

  isPresent({ variable }: Setting<unknown>): boolean {
    return (this.environment[variable] ?? '') !== '';
  }

  /** True when the gateway works without the variable being set. */
  isOptional({ schema }: Setting<unknown>): boolean {
    return schema.safeParse(undefined).success;
  }

  throwIfWrong(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
  }
}

const wholeNumber = (least: number, most: number, fallback: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(least).max(most)).default(fallback);

const megabytes = (fallback: number) =>
  wholeNumber(1, 100_000, fallback).transform((amount) => amount * 1024 * 1024);

/** The gateway's own settings. Units are in the names; what each outcome is, in its comment. */
export const GATEWAY_SETTINGS = {
  /** The port to listen on. */
  port: setting('PORT', wholeNumber(0, 65_535, 4000), 'a port number (default 4000)'),
  /** The address to listen on. Only this machine by default; `0.0.0.0` for all interfaces. */
  host: setting(
    'HOST',
    z.string().min(1).default('127.0.0.1'),
    'an address to listen on (default 127.0.0.1)',
  ),
  /** Customer ids are made with this secret. Another secret gives every customer another id. */
  idSecret: setting(
    'ID_SECRET',
    z.string().min(16),
    'a secret text of at least 16 characters, the same on every instance',
  ),
  /** When it has passed the answer leaves with what there is; what is not there yet is null with SOURCE_TIMEOUT. */
  deadlineMs: setting(
    'DEADLINE_MS',
    wholeNumber(1, 60_000, 2_000),
    'milliseconds, 1 to 60000 (default 2000)',
  ),
  /** The country whose phone numbers may be written without country code. */
  defaultRegion: setting(
    'DEFAULT_REGION',
    z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default('NL'),
    'a country code of two capitals (default NL)',
  ),
  /** Rounds of asking all systems who a customer is; what a further round would tell is left out. */
  identityMaxHops: setting(
    'IDENTITY_MAX_HOPS',
    wholeNumber(1, 10, 3),
    'a number of rounds, 1 to 10 (default 3)',
  ),
  /** More values of one kind of identifier are not asked by: whoever shares so many is not one customer. */
  identityMaxValues: setting(
    'IDENTITY_MAX_VALUES',
    wholeNumber(1, 100, 5),
    'a number of values, 1 to 100 (default 5)',
  ),
  /** More identifiers of one customer are not asked by. */
  identityMaxIdentifiers: setting(
    'IDENTITY_MAX_IDENTIFIERS',
    wholeNumber(1, 1_000, 50),
    'a number of identifiers, 1 to 1000 (default 50)',
  ),
  /** So long a slow system is waited for, in each round, by fields that want nothing of it. Then they go without what it might have told. */
  identityPatienceMs: setting(
    'IDENTITY_PATIENCE_MS',
    wholeNumber(0, 60_000, 500),
    'milliseconds, 0 to 60000 (default 500)',
  ),
  /** Memory for cached answers, all sources together. The least recently used are dropped beyond it. */
  cacheMaxBytes: setting('CACHE_MAX_MB', megabytes(64), 'megabytes, from 1 (default 64)'),
  /** Redis or Valkey, for what instances share: answers, forgetting, quotas. Without it each instance stands alone. */
  redisUrl: setting(
    'REDIS_URL',
    z.url({ protocol: /^rediss?$/ }).optional(),
    'an address such as redis://localhost:6379',
  ),
  /** Encrypts what lies in Redis. Without it answers lie there as they are; keys are digests in any case. */
  cacheSecret: setting(
    'CACHE_SECRET',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters, the same on every instance',
  ),
  /** Which cache directives of callers are followed: see `FollowedDirectives`. */
  cacheDirectives: setting(
    'CACHE_DIRECTIVES',
    z.enum(['any', 'sparing', 'none']).default('any'),
    '`any`, `sparing` (only those that spare the systems) or `none` (default any)',
  ),
  /** Whose turn comes first when a system's limits make calls wait. Callers may ask for less by `X-Priority`. */
  priority: setting(
    'PRIORITY',
    z.enum(['interactive', 'automation', 'bulk']).default('interactive'),
    'interactive, automation or bulk (default interactive)',
  ),
  /** Who has it may make the gateway forget, by `POST /admin/forget`. Without it there is no such address. */
  adminToken: setting(
    'ADMIN_TOKEN',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters',
  ),
  /** More requests at once are refused with status 503 and `Retry-After`, bulk first. */
  maxInFlight: setting(
    'MAX_IN_FLIGHT',
    wholeNumber(1, 100_000, 1_000),
    'a number of requests (default 1000)',
  ),
  /** When all that the gateway does comes so late, requests are refused with status 503, bulk first at half of it. */
  maxDelayMs: setting(
    'MAX_DELAY_MS',
    wholeNumber(10, 60_000, 100),
    'milliseconds, 10 to 60000 (default 100)',
  ),
  /** A larger request is refused with status 413. */
  maxBodyBytes: setting(
    'MAX_BODY_KB',
    wholeNumber(1, 100_000, 256).transform((amount) => amount * 1024),
    'kilobytes, from 1 (default 256)',
  ),
  /** Fields nested deeper than this are refused. Introspection by GraphiQL needs 15. */
  maxDepth: setting('MAX_DEPTH', wholeNumber(1, 100, 20), 'a number of levels, 1 to 100 (default 20)'),
  /** More aliases in one operation are refused: they multiply the work behind one field. */
  maxAliases: setting('MAX_ALIASES', wholeNumber(0, 10_000, 100), 'a number of aliases (default 100)'),
  /** Longer documents are refused before they are parsed to the end. */
  maxTokens: setting('MAX_TOKENS', wholeNumber(10, 100_000, 5_000), 'a number of tokens (default 5000)'),
  /** `customers(by:)` refuses a longer list. */
  maxCustomers: setting(
    'MAX_CUSTOMERS',
    wholeNumber(1, 100_000, 1_000),
    'a number of customers (default 1000)',
  ),
  /** For so long after SIGTERM `/health/ready` says 503 while requests are still taken: load balancers need to notice. */
  drainMs: setting('DRAIN_MS', wholeNumber(0, 60_000, 0), 'milliseconds, 0 to 60000 (default 0)'),
  /** Which log lines are written to standard output. */
  logLevel: setting(
    'LOG_LEVEL',
    z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
    'silent, error, warn, info or debug (default info)',
  ),
} as const satisfies Record<string, Setting<unknown>>;

type GatewaySettings = typeof GATEWAY_SETTINGS;
export type GatewayConfig = {
  readonly [Name in keyof GatewaySettings]: GatewaySettings[Name] extends Setting<infer T> ? T : never;
};

/** Reads the gateway's own settings. Problems are left in the reader; the values are only right without any. */
export function readGatewayConfig(reader: SettingsReader): GatewayConfig {
  return Object.fromEntries(
    Object.entries(GATEWAY_SETTINGS).map(([name, declared]) => [name, reader.read<unknown>(declared)]),
  ) as GatewayConfig;
}
