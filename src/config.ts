import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { blockedList, DEFAULT_BLOCKLISTS } from './blocklists.js';
import { milliseconds } from './duration.js';
import { setting, type Setting, type SettingsReader } from './settings.js';

const wholeNumber = (least: number, most: number, fallback: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(least).max(most)).default(fallback);

const megabytes = (least: number, fallback: number) =>
  wholeNumber(least, 100_000, fallback).transform((amount) => amount * 1024 * 1024);

/** A web origin as browsers send it in `Origin`: scheme, host, and the port if it is not the scheme's default. */
export const webOrigin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => URL.canParse(text) && new URL(text).origin === text);

const listOf = <T>(item: z.ZodType<T, string>) =>
  z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ''))
    .pipe(z.array(item).min(1));

/** An existing folder, as a `file:` URL. A relative path starts at the working directory. */
const existingFolder = z
  .string()
  .refine((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
  .transform((path) => pathToFileURL(`${resolve(path)}/`));

const folderSetting = (variable: string, usual: string) =>
  setting(variable, existingFolder.optional(), `the path of a folder that exists (default ${usual})`);

/** `claim=namespace`. The last `=` separates them, because the name of a claim may be a URL with `=` in it. */
const customerClaim = z
  .string()
  .regex(/^.+=\w+$/)
  .transform((text) => {
    const at = text.lastIndexOf('=');
    return { claim: text.slice(0, at), namespace: text.slice(at + 1) };
  });

const SIGNATURES = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
  ...['Ed25519', 'HS256', 'HS384', 'HS512'],
];

/** The settings of the gateway itself. A name includes the unit; the comment describes the effect. */
export const GATEWAY_SETTINGS = {
  /** The port to listen on. */
  port: setting('PORT', wholeNumber(0, 65_535, 4000), 'a port number (default 4000)'),
  /** The address to listen on. The default accepts connections from this machine only; `0.0.0.0` listens on all interfaces. */
  host: setting(
    'HOST',
    z.string().min(1).default('127.0.0.1'),
    'an address to listen on (default 127.0.0.1)',
  ),
  /** Whether callers must authenticate. With `off`, every client that can connect may query everything, for any purpose. */
  auth: setting('AUTH', z.enum(['on', 'off']).default('on'), 'on or off (default on)'),
  /** The API keys, stored as hashes. src/context/README.md describes the fields of an entry. */
  apiKeys: setting('API_KEYS', z.string().optional(), 'a JSON list of keys', { secret: true }),
  /** Changes of roles, and roles of your own. src/context/README.md describes them. */
  roles: setting('ROLES', z.string().optional(), 'a JSON object of roles'),
  /** Tokens with another `iss` are refused. */
  jwtIssuer: setting('JWT_ISSUER', z.string().optional(), 'the `iss` of the tokens'),
  /** Tokens whose `aud` does not include this audience are refused: they were issued for another service. */
  jwtAudience: setting('JWT_AUDIENCE', z.string().optional(), 'the `aud` of the tokens'),
  /**
   * Where the issuer publishes its keys. The gateway fetches them every 10 minutes, and when a token names an unknown key, at
   * most once in 30 s. While the keys cannot be fetched, tokens are refused. With `http`, an attacker on the network can forge
   * tokens.
   */
  jwtJwksUrl: setting(
    'JWT_JWKS_URL',
    z
      .url({ protocol: /^https?$/ })
      .refine((text) => {
        if (!URL.canParse(text)) return false;
        const { username, password, hash } = new URL(text);
        return `${username}${password}${hash}` === '';
      })
      .optional(),
    'an http(s) address such as https://id.example.nl/.well-known/jwks.json, without user name',
  ),
  /** The issuer's key, if it does not publish one. If a set has several keys of one type, a token must name its key by `kid`. */
  jwtKey: setting('JWT_KEY', z.string().optional(), 'a public key as PEM, JWK or JWK set', { secret: true }),
  /** Accepted signature algorithms. The HS algorithms need a secret (an `oct` JWK) in JWT_KEY and work with no other key. */
  jwtAlgorithms: setting(
    'JWT_ALGORITHMS',
    listOf(z.enum(SIGNATURES)).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
    `a list of ${SIGNATURES.join(', ')} (default RS256,PS256,ES256,EdDSA)`,
  ),
  /** Tolerated difference between the clocks of the issuer and the gateway. */
  jwtClockSkewS: setting('JWT_CLOCK_SKEW_S', wholeNumber(0, 600, 30), 'seconds, 0 to 600 (default 30)'),
  /** The claim with the caller's roles: a list, or a space-separated text. Unknown roles are ignored. */
  jwtRolesClaim: setting(
    'JWT_ROLES_CLAIM',
    z.string().default('roles'),
    'the name of a claim (default roles)',
  ),
  /**
   * The claims that name the customer in a visitor's token; the first claim that is present is used. List only claims that
   * the issuer verifies: a visitor who can choose the value can read any customer.
   */
  jwtCustomerClaims: setting(
    'JWT_CUSTOMER_CLAIMS',
    listOf(customerClaim).default([]),
    'a list of claim=namespace, such as customer_number=customerNumber',
  ),
  /** Customer ids are derived with this secret. If it changes, every customer gets another id. */
  idSecret: setting(
    'ID_SECRET',
    z.string().min(16),
    'a secret text of at least 16 characters, the same on every instance',
    { secret: true },
  ),
  /** When it has passed, the response is sent as it is. Fields without a value yet are null with SOURCE_TIMEOUT. */
  deadlineMs: setting(
    'DEADLINE_MS',
    wholeNumber(1, 60_000, 2_000),
    'milliseconds, 1 to 60000 (default 2000)',
  ),
  /**
   * The part of a request's deadline in which the customer must be identified; the rest is for the customer's fields. The
   * gateway does not wait for a system that is slower, or that demands a longer wait (`Retry-After`). The fields of that system
   * are null with an error that includes this time and the demanded wait. If no other system knows the customer, it is null too.
   */
  identityDeadlinePercent: setting(
    'IDENTITY_DEADLINE_PERCENT',
    wholeNumber(1, 100, 50),
    'a percentage of the deadline, 1 to 100 (default 50)',
  ),
  /** Phone numbers without a country code are numbers of this country. */
  defaultRegion: setting(
    'DEFAULT_REGION',
    z
      .string()
      .regex(/^[A-Z]{2}$/)
      .default('NL'),
    'a country code of two capitals (default NL)',
  ),
  /**
   * Placeholders, which identify no customer in any namespace. An e-mail address does not either if its mailbox, or its domain
   * without the top-level domain, is a placeholder. Case is ignored. src/identity/README.md lists the default.
   */
  identityBlockedValues: setting(
    'IDENTITY_BLOCKED_VALUES',
    blockedList(DEFAULT_BLOCKLISTS.values, /^[^\p{C}]{1,100}$/u),
    'values with commas between; `default` stands for those in src/identity/README.md (default: default)',
  ),
  /** E-mail addresses under these domains identify no customer. Subdomains are included. */
  identityBlockedDomains: setting(
    'IDENTITY_BLOCKED_DOMAINS',
    blockedList(DEFAULT_BLOCKLISTS.domains, /^([a-z\d]([a-z\d-]*[a-z\d])?\.)*[a-z]([a-z\d-]*[a-z\d])?$/),
    'domains in ASCII with commas between; `default` stands for invalid,localhost (default: default)',
  ),
  /**
   * E-mail addresses with these mailboxes find a customer, but never link two records, because several people read them.
   * src/identity/README.md lists the default.
   */
  identityRoleMailboxes: setting(
    'IDENTITY_ROLE_MAILBOXES',
    blockedList(DEFAULT_BLOCKLISTS.roleMailboxes, /^[^\s@,\p{C}]{1,64}$/u),
    'mailboxes such as info, with commas between; `default` stands for those in src/identity/README.md (default: default)',
  ),
  /**
   * How long fields wait in each round for a slow system that does not hold their values. After this time they are resolved
   * without the identifiers that the system might have added.
   */
  identityPatienceMs: setting(
    'IDENTITY_PATIENCE_MS',
    wholeNumber(0, 60_000, 500),
    'milliseconds, 0 to 60000 (default 500)',
  ),
  /** Memory for cached records of all sources together. When it is full, the least recently used ones are evicted. */
  cacheMaxBytes: setting('CACHE_MAX_MB', megabytes(1, 64), 'megabytes, from 1 (default 64)'),
  /**
   * Memory of the response cache. A repeated request gets the same bytes while every part of the response is fresh. With 0 the
   * response cache is off and each request is executed from cached records, which helps to find a defect in it.
   */
  answersMaxBytes: setting('ANSWERS_MAX_MB', megabytes(0, 16), 'megabytes, from 0 (default 16)'),
  /** Redis or Valkey, by which instances share cached records, invalidation and quotas. Without it nothing is shared. */
  redisUrl: setting(
    'REDIS_URL',
    z.url({ protocol: /^rediss?$/ }).optional(),
    'an address such as redis://localhost:6379',
  ),
  /** Encrypts the records in Redis. Without it they are stored in plain text; keys are always digests. */
  cacheSecret: setting(
    'CACHE_SECRET',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters, the same on every instance',
    { secret: true },
  ),
  /**
   * The suppression list: erased customers, who are never shown again. One digest a line; all instances use the same file. The
   * file must exist, and may be empty. Without this setting the list is in Redis, or there is none.
   */
  suppressionFile: setting('SUPPRESSION_FILE', z.string().min(1).optional(), 'the path of a file'),
  /** Which cache directives of callers are honoured: see `FollowedDirectives`. */
  cacheDirectives: setting(
    'CACHE_DIRECTIVES',
    z.enum(['any', 'sparing', 'none']).default('any'),
    '`any`, `sparing` (only those that reduce calls to systems) or `none` (default any)',
  ),
  /** The default priority of requests when a system's limits make calls wait. A caller can lower its own by `Request-Priority`. */
  priority: setting(
    'PRIORITY',
    z.enum(['interactive', 'automation', 'bulk']).default('interactive'),
    'interactive, automation or bulk (default interactive)',
  ),
  /** Authorises `POST /admin/forget` and the details of `/health/ready`, as the scope `admin:forget` does. */
  adminToken: setting(
    'ADMIN_TOKEN',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters',
    { secret: true },
  ),
  /**
   * The audit log: one line for each response with personal data, chained to the line before it. Without a file the lines go to
   * standard output. With `AUTH=off` and without a file there is no audit, because callers are unknown.
   */
  auditFile: setting('AUDIT_FILE', z.string().min(1).optional(), 'the path of a file'),
  /** Whether a response is withheld if its audit line cannot be written. If `false`, it is sent and the failure is logged. */
  auditRequired: setting(
    'AUDIT_REQUIRED',
    z
      .enum(['true', 'false'])
      .default('true')
      .transform((text) => text === 'true'),
    'true or false (default true)',
  ),
  /** Authenticates the audit lines, so that the chain cannot be forged without it. Verification needs it too. */
  auditSecret: setting(
    'AUDIT_SECRET',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters',
    { secret: true },
  ),
  /** Requests in flight. Above this number, requests get status 503 with `Retry-After`; bulk requests are refused first. */
  maxInFlight: setting(
    'MAX_IN_FLIGHT',
    wholeNumber(1, 100_000, 1_000),
    'a number of requests (default 1000)',
  ),
  /** Event loop delay above which requests get status 503. Bulk requests are refused from half of it. */
  maxDelayMs: setting(
    'MAX_DELAY_MS',
    wholeNumber(10, 60_000, 100),
    'milliseconds, 10 to 60000 (default 100)',
  ),
  /** At this many connections, the longest-idle one is closed. The process needs as many file descriptors (`ulimit -n`). */
  maxConnections: setting(
    'MAX_CONNECTIONS',
    wholeNumber(1, 1_000_000, 10_000),
    'a number of connections (default 10000)',
  ),
  /** The number of connections from one remote address. Behind a load balancer, set it as high as MAX_CONNECTIONS. */
  maxConnectionsPerAddress: setting(
    'MAX_CONNECTIONS_PER_ADDRESS',
    wholeNumber(1, 1_000_000, 500),
    'a number of connections (default 500)',
  ),
  /**
   * The sources whose values are preferred where several systems hold a value of the customer, the most trusted first. They come
   * before the sources of `@survivorship`. Default: the sources of the package, then those of the project in alphabetical order.
   */
  sourceOrder: setting(
    'SOURCE_ORDER',
    listOf(z.string()).default([]),
    'a list of plugged-in sources, the most trusted first (default none)',
  ),
  /**
   * Web origins whose pages may send requests with tokens, or without credentials if `AUTH=off`. An API key has its own
   * `origins`. Requests from pages of other origins get status 403.
   */
  corsOrigins: setting(
    'CORS_ORIGINS',
    listOf(webOrigin).default([]),
    'a list of web sites such as https://www.example.nl, without a path (default none)',
  ),
  /**
   * Accepted values of the `Host` header, beside the names of this machine. Other values get status 421. Default: all names if
   * other machines can reach `HOST`, else only the names of this machine.
   */
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    listOf(z.string().regex(/^([a-z\d._-]+|\[[a-f\d:.]+\])$/)).optional(),
    'a list of host names, in lower case and without port, such as gateway.example.nl',
  ),
  /**
   * Whether plain requests bypass Yoga's HTTP layer (`http/front.ts`). With `off`, Yoga handles all requests: the responses are
   * the same and cost more, which helps to find a defect in the bypass.
   */
  httpFront: setting('HTTP_FRONT', z.enum(['on', 'off']).default('on'), 'on or off (default on)'),
  /** A request with a larger body gets status 413. */
  maxBodyBytes: setting(
    'MAX_BODY_KB',
    wholeNumber(1, 100_000, 256).transform((amount) => amount * 1024),
    'kilobytes, from 1 (default 256)',
  ),
  /**
   * The address under which systems reach `/webhooks/<source>`, if a proxy changes it: some systems sign the address. Default:
   * the address of the request.
   */
  publicUrl: setting(
    'PUBLIC_URL',
    webOrigin.optional(),
    'an address such as https://gateway.example.nl, without a path',
  ),
  /** The persisted operations, one in each file: `schema/operations/README.md`. Default: that folder. */
  operationsFolder: folderSetting('OPERATIONS_FOLDER', 'schema/operations'),
  /** The triggers, one in each file: `schema/triggers/README.md`. Default: that folder. */
  triggersFolder: folderSetting('TRIGGERS_FOLDER', 'schema/triggers'),
  /** The named audiences, one in each file: `schema/audiences/README.md`. Default: that folder. */
  audiencesFolder: folderSetting('AUDIENCES_FOLDER', 'schema/audiences'),
  /** Fields nested deeper than this are refused. Introspection by GraphiQL needs 15. */
  maxDepth: setting('MAX_DEPTH', wholeNumber(1, 100, 20), 'a number of levels, 1 to 100 (default 20)'),
  /** More aliases in one operation are refused: they multiply the work behind one field. */
  maxAliases: setting('MAX_ALIASES', wholeNumber(0, 10_000, 100), 'a number of aliases (default 100)'),
  /** Longer documents are refused before they are parsed to the end. */
  maxTokens: setting('MAX_TOKENS', wholeNumber(10, 100_000, 5_000), 'a number of tokens (default 5000)'),
  /** More directives in one document are refused: validation compares them with each other. */
  maxDirectives: setting(
    'MAX_DIRECTIVES',
    wholeNumber(0, 10_000, 100),
    'a number of directives (default 100)',
  ),
  /** `customers(by:)` refuses a longer list. */
  maxCustomers: setting(
    'MAX_CUSTOMERS',
    wholeNumber(1, 100_000, 1_000),
    'a number of customers (default 1000)',
  ),
  /** The results of a bulk job are deleted this long after its submission. */
  bulkJobRetainMs: setting(
    'BULK_JOB_RETAIN_H',
    wholeNumber(1, 24, 24).transform((hours) => hours * milliseconds('1 hour')),
    'hours, 1 to 24 (default 24)',
  ),
  /** A bulk job with more lines is refused. */
  bulkJobMaxLines: setting('BULK_JOB_MAX_LINES', wholeNumber(1, 1e8, 1e6), 'a number (default 1000000)'),
  /** A caller with this many bulk jobs must delete one before the next. */
  bulkJobsPerCaller: setting('BULK_JOBS_PER_CALLER', wholeNumber(1, 1_000, 10), 'a number (default 10)'),
  /**
   * How operations are executed: by a plan that is compiled once, or by interpreting the document each time. The results are the
   * same. `planned` is faster; `interpreted` helps to find a defect in the plans.
   */
  execution: setting(
    'EXECUTION',
    z.enum(['planned', 'interpreted']).default('planned'),
    'planned or interpreted (default planned)',
  ),
  /**
   * Worker processes, to use all cores of the machine. More than one need REDIS_URL: through Redis they share invalidation and
   * rate limits. See "All cores" in src/README.md.
   */
  workers: setting('WORKERS', wholeNumber(1, 1_000, 1), 'a number of processes, 1 to 1000 (default 1)'),
  /** Time after SIGTERM in which `/health/ready` returns 503 and requests are still accepted, so that load balancers notice. */
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

/**
 * Reads the gateway's own settings. The reader collects problems. An invalid setting gets its default, so that later checks
 * report their own problems; an invalid setting without a default is undefined.
 */
export function readGatewayConfig(reader: SettingsReader): GatewayConfig {
  return Object.fromEntries(
    Object.entries(GATEWAY_SETTINGS).map(([name, declared]) => [
      name,
      reader.read<unknown>(declared) ?? declared.schema.safeParse(undefined).data,
    ]),
  ) as GatewayConfig;
}
