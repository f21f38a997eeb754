import { timingSafeEqual } from 'node:crypto';
import type { GatewayConfig } from '../config.js';
import type { SettingsReader } from '../settings.js';
import { UnauthenticatedError } from '../errors.js';
import type { Identifier } from '../identity/identifiers.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import { readApiKeys } from './api-keys.js';
import type { Caller } from './caller.js';
import { PURPOSES } from './purpose.js';
import type { Roles } from './roles.js';
import { createRemoteKeys, readTokenKey, type TokenKeys } from './token-keys.js';
import { createTokens, type Tokens } from './tokens.js';

/** A longer token is refused before it is read. */
const MAX_TOKEN_CHARACTERS = 8 * 1024;

export interface AuthenticationOptions {
  settings: SettingsReader;
  config: GatewayConfig;
  roles: Roles;
  /** All scopes: those of the gateway and those of its sources. */
  scopes: readonly string[];
  /** The namespaces by which customers can be found. */
  namespaces: ReadonlySet<string>;
  /** Returns the identifier, or the reason why the value does not identify a person. */
  identify: (namespace: string, value: string) => Identifier | { refusal: string };
  /** Called when the keys of the token issuer cannot be fetched. */
  onKeysUnavailable: (error: unknown) => void;
  /** Milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
}

export interface Authentication {
  /**
   * The caller of a request; a promise only for a token that is not cached. Throws, or rejects with, an
   * UnauthenticatedError (status 401), a ForbiddenError (403) or an AuthenticationUnavailableError (503). A valid key is
   * cached for its open connection.
   */
  caller(headers: Pick<Headers, 'get'>, connection?: object): Caller | Promise<Caller>;
  /**
   * The caller as the settings define it now: that of the key with its name. The permissions of a token are in the token, so its
   * caller is unchanged. Undefined if it can no longer authenticate.
   */
  current(caller: Caller): Caller | undefined;
  /** All allowed web origins. A browser's preflight request names no caller, so it is checked against all of them. */
  origins: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Reads the settings of callers. Adds problems to the reader; the result is usable only if there are none. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { settings, config, roles, scopes } = options;
  const { problems } = settings;
  const { auth, apiKeys, jwtIssuer, jwtAudience, jwtJwksUrl, jwtKey }: Partial<GatewayConfig> = config;
  const setVariables = Object.entries({
    API_KEYS: apiKeys,
    JWT_ISSUER: jwtIssuer,
    JWT_AUDIENCE: jwtAudience,
    JWT_JWKS_URL: jwtJwksUrl,
    JWT_KEY: jwtKey,
  }).flatMap(([variable, value]) => (value === undefined ? [] : [variable]));
  if (auth === 'off') {
    if (setVariables.length > 0)
      problems.push(`AUTH is off, but ${setVariables.join(', ')} is set: remove one or the other.`);
    return allowEveryClient(config, scopes);
  }
  if (setVariables.length === 0 && problems.every((problem) => !/^(AUTH|API_KEYS|JWT_\w+) /.test(problem)))
    problems.push(
      'AUTH is on, but no caller can authenticate. Set API_KEYS; or JWT_ISSUER, JWT_AUDIENCE, and JWT_JWKS_URL or JWT_KEY; or AUTH=off, which lets every client that reaches the gateway request everything.',
    );
  const keys = apiKeys === undefined ? undefined : readApiKeys(apiKeys, roles, problems);
  const tokenKeys = setVariables.some((variable) => variable !== 'API_KEYS')
    ? tokenKeysOf(options)
    : undefined;
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
    current: (caller) => {
      if (caller.subject !== undefined) return tokens === undefined ? undefined : caller;
      return keys?.callers.find(({ name }) => name === caller.name);
    },
    origins: new Set([...config.corsOrigins, ...(keys?.callers ?? []).flatMap(({ origins }) => origins)]),
    close: async () => tokenKeys?.close(),
  };
}

