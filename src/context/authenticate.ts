import { timingSafeEqual } from 'node:crypto';
import type { GatewayConfig } from '../config.js';
import type { SettingsReader } from '../settings.js';
import { UnauthenticatedError } from '../errors.js';
import type { Identifier } from '../identity/identifiers.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import { readApiKeys } from './api-keys.js';
import type { Caller } from './caller.js';
import { PURPOSES } from './purpose.js';
import { SCOPES } from './roles.js';
import { createRemoteKeys, readTokenKey, type TokenKeys } from './token-keys.js';
import { createTokens, type Tokens } from './tokens.js';

/** A longer token is refused unread. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;

export interface AuthenticationOptions {
  settings: SettingsReader;
  config: GatewayConfig;
  /** The kinds of identifiers that a customer can be asked by. */
  namespaces: ReadonlySet<string>;
  /** The identifier, or null when the value identifies nobody. */
  identify: (namespace: string, value: string) => Identifier | { refusal: string };
  /** Told when the keys of the token issuer cannot be fetched. */
  onKeysUnavailable: (error: unknown) => void;
  /** Milliseconds since 1970. Default: the clock of the machine. */
  now?: () => number;
}

export interface Authentication {
  /**
   * Who sends a request: at once, but for a token that was not seen lately. Throws, or fails with, an
   * UnauthenticatedError (status 401), a ForbiddenError (403) or an AuthenticationUnavailableError (503). A key that was
   * right is known by its connection, as long as that is open.
   */
  caller(headers: Pick<Headers, 'get'>, connection?: object): Caller | Promise<Caller>;
  /** Other web sites that are allowed to any caller. Browsers ask for leave before they say whose request it is. */
  origins: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Reads who may ask. Problems are left in the reader; what is made is only right without any. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { settings, config } = options;
  const { problems } = settings;
  const { auth, apiKeys, jwtIssuer, jwtAudience, jwtJwksUrl, jwtKey }: Partial<GatewayConfig> = config;
  const given = Object.entries({
    API_KEYS: apiKeys,
    JWT_ISSUER: jwtIssuer,
    JWT_AUDIENCE: jwtAudience,
    JWT_JWKS_URL: jwtJwksUrl,
    JWT_KEY: jwtKey,
  }).flatMap(([variable, value]) => (value === undefined ? [] : [variable]));
  if (auth === 'off') {
    if (given.length > 0)
      problems.push(`AUTH is off, and there is ${given.join(', ')}: take the one away or the other.`);
    return everybody(config);
  }
  if (given.length === 0 && problems.every((problem) => !/^(AUTH|API_KEYS|JWT_\w+) /.test(problem)))
    problems.push(
      'AUTH is on, and nobody has a key: set API_KEYS; or JWT_ISSUER, JWT_AUDIENCE, and JWT_JWKS_URL or JWT_KEY; or AUTH=off, and whoever reaches the gateway may ask for everything.',
    );
  const keys = apiKeys === undefined ? undefined : readApiKeys(apiKeys, problems);
  const tokenKeys = given.some((variable) => variable !== 'API_KEYS') ? tokenKeysOf(options) : undefined;
  const tokens = tokenKeys === undefined ? undefined : tokensOf(tokenKeys, options);
  const lastOn = fieldWeakMap<object, { header: string; caller: Caller }>();
  return {
    caller: (headers, connection) => {
      const header = headers.get('authorization') ?? '';
      const last = connection === undefined ? undefined : lastOn.get(connection);
      if (last !== undefined && isSame(last.header, header)) return last.caller;
      const token = bearerOf(header);
      // A JSON object in base64url begins with `ey`.
      if (tokens !== undefined && /^ey[\w-]*\.[\w-]*\.[\w-]*$/.test(token)) return tokens.caller(token);
      const caller = keys?.find(token);
      if (caller === undefined) throw new UnauthenticatedError('invalid');
      if (connection !== undefined) lastOn.set(connection, { header, caller });
      return caller;
    },
    origins: new Set([...config.corsOrigins, ...(keys?.callers ?? []).flatMap(({ origins }) => origins)]),
    close: async () => tokenKeys?.close(),
  };
}

