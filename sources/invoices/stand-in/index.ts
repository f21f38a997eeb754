import {
  createRateWindow,
  headerValue,
  serveHttp,
  type HttpAnswer,
  type HttpCall,
} from '../../stand-ins/http.js';
import { guid } from '../../stand-ins/seed-invoices.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { failure } from './answers.js';
import { createRoutes } from './routes.js';
import { createEmitter, webhookClientState } from './webhook.js';

/**
 * Microsoft Dynamics 365 Business Central, imitated after its reference of API v2.0, and after the published OpenAPI file
 * of v1.0 where that still applies. test/contracts/invoices.contract.ts compares it with that file. The token endpoint,
 * which has another address at Microsoft, is here too.
 *
 * Imitated peculiarities of the real system:
 * - no `or` between different fields; no `in` without `$schemaversion=2.1`; not more than 100 parts in a filter (counted as
 *   clients have seen it, not verified);
 * - values computed at reading (`remainingAmount`, `currencyCode`) can be used neither in a filter nor in an order;
 * - "nothing" is an empty text, an id of zeros, or of the enumerations `_x0020_`; their names are written as XML has them;
 * - text is found only in the stored case, except numbers and other codes, which are stored in capitals;
 * - drafts are among the invoices;
 * - decimals are numbers, without zeros at the end; text where the caller requests `IEEE754Compatible` (as the protocol
 *   has it, not verified);
 * - pages as the caller prefers (`odata.maxpagesize`), else of 20,000;
 * - 429 without Retry-After (its code is not verified).
 *
 * Not imitated, and answered with 501: $expand, $apply, $batch, functions in filters, delta links, writing.
 */
export interface InvoicesOptions {
  /** The number of calls in five minutes. Business Central allows 6,000. Default: ten million. */
  requestsPerFiveMinutes?: number;
  /** The maximum number of records on a page. Default: 20,000. */
  maxPageSize?: number;
  /** The lifetime of an access token, in seconds. Default: 3,599. */
  tokenSeconds?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const tenant = guid('tenant', 1);
const companyId = guid('company', 1);
const clientId = guid('app', 1);
const clientSecret = 'invoices-client-secret';
const scope = 'https://api.businesscentral.dynamics.com/.default';

/** A token that never expires, for callers with a fixed token. */
export const invoicesAccessToken = 'invoices-access-token';

const noLimit = 10_000_000;

export async function startInvoices(
  world: World,
  {
    requestsPerFiveMinutes = noLimit,
    maxPageSize = 20_000,
    tokenSeconds = 3_599,
    now = Date.now,
  }: InvoicesOptions = {},
): Promise<StandIn> {
  const requests = createRateWindow({ limit: requestsPerFiveMinutes, windowMs: 300_000, now });
  const tokens = new Map<string, number>([[invoicesAccessToken, Infinity]]);

  const giveToken = (call: HttpCall): HttpAnswer => {
    const form = new URLSearchParams(call.body);
    const refuse = (error: string, status = 400): HttpAnswer =>
      json(status, { error, error_description: error });
    if (call.method !== 'POST') return refuse('invalid_request', 405);
    if (form.get('grant_type') !== 'client_credentials') return refuse('unsupported_grant_type');
    if (form.get('scope') !== scope) return refuse('invalid_scope');
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return refuse('invalid_client', 401);
    const token = `invoices-${tokens.size}`;
    tokens.set(token, now() + tokenSeconds * 1000);
    return json(200, { token_type: 'Bearer', expires_in: tokenSeconds, access_token: token });
  };

  const refused = (call: HttpCall): HttpAnswer | undefined => {
    const [, token = ''] = /^bearer (.+)$/i.exec(headerValue(call.headers, 'authorization') ?? '') ?? [];
    if ((tokens.get(token) ?? -Infinity) > now()) return undefined;
    return failure(
      401,
      'Authentication_InvalidCredentials',
      'The server has rejected the client credentials.',
      { 'www-authenticate': 'Bearer' },
    );
  };

  const service = await serveHttp(() => {
    const route = createRoutes({ world, companyId, maxPageSize });
    return (call) => {
      if (call.path === `/${tenant}/oauth2/v2.0/token`) return giveToken(call);
      const unknown = refused(call);
      if (unknown !== undefined) return unknown;
      if (requests.take().exceeded)
        return failure(
          429,
          'Application_TooManyRequests',
          'Too many requests reached. Actual (6001). Maximum (6000).',
        );
      return route(call);
    };
  });

  return {
    name: 'invoices',
    url: service.url,
    settings: (url) => ({
      INVOICES_URL: `${url}/v2.0/${tenant}/production/api/v2.0/companies(${companyId})`,
      INVOICES_TOKEN_URL: `${url}/${tenant}/oauth2/v2.0/token`,
      INVOICES_CLIENT_ID: clientId,
      INVOICES_CLIENT_SECRET: clientSecret,
      INVOICES_WEBHOOK_SECRETS: webhookClientState,
    }),
    emitter: createEmitter(
      world,
      `https://api.businesscentral.dynamics.com/v2.0/${tenant}/production/api/v2.0/companies(${companyId})`,
      now,
    ),
    close: service.close,
  };
}

function json(status: number, body: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}
