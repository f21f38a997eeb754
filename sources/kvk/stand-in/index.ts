import { createRateWindow, headerValue, serveHttp } from '../../stand-ins/http.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { fault } from './answers.js';
import { createRoutes } from './routes.js';

/**
 * The KvK's APIs (Zoeken v2, Basisprofiel v1, Vestigingsprofiel v1), imitated after the published OpenAPI files and
 * recordings of the test service. test/contracts/kvk.contract.ts compares it with both.
 *
 * Imitated peculiarities of the real service:
 * - links are HAL's `_links`, where the published files of the profiles have a list `links`;
 * - "nothing found" is a 404 with a code (IPD5200 of a search, IPD0005 of a number), not an empty list;
 * - errors are plain JSON, even if the client requests hal+json; fields without a value are left out, not null;
 * - days are `yyyymmdd`, with zeros where the register knows no month or day (the latter not verified);
 * - a search shows street and town of an address, unless postcode and number are searched for;
 * - addresses on one line have runs of blanks, and the answers say `no-store`.
 *
 * Not verified: the codes of errors that are not in the recordings, the status and body above a limit (there are no
 * headers about limits in the recordings), the order of search results, and how a search matches names.
 */
export interface KvkOptions {
  /** The KvK allows 100. Default: ten million. */
  requestsPerSecond?: number;
  /** The KvK allows 300,000. Default: ten million. */
  requestsPerMonth?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const key = 'kvk-stand-in-key';
const monthMs = 30 * 24 * 60 * 60_000;
const noLimit = 10_000_000;

export async function startKvk(
  { register }: Pick<World, 'register'>,
  { requestsPerSecond = noLimit, requestsPerMonth = noLimit, now = Date.now }: KvkOptions = {},
): Promise<StandIn> {
  const perSecond = createRateWindow({ limit: requestsPerSecond, windowMs: 1_000, now });
  const perMonth = createRateWindow({ limit: requestsPerMonth, windowMs: monthMs, now });
  const service = await serveHttp(() => {
    const route = createRoutes(register);
    return (call) => {
      if (headerValue(call.headers, 'apikey') !== key)
        return fault(401, 'IPD1901', 'Geen of onjuiste apikey aangeleverd.');
      if (perSecond.take().exceeded || perMonth.take().exceeded)
        return fault(429, 'IPD1902', 'Het maximale aantal bevragingen is bereikt.');
      return route(call);
    };
  });
  return {
    name: 'kvk',
    url: service.url,
    settings: (url) => ({ KVK_URL: `${url}/api`, KVK_API_KEY: key }),
    close: service.close,
  };
}
