import {
  createRateWindow,
  headerValue,
  serveHttp,
  type HttpAnswer,
  type HttpCall,
  type RateState,
} from '../../stand-ins/http.js';
import { organisationOnX } from '../../stand-ins/seed-x.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { problem } from './answers.js';
import { createRoutes } from './routes.js';
import { createEmitter, webhookSecret } from './webhook.js';

/**
 * The X API v2, after its published OpenAPI file (2.167). test/contracts/x.contract.ts compares them.
 * It imitates these peculiarities of the real system:
 * - a batch with unknown usernames is a 200 with both `data` and `errors`; with none known there is no `data`;
 * - users are not in the order of the request, and their usernames have the capitals that they chose;
 * - without `user.fields` and `post.fields`, an answer has little more than an id; `author_id` needs its expansion;
 * - a last page has no `next_token`, and a search without results no `data`;
 * - each path has its own window of 15 minutes, whose end is in Unix time;
 * - posts older than seven days are not found.
 *
 * Some parts are not in the contract, but in the vendor's pages and clients: the bodies of 401 and 429, and `tweet.fields` as the
 * older name of `post.fields`. Not imitated, and answered with 501: queries of another form than
 * `(from:a OR from:b) @c -is:retweet`, and all other paths.
 */
export interface XOptions {
  /** Calls of each path in 15 minutes. X allows an app 300 and 450. Default: ten million. */
  requestsPerWindow?: number;
  /** The clock, in milliseconds since 1970. Default: the system's. */
  now?: () => number;
}

const bearerToken = 'x-stand-in-bearer-token';
const windowMs = 15 * 60_000;
const noLimit = 10_000_000;

export async function startX(
  world: World,
  { requestsPerWindow = noLimit, now = Date.now }: XOptions = {},
): Promise<StandIn> {
  const windowOf = () => createRateWindow({ limit: requestsPerWindow, windowMs, now });
  const windows = new Map([
    ['/2/users/by', windowOf()],
    ['/2/tweets/search/recent', windowOf()],
  ]);
  const service = await serveHttp(() => {
    const route = createRoutes(world);
    return (call) => {
      const answer = refused(call);
      if (answer !== undefined) return answer;
      const rate = windows.get(call.path)?.take();
      return {
        ...(rate?.exceeded === true ? tooMany() : route(call)),
        headers: { 'content-type': 'application/json; charset=utf-8', ...(rate && headersOf(rate, now())) },
      };
    };
  });
  return {
    name: 'x',
    url: service.url,
    settings: (url) => ({
      X_URL: url,
      X_BEARER_TOKEN: bearerToken,
      X_ORGANISATION: organisationOnX,
      X_WEBHOOK_SECRETS: webhookSecret,
    }),
    emitter: createEmitter(world, now),
    close: service.close,
  };
}

function refused(call: HttpCall): HttpAnswer | undefined {
  const [, token] = /^bearer (.+)$/i.exec(headerValue(call.headers, 'authorization') ?? '') ?? [];
  return token === bearerToken ? undefined : problem(401, 'Unauthorized', 'about:blank', 'Unauthorized');
}

function tooMany(): HttpAnswer {
  return { status: 429, body: JSON.stringify({ errors: [{ code: 88, message: 'Rate limit exceeded' }] }) };
}

function headersOf({ limit, remaining, resetMs }: RateState, now: number): Record<string, string> {
  return {
    'x-rate-limit-limit': String(limit),
    'x-rate-limit-remaining': String(remaining),
    'x-rate-limit-reset': String(Math.ceil((now + resetMs) / 1000)),
  };
}