/** With `AUTH=off` there is one caller for all requests. Only the limits that protect the gateway itself apply. */
function allowEveryClient(
  { priority, corsOrigins }: GatewayConfig,
  scopes: readonly string[],
): Authentication {
  const caller: Caller = {
    name: 'anonymous',
    roles: [],
    scopes: new Set(scopes.filter((scope) => scope !== 'me:read' && scope !== 'admin:forget')),
    purposes: PURPOSES,
    priority,
    maxCost: 10_000_000,
    costPerMinute: 1_000_000_000_000,
    origins: corsOrigins,
    operations: 'any',
    sees: 'clear',
    findsBy: 'all',
  };
  return {
    caller: () => caller,
    current: () => caller,
    origins: new Set(corsOrigins),
    close: () => Promise.resolve(),
  };
}

/** Compares in constant time: a proxy may send requests of several callers on one connection. */
function isSame(a: string, b: string): boolean {
  // Not cached: a small buffer retains the 8 KiB pool of Node.js that contains it.
  const [bytes, others] = [Buffer.from(a), Buffer.from(b)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

/** Reads `Authorization: Bearer <token>` (RFC 6750, 2.1). Another scheme counts as a missing token. */
function bearerOf(header: string): string {
  if (!/^Bearer( |$)/i.test(header)) throw new UnauthenticatedError('missing');
  // Several Authorization headers are joined by commas, which no token contains.
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(header)?.[1];
  if (token === undefined || token.length > MAX_TOKEN_CHARACTERS) throw new UnauthenticatedError('invalid');
  return token;
}

/** The keys of the token issuer, from JWT_KEY or JWT_JWKS_URL. Undefined if the settings are wrong. */
function tokenKeysOf({
  settings: { problems },
  config,
  namespaces,
  onKeysUnavailable,
  now = Date.now,
}: AuthenticationOptions): TokenKeys | undefined {
  const values: Partial<GatewayConfig> = config;
  const { jwtIssuer, jwtAudience, jwtJwksUrl, jwtKey, jwtAlgorithms, jwtCustomerClaims } = values;
  const required = Object.entries({ JWT_ISSUER: jwtIssuer, JWT_AUDIENCE: jwtAudience });
  for (const [variable, value] of required)
    if (value === undefined)
      problems.push(`${variable} is missing: tokens are accepted only from one issuer, for one audience.`);
  for (const { namespace } of jwtCustomerClaims ?? [])
    if (!namespaces.has(namespace))
      problems.push(
        `JWT_CUSTOMER_CLAIMS names "${namespace}", which no plugged-in source finds customers by.`,
      );
  if ((jwtJwksUrl === undefined) === (jwtKey === undefined)) {
    if (!problems.some((problem) => problem.startsWith('JWT_JWKS_URL ')))
      problems.push(
        jwtKey === undefined
          ? 'JWT_JWKS_URL and JWT_KEY are both missing: set one, or no token can be verified.'
          : 'JWT_JWKS_URL and JWT_KEY are both set: remove one.',
      );
    return undefined;
  }
  if (jwtAlgorithms === undefined) return undefined;
  if (jwtKey !== undefined) return readTokenKey(jwtKey, jwtAlgorithms, problems);
  if (jwtAlgorithms.some((algorithm) => algorithm.startsWith('HS')))
    problems.push('JWT_ALGORITHMS names HS256, HS384 or HS512: these need JWT_KEY, not JWT_JWKS_URL.');
  return createRemoteKeys({ url: jwtJwksUrl ?? '', now, onFailure: onKeysUnavailable });
}

function tokensOf(
  keys: TokenKeys,
  { config, roles, identify, now = Date.now }: AuthenticationOptions,
): Tokens {
  return createTokens({
    keys,
    issuer: config.jwtIssuer ?? '',
    audience: config.jwtAudience ?? '',
    algorithms: config.jwtAlgorithms,
    clockSkewS: config.jwtClockSkewS,
    rolesClaim: config.jwtRolesClaim,
    roles,
    customerClaims: config.jwtCustomerClaims,
    origins: config.corsOrigins,
    identify,
    secret: config.idSecret,
    now,
  });
}
