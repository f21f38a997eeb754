import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DEFAULT_BLOCKLISTS } from './blocklists.js';
import { setting, type Setting, type SettingsReader } from './settings.js';

const wholeNumber = (least: number, most: number, fallback: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(least).max(most)).default(fallback);

const megabytes = (least: number, fallback: number) =>
  wholeNumber(least, 100_000, fallback).transform((amount) => amount * 1024 * 1024);

/** A web site as browsers name it in `Origin`: scheme, host, and port when it is not the usual one. */
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

/** `claim=namespace`. Only the last `=` counts: a claim may be named by an address. */
const customerClaim = z
  .string()
  .regex(/^.+=\w+$/)
  .transform((text) => {
    const at = text.lastIndexOf('=');
    return { claim: text.slice(0, at), namespace: text.slice(at + 1) };
  });

/**
 * Values with commas between, in lower case. `default` stands for the values of the default, so that a list can add to it.
 */
const blockedList = (fallback: ReadonlySet<string>, item: RegExp) =>
  z
    .string()
    .default('default')
    .transform((text) =>
      text
        .toLowerCase()
        .split(',')
        .map((part) => part.trim()),
    )
    .pipe(z.array(z.string().regex(item)))
    .transform((parts) => new Set(parts.flatMap((part) => (part === 'default' ? [...fallback] : [part]))));

