import {
  createRateWindow,
  headerValue,
  serveHttp,
  type HttpAnswer,
  type HttpCall,
  type RateState,
} from '../../stand-ins/http.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { failure, tooMany } from './answers.js';
import { createCollections } from './objects.js';
import { createRoutes } from './routes.js';
import { createEmitter, webhookSecret } from './webhook.js';

/**
 * HubSpot's CRM, imitated after its published OpenAPI files (objects v3, properties v3, associations v4); checked against them in
 * test/contracts/crm-hubspot.contract.ts.
 *
 * Imitated peculiarities of the real system:
 * - a batch that is found in part answers 207: for records, one error names all missing ids; for associations there
 *   is one error an id, also for ids that do not exist;
 * - results come in another order than in the request, and once for an input given twice (the latter not verified);
 * - addresses are stored in lower case and found in any case, so their case may differ from the request;
 * - a read by e-mail also finds a contact by its additional addresses, and does not say which one matched; a search
 *   does not find it (both as clients of it have seen; the published files do not say so);
 * - `toObjectId` is a number and `label` may be null, though the published files say text;
 * - searches and association reads do not count for the limit per ten seconds (the published files exempt them);
 *   searches have one of their own per second, and their answers carry no rate headers;
 * - a search by an association takes it for a property (`associations.contact`), and its order is given as an object,
 *   though the published files say text (as clients of it do, not verified);
 * - a 429 has `policyName` and no `category`, and there is no Retry-After.
 *
 * Not imitated, and answered with 501: history of properties other than in a batch, archived records, associations beside a record, and
 * searches by text, with an order by several properties, or with operators other than EQ, IN, LTE and CONTAINS_TOKEN.
 */
export interface CrmHubspotOptions {
  /** Calls per ten seconds; HubSpot allows 100 to 190. Default: ten million. */
  requestsPerTenSeconds?: number;
  /** Searches per second; HubSpot once allowed 4. Default: ten million. */
  searchesPerSecond?: number;
  /** Calls per day, of every kind; HubSpot allows 250,000 to 1,000,000. Default: ten million. */
  requestsPerDay?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const accessToken = 'pat-eu1-crm-hubspot-stand-in';
const tenSecondsMs = 10_000;
const dayMs = 24 * 60 * 60_000;
const noLimit = 10_000_000;

export async function startCrmHubspot(
  world: World,
  {
    requestsPerTenSeconds = noLimit,
    searchesPerSecond = noLimit,
    requestsPerDay = noLimit,
    now = Date.now,
  }: CrmHubspotOptions = {},
): Promise<StandIn> {
  const perTenSeconds = createRateWindow({ limit: requestsPerTenSeconds, windowMs: tenSecondsMs, now });
  const searches = createRateWindow({ limit: searchesPerSecond, windowMs: 1_000, now });
  const perDay = createRateWindow({ limit: requestsPerDay, windowMs: dayMs, now });

  const collections = createCollections(world);
  const service = await serveHttp(() => {
    const route = createRoutes(world, collections);
    return (call) => {
      const isSearch = call.path.endsWith('/search');
      const exempt = isSearch || call.path.startsWith('/crm/v4/associations/');
      const daily = perDay.take();
      const burst = exempt ? perTenSeconds.peek() : perTenSeconds.take();
      const search = isSearch ? searches.take() : undefined;

      const answer =
        refused(call) ?? tooManyOf({ daily, burst: exempt ? undefined : burst, search }) ?? route(call);
      const headers = { 'content-type': 'application/json;charset=utf-8', ...answer.headers };
      return { ...answer, headers: isSearch ? headers : { ...headers, ...rateHeaders(daily, burst) } };
    };
  });

  return {
    name: 'crm-hubspot',
    url: service.url,
    settings: (url) => ({
      CRM_HUBSPOT_URL: url,
      CRM_HUBSPOT_TOKEN: accessToken,
      CRM_HUBSPOT_WEBHOOK_SECRETS: webhookSecret,
    }),
    emitter: createEmitter(collections.contacts, now),
    close: service.close,
  };
}

function refused(call: HttpCall): HttpAnswer | undefined {
  const [, token] = /^bearer (.+)$/i.exec(headerValue(call.headers, 'authorization') ?? '') ?? [];
  if (token === accessToken) return undefined;
  return failure(
    401,
    'INVALID_AUTHENTICATION',
    'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
  );
}

function tooManyOf(rates: {
  daily: RateState;
  burst: RateState | undefined;
  search: RateState | undefined;
}): HttpAnswer | undefined {
  if (rates.daily.exceeded) return tooMany('DAILY');
  if (rates.burst?.exceeded === true) return tooMany('TEN_SECONDLY_ROLLING');
  return rates.search?.exceeded === true ? tooMany('SECONDLY') : undefined;
}

function rateHeaders(daily: RateState, burst: RateState): Record<string, string> {
  return {
    'x-hubspot-ratelimit-daily': String(daily.limit),
    'x-hubspot-ratelimit-daily-remaining': String(daily.remaining),
    'x-hubspot-ratelimit-interval-milliseconds': String(tenSecondsMs),
    'x-hubspot-ratelimit-max': String(burst.limit),
    'x-hubspot-ratelimit-remaining': String(burst.remaining),
  };
}
