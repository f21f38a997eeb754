import type { RequestListener } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { createAnnouncer } from './bulk/announce.js';
import { createBulk, type Bulk } from './bulk/bulk.js';
import type { DeclaredCalls } from './bulk/declared-calls.js';
import { JobStore } from './bulk/job-store.js';
import { createJobWorker } from './bulk/job-worker.js';
import { createJobs, type Jobs } from './bulk/jobs.js';
import { createOutlet } from './bulk/outlet.js';
import { requestHeader } from './request-headers.js';
import type { Clock } from './clock.js';
import type { GatewayConfig } from './config.js';
import type { Authentication } from './context/authenticate.js';
import { priorityOf } from './context/directives.js';
import type { GatewayEvents } from './gateway-events.js';
import type { ConnectedSources } from './gateway-sources.js';
import { isOperator, useForgetting } from './http/admin.js';
import { createApp } from './http/app.js';
import { createAuthenticate } from './http/authenticate.js';
import { createBulkEndpoint, fetchBulk, listenToBulk } from './http/bulk.js';
import type { ExchangeOptions } from './http/exchange.js';
import { useHealth, type PartState } from './http/health.js';
import { useMetrics } from './http/metrics.js';
import { createOverloadGuard, type OverloadGuard } from './http/overload.js';
import { createRequestReader } from './http/read-request.js';
import { fetchWebhooks, listenToWebhooks } from './http/webhooks.js';
import type { OperationRunner } from './operation/answer.js';
import type { Auditor } from './operation/audit.js';
import type { CostLimits } from './operation/cost-limits.js';
import type { ErrorLog } from './operation/errors.js';
import { validOperations, readPersistedOperations } from './operation/persisted-operations.js';
import type { Preparer } from './operation/prepare.js';
import { createPrincipals } from './operation/principal.js';
import { createResponseCache } from './operation/response-cache.js';
import { createSubscribe, type SubscriptionsOptions } from './operation/subscriptions.js';
import type { Forget } from './privacy/forget.js';
import type { Privacy } from './privacy/privacy.js';
import type { Suppression } from './privacy/suppression.js';
import type { Metrics } from './telemetry/metrics.js';
import type { SourceFailures } from './telemetry/source-failures.js';
import type { SubscriptionRules } from './webhooks/interest.js';

export interface GatewayHttpOptions {
  schema: GraphQLSchema;
  config: GatewayConfig;
  authentication: Authentication;
  privacy: Privacy;
  preparer: Preparer;
  runner: OperationRunner;
  limits: CostLimits;
  /** Undefined if nothing is audited. */
  auditor: Auditor | undefined;
  connected: ConnectedSources;
  events: GatewayEvents;
  subscriptionRules: SubscriptionRules;
  suppression: Suppression;
  forget: Forget;
  readKey: SubscriptionsOptions['readKey'];
  metrics: Metrics;
  failures: SourceFailures;
  errorLog: ErrorLog;
  clock: Clock;
  declaredCalls: DeclaredCalls;
  /** The folder of the persisted operations. */
  operations: URL | undefined;
}

export interface GatewayHttp {
  fetch(request: Request): Promise<Response>;
  handler: RequestListener;
  overload: OverloadGuard;
  bulk: Bulk;
  /** Reports "not ready" to load balancers from now on. */
  drain(): void;
  /** Stops answering bulk jobs. Other instances continue with them. */
  closeJobs(): Promise<void>;
}

