import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { readGatewayConfig } from '../../src/config.js';
import { createAuthentication, type Authentication } from '../../src/context/authenticate.js';
import type { Caller } from '../../src/context/caller.js';
import { readRoles, scopesOf } from '../../src/context/role-settings.js';
import { commonNamespaces, idNamespace, readIdentifier } from '../../src/identity/identifiers.js';
import { SettingsReader, type Environment } from '../../src/settings.js';

export const ISSUER = 'https://id.example.nl/';
export const AUDIENCE = 'customer-view';
/** The current time in the tests of authentication, in seconds since 1970. */
export const NOW_S = 1_800_000_000;

/** An entry of API_KEYS, and the key of its caller. */
export function createApiKey(name: string, role: string, more: Record<string, unknown> = {}) {
  const key = `key-of-${name}`;
  return { key, entry: { name, roles: [role], sha256: [digestOf(key)], ...more } };
}

export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** A key pair of the token issuer, or of an attacker. */
export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** The public key, as the issuer publishes it. */
  jwk: Record<string, unknown>;
  pem: string;
}

export function createSigningKey(kid: string, alg: 'EdDSA' | 'ES256' | 'RS256' = 'EdDSA'): SigningKey {
  const pair =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, alg, ...pair, jwk, pem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** The claims of a valid token, with the given changes. */
export function validClaims(more: JWTPayload = {}): JWTPayload {
  return { iss: ISSUER, aud: AUDIENCE, iat: NOW_S - 10, exp: NOW_S + 300, roles: ['operator'], ...more };
}

export function signToken(
  { privateKey, kid, alg }: SigningKey,
  payload: JWTPayload = validClaims(),
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
}

/** A signed token with exactly this header and payload. The algorithm is EdDSA or ES256. */
export function rawToken({ privateKey, alg }: SigningKey, header: string, payload: string): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), key);
  return `${text}.${signature.toString('base64url')}`;
}

export function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

export interface TestAuthentication extends Authentication {
  /** The problems of the settings. */
  problems: readonly string[];
  /** Resolves to the caller with this key or token. */
  callerOf(signToken: string): Promise<Caller>;
  /** The reported errors about keys that cannot be fetched. */
  keyErrors: unknown[];
}

/** Authentication as in the gateway. Customers have e-mail addresses, phone numbers and customer numbers. */
export function createTestAuthentication(
  environment: Environment,
  now: () => number = () => NOW_S * 1000,
): TestAuthentication {
  const settings = new SettingsReader({ ID_SECRET: 'a secret of the tests', ...environment });
  const namespaces = new Map(
    [...commonNamespaces('NL'), idNamespace('customerNumber', 'A number', /^[1-9]\d{0,8}$/)].map(
      (namespace) => [namespace.name, namespace] as const,
    ),
  );
  const keyErrors: unknown[] = [];
  const config = readGatewayConfig(settings);
  const authentication = createAuthentication({
    settings,
    config,
    roles: readRoles(config.roles, { all: [], pluggedIn: [] }, settings),
    scopes: scopesOf([]),
    namespaces: new Set(namespaces.keys()),
    identify: (name, value) => readIdentifier(namespaces.get(name), value),
    onKeysUnavailable: (error) => keyErrors.push(error),
    now,
  });
  return {
    ...authentication,
    problems: settings.problems,
    keyErrors: keyErrors,
    // A synchronous error becomes a rejection.
    callerOf: async (input) => authentication.caller(new Headers({ authorization: `Bearer ${input}` })),
  };
}

/** The settings for tokens of these keys. */
export function tokenSettings(...keys: readonly SigningKey[]): Record<string, string> {
  return {
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_KEY: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }),
    JWT_CUSTOMER_CLAIMS: 'customer_number=customerNumber,email=email',
  };
}

export interface KeyServer {
  url: string;
  /** The number of requests. */
  requestCount(): number;
  /** Responds with these keys from now on. */
  publish(...keys: readonly SigningKey[]): void;
  /** Responds by the given function from now on. */
  answer(how: (response: ServerResponse) => void): void;
  close(): Promise<void>;
}

/** Starts a server on which an issuer publishes its keys. */
export async function startKeyServer(...keys: readonly SigningKey[]): Promise<KeyServer> {
  const publishing =
    (keys: readonly SigningKey[]) =>
    (response: ServerResponse): void => {
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
    };
  let requestCount = 0;
  let answer = publishing(keys);
  const server = createServer((_, response) => {
    requestCount += 1;
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    requestCount: () => requestCount,
    publish: (...keys) => {
      answer = publishing(keys);
    },
    answer: (how) => {
      answer = how;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