/** With `AUTH=off` all are one caller, bound by nothing but what protects the gateway itself. */
function everybody({ priority, corsOrigins }: GatewayConfig): Authentication {
  const caller: Caller = {
    name: 'anonymous',
    roles: [],
    scopes: new Set(SCOPES.filter((scope) => scope !== 'me:read' && scope !== 'admin:forget')),
    purposes: PURPOSES,
    priority,
    maxCost: 10_000_000,
    costPerMinute: 1_000_000_000_000,
    origins: corsOrigins,
    operations: 'any',
    sees: 'clear',
    findsBy: 'all',
  };
  return { caller: () => caller, origins: new Set(corsOrigins), close: () => Promise.resolve() };
}

/** Takes as long wherever they differ: a proxy may send requests of several callers on one connection. */
function isSame(one: string, other: string): boolean {
  // Made anew each time: a small buffer that is kept holds on to the 8 KiB that node takes it from.
  const [bytes, others] = [Buffer.from(one), Buffer.from(other)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

/** `Authorization: Bearer <token>` (RFC 6750, 2.1). Other schemes are not for us: whoever uses one has not said who it is. */
function bearerOf(header: string): string {
  if (!/^Bearer( |$)/i.test(header)) throw new UnauthenticatedError('missing');
  // Several headers of the name are one with commas, which no token has.
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(header)?.[1];
  if (token === undefined || token.length > MAX_TOKEN_CHARACTERS) throw new UnauthenticatedError('invalid');
  return token;
}

/** Where the issuer's keys come from. */
function tokenKeysOf({
  settings: { problems },
  config,
  namespaces,
  onKeysUnavailable,
  now = Date.now,
}: AuthenticationOptions): TokenKeys | undefined {
  const values: Partial<GatewayConfig> = config;
  const { jwtIssuer, jwtAudience, jwtJwksUrl, jwtKey, jwtAlgorithms, jwtCustomerClaims } = values;
  const wanting = Object.entries({ JWT_ISSUER: jwtIssuer, JWT_AUDIENCE: jwtAudience });
  for (const [variable, value] of wanting)
    if (value === undefined)
      problems.push(`${variable} is missing: tokens are only taken from one issuer, for one audience.`);
  for (const { namespace } of jwtCustomerClaims ?? [])
    if (!namespaces.has(namespace))
      problems.push(
        `JWT_CUSTOMER_CLAIMS names "${namespace}", which no plugged-in source finds customers by.`,
      );
  if ((jwtJwksUrl === undefined) === (jwtKey === undefined)) {
    if (!problems.some((problem) => problem.startsWith('JWT_JWKS_URL ')))
      problems.push(
        jwtKey === undefined
          ? 'JWT_JWKS_URL is missing, and JWT_KEY too: set one, or no token can be checked.'
          : 'JWT_JWKS_URL and JWT_KEY are both there: take one away.',
      );
    return undefined;
  }
  if (jwtAlgorithms === undefined) return undefined;
  if (jwtKey !== undefined) return readTokenKey(jwtKey, jwtAlgorithms, problems);
  if (jwtAlgorithms.some((algorithm) => algorithm.startsWith('HS')))
    problems.push('JWT_ALGORITHMS names HS256, HS384 or HS512: these need JWT_KEY, not JWT_JWKS_URL.');
  return createRemoteKeys({ url: jwtJwksUrl ?? '', now, onFailure: onKeysUnavailable });
}

function tokensOf(keys: TokenKeys, { config, identify, now = Date.now }: AuthenticationOptions): Tokens {
  return createTokens({
    keys,
    issuer: config.jwtIssuer ?? '',
    audience: config.jwtAudience ?? '',
    algorithms: config.jwtAlgorithms,
    clockSkewS: config.jwtClockSkewS,
    rolesClaim: config.jwtRolesClaim,
    customerClaims: config.jwtCustomerClaims,
    origins: config.corsOrigins,
    identify,
    secret: config.idSecret,
    now,
  });
}
