import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { AuthenticationUnavailableError, UnauthenticatedError } from '../errors.js';
import type { Caller } from './caller.js';
import { callerOfToken, type TokenCallerOptions } from './token-caller.js';
import type { TokenKeys } from './token-keys.js';

/** So many tokens are remembered, each for so long: a key that is withdrawn may serve that much longer. */
const KEPT_TOKENS = 10_000;
const KEPT_MS = 60_000;

export interface TokensOptions extends TokenCallerOptions {
  keys: TokenKeys;
  audience: string;
  algorithms: readonly string[];
  clockSkewS: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** The callers that have tokens of the issuer (JWT). */
export interface Tokens {
  /** Who sent a token: at once when it was seen lately. What is wrong with it is thrown, or what the promise fails with. */
  caller(token: string): Caller | Promise<Caller>;
}

export function createTokens(options: TokensOptions): Tokens {
  const { keys, issuer, audience, algorithms, clockSkewS, now } = options;
  const kept = new LRUCache<string, { caller: Caller; until: number }>({ max: KEPT_TOKENS });
  return {
    caller: (token) => {
      // Not the token itself, with which whoever reads our memory could ask.
      const key = hash('sha256', token, 'base64url');
      const known = kept.get(key);
      if (known !== undefined && now() < known.until) return known.caller;
      return verify(token).then(({ caller, expiresAt }) => {
        kept.set(key, { caller, until: Math.min(now() + KEPT_MS, expiresAt) });
        return caller;
      });
    },
  };

  async function verify(token: string): Promise<{ caller: Caller; expiresAt: number }> {
    const at = now();
    const claims = await jwtVerify(token, keys.get, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: clockSkewS,
      currentDate: new Date(at),
      requiredClaims: ['exp'],
    }).then(
      ({ payload }) => payload,
      (error: unknown) => {
        if (error instanceof AuthenticationUnavailableError) throw error;
        throw new UnauthenticatedError(error instanceof errors.JWTExpired ? 'expired' : 'invalid', {
          cause: error,
        });
      },
    );
    // Tokens from the future are left to us: jose looks at `iat` only where tokens have a greatest age.
    if ((claims.iat ?? 0) > at / 1000 + clockSkewS) throw new UnauthenticatedError('invalid');
    const expiresAt = ((claims.exp ?? 0) + clockSkewS) * 1000;
    return { caller: callerOfToken(claims, options), expiresAt };
  }
}
