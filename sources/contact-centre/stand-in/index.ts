import {
  createRateWindow,
  headerValue,
  serveHttp,
  type HttpAnswer,
  type HttpCall,
  type RateState,
  type RateWindow,
} from '../../stand-ins/http.js';
import type { Emitter } from '../../stand-ins/emit.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { failure, ok } from './answers.js';
import { createDirectory } from './directory.js';
import { createRoutes } from './routes.js';
import { createEmitter, webhookSecret } from './webhook.js';

/**
 * Zendesk Support, imitated after its published OpenAPI file (Support API 2.0.0) and recorded exchanges.
 * test/contracts/contact-centre.contract.ts compares it with both.
 *
 * Imitated peculiarities of the real system:
 * - a user search also finds near misses (an address that begins with the requested one, or has a "+tag"), ordered by
 *   id and not by relevance: the caller must compare the address itself;
 * - a "+" in a query is a blank unless written %2B, so a phone number with a plain "+" finds no user;
 * - a page with rows has `links.next` even when it is the last: only `meta.has_more` shows the end (recorded);
 * - show_many leaves out unknown ids, and its answer is ordered by id, not as in the request;
 * - /users/me answers a wrong token with 200 and "Anonymous user" (recorded); everything else refuses it with 401;
 * - without `Accept: application/json` the answer is always 415.
 *
 * Not in the contract, but as clients describe it: the bodies of 400 for too many ids and of 429. The bodies of 415 and 422
 * are ours; only that there is a failure is known.
 * Not imitated: sideloads (`include`), exports of anything but tickets, search properties beside those in `search.ts`,
 * organisations except by `show_many`.
 */
export interface ContactCentreOptions {
  /** Calls a minute, all together. Zendesk allows 700 on the recorded plan. Default: ten million. */
  requestsPerMinute?: number;
  /** Of these, search exports. Zendesk allows 100. Default: ten million. */
  exportsPerMinute?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const agentEmail = 'integration@klantcontact.example';
const apiToken = 'contact-centre-api-token';

/** An OAuth access token, accepted beside the e-mail address with its API token. */
export const contactCentreBearerToken = 'contact-centre-oauth-token';

const credentials = new Map([
  ['basic', Buffer.from(`${agentEmail}/token:${apiToken}`).toString('base64')],
  ['bearer', contactCentreBearerToken],
]);

const noLimit = 10_000_000;

export async function startContactCentre(
  world: World,
  { requestsPerMinute = noLimit, exportsPerMinute = noLimit, now = Date.now }: ContactCentreOptions = {},
): Promise<StandIn> {
  const requests = createRateWindow({ limit: requestsPerMinute, windowMs: 60_000, now });
  const exports = createRateWindow({ limit: exportsPerMinute, windowMs: 60_000, now });

  let emitter: Emitter = {};
  const service = await serveHttp((url) => {
    const directory = createDirectory(world, url);
    emitter = createEmitter(directory, now);
    const route = createRoutes({ directory, now });
    return (call) => {
      const rate = requests.take();
      const answer = tooManyRequests(call, rate, exports) ?? refused(call) ?? route(call);
      return { ...answer, headers: { ...commonHeaders(rate), ...answer.headers } };
    };
  });

  return {
    name: 'contact-centre',
    url: service.url,
    settings: (url) => ({
      CONTACT_CENTRE_URL: url,
      CONTACT_CENTRE_EMAIL: agentEmail,
      CONTACT_CENTRE_API_TOKEN: apiToken,
      CONTACT_CENTRE_WEBHOOK_SECRETS: webhookSecret,
    }),
    emitter,
    close: service.close,
  };
}

function tooManyRequests(call: HttpCall, rate: RateState, exports: RateWindow): HttpAnswer | undefined {
  const exceeded = rate.exceeded
    ? rate
    : isEndpoint(call, '/api/v2/search/export')
      ? exports.take()
      : undefined;
  if (exceeded?.exceeded !== true) return undefined;
  return failure(
    429,
    { error: 'APIRateLimitExceeded', description: 'Number of allowed API requests per minute exceeded' },
    { 'retry-after': seconds(exceeded.resetMs) },
  );
}

function refused(call: HttpCall): HttpAnswer | undefined {
  if (!(headerValue(call.headers, 'accept') ?? '').includes('application/json')) {
    return failure(415, { error: 'UnsupportedMediaType', description: 'Accept must be application/json' });
  }
  const authorization = headerValue(call.headers, 'authorization') ?? '';
  const [, scheme = '', secret = ''] = /^(basic|bearer) (.+)$/i.exec(authorization) ?? [];
  if (credentials.get(scheme.toLowerCase()) === secret) return undefined;
  if (isEndpoint(call, '/api/v2/users/me')) return ok('{"user":{"name":"Anonymous user"}}');
  return failure(401, { error: "Couldn't authenticate you" });
}

function commonHeaders(rate: RateState): Record<string, string> {
  const limit = String(rate.limit);
  const remaining = String(rate.remaining);
  const reset = seconds(rate.resetMs);
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'max-age=0, private, must-revalidate',
    'x-zendesk-api-version': 'v2',
    // The recorded names, and those that Zendesk documents today.
    'x-rate-limit': limit,
    'rate-limit': limit,
    'ratelimit-limit': limit,
    'x-rate-limit-remaining': remaining,
    'rate-limit-remaining': remaining,
    'ratelimit-remaining': remaining,
    'rate-limit-reset': reset,
    'ratelimit-reset': reset,
  };
}

function isEndpoint(call: HttpCall, path: string): boolean {
  return call.path === path || call.path === `${path}.json`;
}

function seconds(milliseconds: number): string {
  return String(Math.ceil(milliseconds / 1000));
}