/** Wires the HTTP endpoints: GraphQL, health, metrics, webhooks and administration. */
export function createGatewayHttp(options: GatewayHttpOptions): GatewayHttp {
  const { schema, config, authentication, privacy, connected, events, suppression, failures } = options;
  const { preparer, runner, limits, metrics, errorLog, clock } = options;
  let isStopping = false;
  const { logger } = errorLog;
  const operations = validOperations(
    readPersistedOperations(options.operations ?? config.operationsFolder),
    schema,
    logger,
  );
  const documents = new Map(operations.map(({ documentId, document }) => [documentId, document]));
  const principalOf = createPrincipals(privacy);
  const authenticate = createAuthenticate(authentication, principalOf);
  const exchanges: ExchangeOptions = {
    config,
    authenticate,
    reader: createRequestReader({ maxBodyBytes: config.maxBodyBytes, documents }),
    preparer,
    runner,
    metrics,
    errorLog,
    clock,
  };
  const operators = { token: config.adminToken, authentication };
  const parts: Record<string, PartState> = { ...suppression.health, ...events.health };
  const { clients } = connected;
  const app = createApp({
    schema,
    exchanges,
    subscribe: createSubscribe({
      schema,
      authentication,
      runner,
      bus: events.bus,
      subscriptionRules: options.subscriptionRules,
      readKey: options.readKey,
      needsConsent: privacy.needsConsent,
      erasures: suppression,
      limits,
      errorLog,
    }),
    cache: createCache(options),
    maxBodyBytes: config.maxBodyBytes,
    hasFront: config.httpFront === 'on',
    pages: [
      useHealth(clients, {
        breakers: () => connected.breakers,
        isStopping: () => isStopping,
        clock,
        parts,
        failures,
        isOperator: (request) => isOperator(request, operators),
      }),
      useMetrics(metrics),
      useForgetting(operators, options.forget),
    ],
    logger,
  });
  const overload = createOverloadGuard({
    maxInFlight: config.maxInFlight,
    maxDelayMs: config.maxDelayMs,
    priorityOf: ({ headers }) => priorityOf(requestHeader(headers, 'request-priority'), config.priority),
    onShed: (priority) => {
      metrics.shed(priority);
    },
  });
  const bulk = createBulk({
    ...{ schema, preparer, runner, metrics, clock },
    operations: new Map(operations.map(({ name, document }) => [name, document])),
    maxCustomers: config.maxCustomers,
    bounds: () => connected.bounds,
    declaredCalls: options.declaredCalls,
  });
  const { jobs, close } = startJobs(options, bulk, principalOf);
  const answerBulk = createBulkEndpoint({ bulk, authenticate, errorLog, jobs });
  return {
    fetch: overload.guardFetch(
      fetchWebhooks(
        events.receiver,
        fetchBulk(answerBulk, (request) => app.fetch(request)),
      ),
    ),
    handler: overload.guardHandler(listenToWebhooks(events.receiver, listenToBulk(answerBulk, app.listener))),
    overload,
    bulk,
    drain: () => {
      isStopping = true;
    },
    closeJobs: close,
  };
}

/** Starts to answer bulk jobs, in the database of the webhook store. There are none without one. */
function startJobs(
  { events: { shared }, config, auditor, authentication, errorLog: { logger } }: GatewayHttpOptions,
  bulk: Bulk,
  principalOf: ReturnType<typeof createPrincipals>,
): { jobs: Jobs | undefined; close: () => Promise<void> } {
  if (shared === undefined) return { jobs: undefined, close: () => Promise.resolve() };
  const { endpoints, timeoutMs } = shared;
  const outlet = createOutlet({ endpoints, timeoutMs, store: shared.store });
  const opening = shared.database
    .then((database) => JobStore.open(database, shared.secret))
    .then((store) => ({
      store,
      worker: createJobWorker({
        ...{ store, bulk, principalOf, logger, auditor, outlet },
        currentCaller: (caller) => authentication.current(caller),
        announce: createAnnouncer({ store, add: shared.add }),
      }),
    }));
  // Until the store is open, requests about jobs wait. If it cannot be opened, they fail.
  opening.catch(() => undefined);
  const { bulkJobRetainMs: retainMs, bulkJobMaxLines: maxLines, bulkJobsPerCaller: maxJobs } = config;
  return {
    jobs: createJobs({
      opening,
      bulk,
      principalOf,
      auditor,
      outlet,
      limits: { retainMs, maxLines, maxJobs },
    }),
    close: async () => {
      await (await opening.catch(() => undefined))?.worker.close();
      await outlet.close();
    },
  };
}

/** Returns undefined if the response cache is off. */
function createCache(options: GatewayHttpOptions) {
  const { config, connected, suppression, limits, auditor, metrics, errorLog, clock } = options;
  const { answersMaxBytes: maxBytes } = config;
  if (maxBytes === 0) return undefined;
  const { registry } = connected;
  return createResponseCache({
    ...{ maxBytes, registry, limits, auditor, metrics, errorLog, clock },
    erasures: suppression,
  });
}