const SIGNATURES = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
  ...['Ed25519', 'HS256', 'HS384', 'HS512'],
];

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
  /** Whether callers must say who they are. `off`: whoever reaches the gateway may ask for everything, for any purpose. */
  auth: setting('AUTH', z.enum(['on', 'off']).default('on'), 'on or off (default on)'),
  /** The API keys, of which only hashes are kept here: src/context/README.md has the fields of one. */
  apiKeys: setting('API_KEYS', z.string().optional(), 'a JSON list of keys', { secret: true }),
  /** Tokens with another `iss` are refused. */
  jwtIssuer: setting('JWT_ISSUER', z.string().optional(), 'the `iss` of the tokens'),
  /** Tokens whose `aud` does not hold it are refused: they are for somebody else. */
  jwtAudience: setting('JWT_AUDIENCE', z.string().optional(), 'the `aud` of the tokens'),
  /**
   * Where the issuer publishes its keys. They are fetched again every 10 minutes, and for a key that is not known yet, at
   * most every 30 s; while they cannot be, nobody gets in by a token. Over `http`, whoever sits on the way can let anybody in.
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
  /** The issuer's key itself, where it does not publish it. Of a set with several of one kind, tokens must name theirs by `kid`. */
  jwtKey: setting('JWT_KEY', z.string().optional(), 'a public key as PEM, JWK or JWK set', { secret: true }),
  /** Tokens that are signed in another way are refused. The HS ones go with a secret (an `oct` JWK) in JWT_KEY, and with no other. */
  jwtAlgorithms: setting(
    'JWT_ALGORITHMS',
    listOf(z.enum(SIGNATURES)).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
    `a list of ${SIGNATURES.join(', ')} (default RS256,PS256,ES256,EdDSA)`,
  ),
  /** So much the issuer's clock and ours may differ. */
  jwtClockSkewS: setting('JWT_CLOCK_SKEW_S', wholeNumber(0, 600, 30), 'seconds, 0 to 600 (default 30)'),
  /** The claim with the caller's roles: a list, or a text with blanks between them. Others than ours are passed over. */
  jwtRolesClaim: setting(
    'JWT_ROLES_CLAIM',
    z.string().default('roles'),
    'the name of a claim (default roles)',
  ),
  /**
   * By which claims a visitor's token names its customer; the first that it has counts. Only claims that the issuer
   * vouches for: whoever can choose the value sees whom they choose.
   */
  jwtCustomerClaims: setting(
    'JWT_CUSTOMER_CLAIMS',
    listOf(customerClaim).default([]),
    'a list of claim=namespace, such as customer_number=customerNumber',
  ),
  /** Customer ids are made with this secret. Another secret gives every customer another id. */
  idSecret: setting(
    'ID_SECRET',
    z.string().min(16),
    'a secret text of at least 16 characters, the same on every instance',
    { secret: true },
  ),
  /** When it has passed the answer leaves with what there is; what is not there yet is null with SOURCE_TIMEOUT. */
  deadlineMs: setting(
    'DEADLINE_MS',
    wholeNumber(1, 60_000, 2_000),
    'milliseconds, 1 to 60000 (default 2000)',
  ),
  /**
   * The part of a request's deadline in which the customer must be identified; the rest is for the customer's fields. The gateway
   * does not wait for a system that is slower, or that demands a longer wait (`Retry-After`). Its fields are null with an error
   * that names this time and the demanded wait, and so is the customer when no other system knows it.
   */
  identityDeadlinePercent: setting(
    'IDENTITY_DEADLINE_PERCENT',
    wholeNumber(1, 100, 50),
    'a percentage of the deadline, 1 to 100 (default 50)',
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
  /**
   * Placeholders: such a value identifies no customer, in any namespace. Neither does an e-mail address whose mailbox, or
   * the part of its domain before the ending, is a placeholder. Case does not matter. src/identity/README.md lists the default.
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
   * E-mail addresses with these mailboxes identify, but never link one record to another: several people read them.
   * src/identity/README.md lists the default.
   */
  identityRoleMailboxes: setting(
    'IDENTITY_ROLE_MAILBOXES',
    blockedList(DEFAULT_BLOCKLISTS.roleMailboxes, /^[^\s@,\p{C}]{1,64}$/u),
    'mailboxes such as info, with commas between; `default` stands for those in src/identity/README.md (default: default)',
  ),
  /** So long a slow system is waited for, in each round, by fields that want nothing of it. Then they go without what it might have told. */
  identityPatienceMs: setting(
    'IDENTITY_PATIENCE_MS',
    wholeNumber(0, 60_000, 500),
    'milliseconds, 0 to 60000 (default 500)',
  ),
  /** Memory for cached answers, all sources together. The least recently used are dropped beyond it. */
  cacheMaxBytes: setting('CACHE_MAX_MB', megabytes(1, 64), 'megabytes, from 1 (default 64)'),
  /**
   * Memory for whole answers, as they were sent: who asks the same again gets the same bytes while every part of them is
   * fresh. With 0 each request is worked out by itself, from the cached answers of systems: to find out whether a fault lies here.
   */
  answersMaxBytes: setting('ANSWERS_MAX_MB', megabytes(0, 16), 'megabytes, from 0 (default 16)'),
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
    { secret: true },
  ),
  /**
   * The list of customers who are shown to nobody any more, one digest a line: the same file for all instances. It must
   * be there; an empty one says that nobody is on it. Without it the list is in Redis, or there is none.
   */
  suppressionFile: setting('SUPPRESSION_FILE', z.string().min(1).optional(), 'the path of a file'),
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
    { secret: true },
  ),
  /**
   * The audit log: a line for every answer with personal data, chained to the line before it. Without a file the lines
   * go to standard output, or nowhere when `AUTH=off`: where nobody says who they are there is nobody to account for.
   */
  auditFile: setting('AUDIT_FILE', z.string().min(1).optional(), 'the path of a file'),
  /** Whether an answer is withheld when its audit line cannot be written. If not, it is given, and the failure logged. */
  auditRequired: setting(
    'AUDIT_REQUIRED',
    z
      .enum(['true', 'false'])
      .default('true')
      .transform((text) => text === 'true'),
    'true or false (default true)',
  ),
  /** Seals the audit lines, so that nobody without it can write a chain anew. Verifying needs it too. */
  auditSecret: setting(
    'AUDIT_SECRET',
    z.string().min(16).optional(),
    'a secret text of at least 16 characters',
    { secret: true },
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
  /** More connections at a time make those end that do nothing. The process must be allowed as many files (`ulimit -n`). */
  maxConnections: setting(
    'MAX_CONNECTIONS',
    wholeNumber(1, 1_000_000, 10_000),
    'a number of connections (default 10000)',
  ),
  /** The same for each remote address. Behind a load balancer all come from its address: set it as high as all. */
  maxConnectionsPerAddress: setting(
    'MAX_CONNECTIONS_PER_ADDRESS',
    wholeNumber(1, 1_000_000, 500),
    'a number of connections (default 500)',
  ),
  /**
   * Web sites whose pages may ask with tokens, or with nothing where `AUTH=off`, and read answers. An API key has `origins` of
   * its own. Pages of all others are refused with status 403.
   */
  corsOrigins: setting(
    'CORS_ORIGINS',
    listOf(webOrigin).default([]),
    'a list of web sites such as https://www.example.nl, without a path (default none)',
  ),
  /**
   * Names that `Host` may have, beside those of this machine. Requests for other names get status 421. Default: all names if
   * `HOST` is an address that others reach, and only those of this machine if it is not.
   */
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    listOf(z.string().regex(/^([a-z\d._-]+|\[[a-f\d:.]+\])$/)).optional(),
    'a list of host names, in lower case and without port, such as gateway.example.nl',
  ),
  /**
   * Whether plain requests pass by Yoga's HTTP layer (`http/front.ts`). Off, all take Yoga's own way, which answers the
   * same and costs more: to find out whether a fault is the front's.
   */
  httpFront: setting('HTTP_FRONT', z.enum(['on', 'off']).default('on'), 'on or off (default on)'),
  /** A larger request is refused with status 413. */
  maxBodyBytes: setting(
    'MAX_BODY_KB',
    wholeNumber(1, 100_000, 256).transform((amount) => amount * 1024),
    'kilobytes, from 1 (default 256)',
  ),
  /** Under which systems reach `/webhooks/<source>`, where a proxy in front makes it another: some sign it. Default: as asked. */
  publicUrl: setting(
    'PUBLIC_URL',
    webOrigin.optional(),
    'an address such as https://gateway.example.nl, without a path',
  ),
  /** The persisted operations, one in each file: `schema/operations/README.md`. Default: that folder. */
  operationsFolder: setting(
    'OPERATIONS_FOLDER',
    existingFolder.optional(),
    'the path of a folder that exists (default schema/operations)',
  ),
  /** The triggers, one in each file: `schema/triggers/README.md`. Default: that folder. */
  triggersFolder: setting(
    'TRIGGERS_FOLDER',
    existingFolder.optional(),
    'the path of a folder that exists (default schema/triggers)',
  ),
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
  /**
   * How operations are answered: by plans that are made once for each, or by interpreting the document every time. The
   * answers are the same, `planned` is faster; `interpreted` is for finding out whether a fault is in the plans.
   */
  execution: setting(
    'EXECUTION',
    z.enum(['planned', 'interpreted']).default('planned'),
    'planned or interpreted (default planned)',
  ),
  /**
   * Processes that answer, so that all cores of the machine do; one is a gateway by itself. More need REDIS_URL, by which
   * they forget together, and share what limits and bounds allow: src/README.md, "All cores".
   */
  workers: setting('WORKERS', wholeNumber(1, 1_000, 1), 'a number of processes, 1 to 1000 (default 1)'),
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

/**
 * Reads the gateway's own settings. Problems are left in the reader. A wrong setting gets its default, so that the
 * checks after it find their own problems; a wrong setting without a default is undefined.
 */
export function readGatewayConfig(reader: SettingsReader): GatewayConfig {
  return Object.fromEntries(
    Object.entries(GATEWAY_SETTINGS).map(([name, declared]) => [
      name,
      reader.read<unknown>(declared) ?? declared.schema.safeParse(undefined).data,
    ]),
  ) as GatewayConfig;
}
