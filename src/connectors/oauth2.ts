import { z } from 'zod';
import type { Setting } from '../settings.js';
import { SourceAuthenticationError, SourceTimeoutError } from '../errors.js';
import type { Auth, Session } from './auth.js';
import type { CallScope } from './connector.js';
import { check, openHttp } from './http.js';

export interface OAuth2Options {
  /** The address that gives out access tokens, or what `tokenPath` is put behind. */
  tokenUrl: Setting<string>;
  tokenPath?: string;
  clientId: Setting<string>;
  clientSecret: Setting<string>;
  /** When it is set, access is got with it; else with the client's own credentials. */
  refreshToken?: Setting<string | undefined>;
  /** What access is asked for, where the system wants to be told. */
  scope?: string;
}

/** A token that never let a call in is not asked for again sooner: who keeps asking with wrong secrets is locked out. */
const REFUSED_FOR_MS = 10_000;
/** A token is renewed so long before it expires, so that it does not on its way to the system. */
const MARGIN_MS = 10_000;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  /** Seconds. Some systems do not tell, and say of a call that its token has expired. */
  expires_in: z.coerce.number().positive().nullish(),
  /** Some systems give a new one with each access token. */
  refresh_token: z.string().min(1).nullish(),
});

interface Token {
  headers: Record<string, string>;
  gotAt: number;
  /** In milliseconds of `performance.now`, as all clocks here. */
  expiresAt: number;
  /** It has let a call in. Turned away after that, it has expired. */
  hasWorked: boolean;
}

/** OAuth 2 (RFC 6749) without a person: by client credentials (4.4), or by a refresh token (6) that a person once got. */
export function oauth2(options: OAuth2Options): Auth {
  const { tokenUrl, clientId, clientSecret, refreshToken } = options;
  return {
    settings: () => [tokenUrl, clientId, clientSecret, ...(refreshToken === undefined ? [] : [refreshToken])],
    headers: () => ({}),
    session: (settings, connectorOptions, trust): Session => {
      const { source, timeoutMs } = connectorOptions;
      const http = openHttp(settings.read(tokenUrl) ?? '', {}, connectorOptions, {
        trust,
        // What it rejects in the request stands in the settings.
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

/** The refusal of a token, which needs another remedy than that of a call. */
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

/** A token is everybody's, so getting it is not a call of the batch that needed it first, nor cancelled with that. */
function tokenScope(source: string, timeoutMs: number): CallScope {
  return {
    run: async (call) => {
      const signal = AbortSignal.timeout(timeoutMs);
      return call(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        throw new SourceTimeoutError(source, `${source} gave no access token in ${timeoutMs} ms.`);
      });
    },
    slowDown: () => undefined,
    holds: () => undefined,
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
    if (performance.now() - refusedAt < REFUSED_FOR_MS) throw refusal(source, refused);
    try {
      const answer = await getToken(refreshToken);
      refreshToken = answer.refresh_token ?? refreshToken;
      const gotAt = performance.now();
      const lifeMs = (answer.expires_in ?? Infinity) * 1000;
      token = {
        headers: { authorization: `Bearer ${answer.access_token}` },
        gotAt,
        expiresAt: gotAt + Math.max(lifeMs - MARGIN_MS, lifeMs / 2),
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
      const isLate = waiting !== undefined;
      try {
        return (await wait()).headers;
      } catch (error) {
        // Who came while it was being got has had less time than that, and so has another try.
        if (isLate && error instanceof SourceTimeoutError) return (await wait()).headers;
        throw error;
      }
    },
    accepted: (headers) => {
      if (token?.headers === headers) token.hasWorked = true;
    },
    refused: (headers) => {
      // Another call has renewed it already, or is at it.
      if (token?.headers !== headers) return true;
      const hasExpired = token.hasWorked;
      if (hasExpired || performance.now() - token.gotAt >= REFUSED_FOR_MS) token = undefined;
      return hasExpired;
    },
    close,
  };
}
