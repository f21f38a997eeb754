import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { AuthenticationUnavailableError, UnauthenticatedError } from '../errors.js';
import type { Caller } from './caller.js';
import { callerOfToken, type TokenCallerOptions } from './token-caller.js';
import type { TokenKeys } from './token-keys.js';

/** Number of verified tokens in the cache. */
const MAX_CACHED_TOKENS = 10_000;
/** Milliseconds that a verified token stays cached. After its key is withdrawn, a token is accepted that much longer. */
const MAX_CACHED_MS = 60_000;

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
  /** The caller of a token; a promise only if the token is not cached. Throws or rejects if the token is invalid. */
  caller(token: string): Caller | Promise<Caller>;
}

export function createTokens(options: TokensOptions): Tokens {
  const { keys, issuer, audience, algorithms, clockSkewS, now } = options;
  const cached = new LRUCache<string, { caller: Caller; until: number }>({ max: MAX_CACHED_TOKENS });
  return {
    caller: (token) => {
      // The key is a hash, so that a memory dump contains no usable token.
      const key = hash('sha256', token, 'base64url');
      const known = cached.get(key);
      if (known !== undefined && now() < known.until) return known.caller;
      return verify(token).then(({ caller, expiresAt }) => {
        cached.set(key, { caller, until: Math.min(now() + MAX_CACHED_MS, expiresAt) });
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
    // jose checks `iat` only if a maximum token age is set, so tokens from the future are refused here.
    if ((claims.iat ?? 0) > at / 1000 + clockSkewS) throw new UnauthenticatedError('invalid');
    const expiresAt = ((claims.exp ?? 0) + clockSkewS) * 1000;
    return { caller: callerOfToken(claims, options), expiresAt };
  }
}
