import { createRateWindow, headerValue, serveHttp } from '../../stand-ins/http.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { failure, ok } from './answers.js';
import { createOrg } from './objects.js';
import { createQueries } from './query.js';
import { createRoutes } from './routes.js';
import { app, createSessions, organizationId } from './sessions.js';
import { createEmitter, webhookKey } from './webhook.js';

/**
 * Salesforce's REST API, imitated after recorded answers and its manual; it has no published OpenAPI file.
 * test/contracts/crm-salesforce.contract.ts compares it with the recorded answers.
 *
 * Imitated peculiarities of the real system:
 * - errors are a list; only those of the token endpoint are an object;
 * - a query may be answered with fewer records than it found, also of the children of one record: `nextRecordsUrl` leads
 *   on, as a path without host;
 * - a relationship without records is null, not an empty list;
 * - collections are answered in the order of the request, with null for a missing record; one malformed id or one
 *   unknown field fails the whole call;
 * - moments end in `+0000`, without a colon;
 * - a request may have ids of 15 or 18 characters, and an answer always has 18;
 * - an expired session shows only in the 401 of the next call; the token answer has no `expires_in`;
 * - the limit of a day gives 403, as if something were forbidden.
 *
 * Not imitated: writes except of checkboxes of one record, SOQL beyond SELECT (with one level of subqueries), WHERE with =, !=, IN, AND, OR, ORDER BY and
 * LIMIT; describe, search, bulk; permissions on fields and records.
 *
 * Not verified are the wording of messages, `MISSING_ARGUMENT`, and the answer to a call over the limits of composite. Node
 * itself refuses addresses with headers above 16 KiB, with 431 as Salesforce may.
 */
export interface CrmSalesforceOptions {
  /** Calls in 24 hours; Salesforce allows 100,000 and more, by edition and licences. Default: ten million. */
  requestsPerDay?: number;
  /**
   * The number of records in one answer to a query, which Salesforce chooses. Default: its maximum, 2,000.
   */
  rowsAPage?: number;
  /** The number of children of one record in one answer to a query. Default: 200. */
  childrenAPage?: number;
  /** The time after which an unused session expires. Default: two hours, the same as Salesforce. */
  sessionMs?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

export interface CrmSalesforce extends StandIn {
  /** Revokes every access token. */
  expireSessions(): void;
}

const dayMs = 24 * 60 * 60_000;

export async function startCrmSalesforce(
  world: World,
  {
    requestsPerDay = 10_000_000,
    rowsAPage = 2_000,
    childrenAPage = 200,
    sessionMs = 2 * 60 * 60_000,
    now = Date.now,
  }: CrmSalesforceOptions = {},
): Promise<CrmSalesforce> {
  const perDay = createRateWindow({ limit: requestsPerDay, windowMs: dayMs, now });
  const sessions = createSessions({ sessionMs, now });
  const org = createOrg(world);

  const service = await serveHttp(() => {
    const route = createRoutes(org, createQueries(org, { rowsAPage, childrenAPage }));
    return (call) => {
      if (call.path === '/services/oauth2/token') return sessions.open(call);
      const type = { 'content-type': 'application/json;charset=UTF-8' };
      if (call.path === '/services/data' || call.path === '/services/data/')
        return { ...ok(versions), headers: type };
      const [, token] = /^bearer (.+)$/i.exec(headerValue(call.headers, 'authorization') ?? '') ?? [];
      if (!sessions.isOpen(token))
        return { ...failure(401, 'INVALID_SESSION_ID', 'Session expired or invalid'), headers: type };
      const { exceeded, limit, remaining } = perDay.take();
      const answer = exceeded
        ? failure(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')
        : route(call);
      return {
        ...answer,
        headers: {
          ...type,
          'sforce-limit-info': `api-usage=${limit - remaining}/${limit}`,
          ...answer.headers,
        },
      };
    };
  });

  return {
    name: 'crm-salesforce',
    url: service.url,
    settings: (url) => ({
      CRM_SALESFORCE_URL: url,
      CRM_SALESFORCE_CLIENT_ID: app.clientId,
      CRM_SALESFORCE_CLIENT_SECRET: app.clientSecret,
      CRM_SALESFORCE_CURRENCY: 'EUR',
      CRM_SALESFORCE_CUSTOMER_NUMBER_FIELD: 'Customer_Number__c',
      CRM_SALESFORCE_WEBHOOK_SECRETS: `${organizationId}:${webhookKey}`,
    }),
    emitter: createEmitter(world, org, now),
    expireSessions: () => {
      sessions.expireAll();
    },
    close: service.close,
  };
}

const versions = [60, 61, 62, 63].map((number) => ({
  label: `Release ${number}`,
  url: `/services/data/v${number}.0`,
  version: `${number}.0`,
}));
