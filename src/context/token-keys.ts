import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { AuthenticationUnavailableError } from '../errors.js';

/** The keys that verify tokens. */
export interface TokenKeys {
  /** Throws an AuthenticationUnavailableError if the keys cannot be fetched, and jose's errors if no key matches. */
  get: JWTVerifyGetKey;
  close(): Promise<void>;
}

const jwk = z
  .looseObject({ kty: z.string() })
  // A private key must not be in a setting of the verifier.
  .refine((key) => key['d'] === undefined && key['priv'] === undefined);
const jwkSet = z.object({ keys: z.array(jwk.refine(({ kty }) => kty !== 'oct')).min(1) });

/** Reads JWT_KEY. If it is invalid, adds a problem and returns undefined. */
export function readTokenKey(
  text: string,
  algorithms: readonly string[],
  problems: string[],
): TokenKeys | undefined {
  try {
    const get = keyIn(text, algorithms);
    if (get !== undefined) return { get, close: () => Promise.resolve() };
  } catch {
    // The library's error message may contain the key, so it is not used.
  }
  problems.push(
    'JWT_KEY is invalid: it must be a public key for JWT_ALGORITHMS, as PEM (-----BEGIN PUBLIC KEY-----), JWK or JWK set. An RSA key needs 2048 bits or more. If JWT_ALGORITHMS has only HS256, HS384 or HS512, it must be an "oct" JWK at least as long as the hash.',
  );
  return undefined;
}

function keyIn(text: string, algorithms: readonly string[]): JWTVerifyGetKey | undefined {
  const secret = algorithms.every(isSymmetric);
  // If a public key were accepted as an HS256 secret, any client that knows it could sign tokens.
  if (!secret && algorithms.some(isSymmetric)) return undefined;
  if (text.includes('-----BEGIN')) {
    if (secret || !text.trim().startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
    return keyIfSupported(createPublicKey(text), algorithms);
  }
  const parsed: unknown = JSON.parse(text);
  const set = jwkSet.safeParse(parsed).data;
  if (set !== undefined) return secret ? undefined : createLocalJWKSet(set);
  const key = jwk.parse(parsed);
  if (!secret) return keyIfSupported(createPublicKey({ key, format: 'jwk' }), algorithms);
  const bytes = Buffer.from(key.kty === 'oct' && typeof key['k'] === 'string' ? key['k'] : '', 'base64url');
  const needed = Math.max(...algorithms.map((algorithm) => Number(algorithm.slice(2)) / 8));
  if (bytes.length < needed) return undefined;
  const secretKey = createSecretKey(bytes);
  return () => secretKey;
}

function isSymmetric(algorithm: string): boolean {
  return algorithm.startsWith('HS');
}

/** The key, if it supports one of the algorithms. */
function keyIfSupported(key: KeyObject, algorithms: readonly string[]): JWTVerifyGetKey | undefined {
  return algorithms.some((algorithm) => supports(key, algorithm)) ? () => key : undefined;
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

function supports(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  algorithm: string,
): boolean {
  if (type === 'rsa') return /^[RP]S/.test(algorithm) && (details?.modulusLength ?? 0) >= 2048;
  if (type === 'ec') return CURVES[algorithm] === details?.namedCurve;
  return type === 'ed25519' && /^Ed/.test(algorithm);
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 512 * 1024;
/** Seconds after a failure in which the issuer is not called, and requests fail at once. */
const PAUSE_S = 5;

export interface RemoteKeysOptions {
  url: string;
  /** Milliseconds since 1970. */
  now: () => number;
  onFailure: (error: unknown) => void;
}

/** The keys that the issuer publishes at a fixed address. Key locations in the token itself are ignored. */
export function createRemoteKeys({ url, now, onFailure }: RemoteKeysOptions): TokenKeys {
  const agent = new Agent({ maxResponseSize: MAX_BYTES, connect: { timeout: TIMEOUT_MS } });
  let pausedUntil = -Infinity;
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: async (address, { headers, signal }) => {
      // jose has a cooldown after a success, but none after a failure.
      if (now() < pausedUntil) throw new Error('The issuer failed and is not called until the pause ends.');
      // Unlike `fetch`, this follows no redirects and does not decompress.
      const answer = await request(address, {
        headers: Object.fromEntries(headers),
        signal,
        dispatcher: agent,
      });
      const body = await answer.body.arrayBuffer();
      if (answer.statusCode !== 200) throw new Error(`The issuer answered ${answer.statusCode}.`);
      return new Response(body);
    },
  });
  return {
    get: async (header, token) => {
      try {
        return await keys(header, token);
      } catch (error) {
        if (isAboutToken(error)) throw error;
        if (now() >= pausedUntil) {
          pausedUntil = now() + PAUSE_S * 1000;
          onFailure(error);
        }
        throw new AuthenticationUnavailableError(PAUSE_S, { cause: error });
      }
    },
    close: () => agent.close(),
  };
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
