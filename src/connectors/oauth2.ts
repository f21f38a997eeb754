import { z } from 'zod';
import type { Setting } from '../settings.js';
import { SourceAuthenticationError, SourceTimeoutError } from '../errors.js';
import type { Auth, Session } from './auth.js';
import type { CallScope } from './connector.js';
import { check, openHttp } from './http.js';

export interface OAuth2Options {
  /** The address that issues access tokens; `tokenPath` is appended to it. */
  tokenUrl: Setting<string>;
  tokenPath?: string;
  clientId: Setting<string>;
  clientSecret: Setting<string>;
  /** If it is set, tokens are requested with it; otherwise with the client's credentials. */
  refreshToken?: Setting<string | undefined>;
  /** The requested scope, for systems that need one. */
  scope?: string;
}

/**
 * Minimum time between token requests after a refusal. Repeated requests with wrong secrets could lock the client
 * out.
 */
const MIN_RETRY_AFTER_REFUSAL_MS = 10_000;
/** A token is renewed this long before it expires, so that it does not expire on its way to the system. */
const RENEWAL_MARGIN_MS = 10_000;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Lifetime in seconds. Some systems omit it, and report an expired token only when a call fails. */
  expires_in: z.coerce.number().positive().nullish(),
  /** Some systems issue a new refresh token with each access token. */
  refresh_token: z.string().min(1).nullish(),
});

interface Token {
  headers: Record<string, string>;
  gotAt: number;
  /** Milliseconds on the clock of `performance.now`. */
  expiresAt: number;
  /** Whether the system has accepted it. A token that is refused after that has expired. */
  hasWorked: boolean;
}

/**
 * OAuth 2 (RFC 6749) without a person: with client credentials (4.4), or with a refresh token (6) that a person once
 * obtained.
 */
export function oauth2(options: OAuth2Options): Auth {
  const { tokenUrl, clientId, clientSecret, refreshToken } = options;
  return {
    settings: () => [tokenUrl, clientId, clientSecret, ...(refreshToken === undefined ? [] : [refreshToken])],
    headers: () => ({}),
    session: (settings, connectorOptions, trust): Session => {
      const { source, timeoutMs } = connectorOptions;
      const http = openHttp(settings.read(tokenUrl) ?? '', {}, connectorOptions, {
        trust,
        // The rejected credentials are settings of the gateway.
        readErrorKind: (status) =>
          status >= 400 && status < 500 && status !== 408 && status !== 429 ? 'unauthenticated' : undefined,
      });
      return createSession(
        source,
        (exchanged) =>
          http
            .send(
              tokenScope(source, timeoutMs),
              {
                method: 'POST',
                path: options.tokenPath ?? '',
                headers: { 'content-type': 'application/x-www-form-urlencoded' },
                body: new URLSearchParams({
                  ...grantOf(exchanged ?? (refreshToken && settings.read(refreshToken))),
                  client_id: settings.read(clientId) ?? '',
                  client_secret: settings.read(clientSecret) ?? '',
                  ...(options.scope === undefined ? {} : { scope: options.scope }),
                }).toString(),
              },
              ({ body }) => check(tokenAnswer, body, source),
            )
            .catch((error: unknown) => {
              throw error instanceof SourceAuthenticationError ? refusal(source, error) : error;
            }),
        () => http.close(),
      );
    },
  };
}

/** The error of a refused token. Its remedy differs from that of a refused call. */
function refusal(source: string, cause?: SourceAuthenticationError): SourceAuthenticationError {
  const error = new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, {
    cause,
    kind: 'token-refused',
    ...(cause === undefined ? {} : { received: cause.received }),
  });
  if (cause !== undefined) error.addRequest(cause.requested);
  return error;
}

function grantOf(refreshToken: string | undefined): Record<string, string> {
  return refreshToken === undefined
    ? { grant_type: 'client_credentials' }
    : { grant_type: 'refresh_token', refresh_token: refreshToken };
}

/**
 * All calls share a token. So the request for it does not belong to the first batch that needs it, and is not
 * cancelled with it.
 */
function tokenScope(source: string, timeoutMs: number): CallScope {
  return {
    run: async (call) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return call(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        throw new SourceTimeoutError(source, `${source} returned no access token within ${timeoutMs} ms.`);
      });
    },
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  };
}

function createSession(
  source: string,
  getToken: (refreshToken: string | undefined) => Promise<z.infer<typeof tokenAnswer>>,
  close: () => Promise<void>,
): Session {
  let token: Token | undefined;
  let waiting: Promise<Token> | undefined;
  let refreshToken: string | undefined;
  let refusedAt = -Infinity;
  let refused: SourceAuthenticationError | undefined;

  const get = async (): Promise<Token> => {
    if (performance.now() - refusedAt < MIN_RETRY_AFTER_REFUSAL_MS) throw refusal(source, refused);
    try {
      const answer = await getToken(refreshToken);
      refreshToken = answer.refresh_token ?? refreshToken;
      const gotAt = performance.now();
      const lifeMs = (answer.expires_in ?? Infinity) * 1000;
      token = {
        headers: { authorization: `Bearer ${answer.access_token}` },
        gotAt,
        expiresAt: gotAt + Math.max(lifeMs - RENEWAL_MARGIN_MS, lifeMs / 2),
        hasWorked: false,
      };
      return token;
    } catch (error) {
      if (error instanceof SourceAuthenticationError) {
        refusedAt = performance.now();
        refused = error;
      }
      throw error;
    }
  };
  const wait = (): Promise<Token> =>
    (waiting ??= get().finally(() => {
      waiting = undefined;
    }));

  return {
    headers: async () => {
      if (token !== undefined && performance.now() < token.expiresAt) return token.headers;
      const hasJoined = waiting !== undefined;
      try {
        return (await wait()).headers;
      } catch (error) {
        // A call that joined a request in progress had less than the full timeout, so it gets another attempt.
        if (hasJoined && error instanceof SourceTimeoutError) return (await wait()).headers;
        throw error;
      }
    },
    accepted: (headers) => {
      if (token?.headers === headers) token.hasWorked = true;
    },
    refused: (headers) => {
      // Another call has renewed the token, or is renewing it.
      if (token?.headers !== headers) return true;
      const hasExpired = token.hasWorked;
      if (hasExpired || performance.now() - token.gotAt >= MIN_RETRY_AFTER_REFUSAL_MS) token = undefined;
      return hasExpired;
    },
    close,
  };
}
