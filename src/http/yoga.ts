import type { RequestListener } from 'node:http';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { GatewayConfig } from '../config.js';
import type { Client } from '../connectors/connector.js';
import type { Authentication } from '../context/authenticate.js';
import { createContext, type ContextOptions } from '../context/context.js';
import { readDirectives } from '../context/directives.js';
import type { ReadKey } from '../customer/resolvers.js';
import type { Privacy } from '../privacy/privacy.js';
import type { DeclaredCosts } from '../stitching/costs.js';
import type { Logger } from '../telemetry/logger.js';
import type { SourceFailures } from '../telemetry/source-failures.js';
import type { BreakerState, Metrics } from '../telemetry/metrics.js';
import { startRequest } from '../telemetry/tracing.js';
import type { EventBus } from '../webhooks/bus.js';
import type { CustomerConditions } from '../webhooks/condition.js';
import { isOperator, useForgetting } from './admin.js';
import { useAudience } from '../operation/audience.js';
import { useAudit, type Auditor } from '../operation/audit.js';
import type { Budgets } from '../operation/budgets.js';
import { askerOf } from '../operation/caller.js';
import type { EventRunner } from '../operation/event-runner.js';
import { createCostLimits, useCostLimits } from '../operation/cost-limits.js';
import { createCostPlanner } from '../operation/cost.js';
import { useDeferred } from '../operation/deferred.js';
import { usePlannedExecution } from '../operation/execution.js';
import type { Forget } from '../privacy/forget.js';
import { formatError, formatErrors } from '../operation/format-errors.js';
import { findCaller } from './find-caller.js';
import { createFront } from './front.js';
import { useGraphiqlPage } from './graphiql/page.js';
import { useHealth, type PartState } from './health.js';
import { useOperationLimits } from '../operation/limits.js';
import { createOperationTimes, useMetrics } from './metrics.js';
import { useOperationChoice } from '../operation/operation.js';
import { answerable, type PersistedOperation } from '../operation/persisted-operations.js';
import { createRequestReader, useRequestReader } from './read-request.js';
import { requestIdOf } from '../operation/request-id.js';
import { stateOf, type RequestHead } from '../operation/request-state.js';
import { useResponseNames } from '../operation/response-names.js';
import { inOrder, useRequestSteps, type RequestStep } from '../operation/request-steps.js';
import { useSubscriptions } from '../operation/subscriptions.js';
import { useVariableCheck } from '../operation/variables.js';
import { createWholeAnswers } from '../operation/response-cache.js';

const ENDPOINT = '/graphql';

/** Characters of documents that are kept parsed; what is made of one takes some fifty times its own size. */
const KEPT_DOCUMENT_CHARACTERS = 500_000;

export interface YogaOptions {
  schema: GraphQLSchema;
  config: GatewayConfig;
  /** Who sends a request. */
  authentication: Authentication;
  contextOptions: ContextOptions;
  clients: ReadonlyMap<string, Client>;
  breakers: () => ReadonlyMap<string, BreakerState>;
  isStopping: () => boolean;
  forget: Forget;
  operations: readonly PersistedOperation[];
  costs: DeclaredCosts;
  budgets: Budgets;
  privacy: Privacy;
  /** Undefined: nothing is audited. */
  auditor: Auditor | undefined;
  /** Who is told of events. */
  bus: EventBus;
  run: EventRunner;
  conditions: CustomerConditions;
  readKey: ReadKey;
  metrics: Metrics;
  logger: Logger;
  failures: SourceFailures;
  /** Parts of the gateway itself without which it is not ready. */
  parts: Readonly<Record<string, PartState>>;
}

export interface ServerApp {
  /** Without a port. */
  fetch: (request: Request) => Response | Promise<Response>;
  listener: RequestListener;
}

/** GraphQL over HTTP, and what else the gateway answers. */
export function createServerApp({
  schema,
  config,
  authentication,
  contextOptions,
  clients,
  breakers,
  isStopping,
  forget,
  operations,
  costs,
  budgets,
  privacy,
  auditor,
  bus,
  run,
  conditions,
  readKey,
  metrics,
  logger,
  failures,
  parts,
}: YogaOptions): ServerApp {
  const { clock } = contextOptions;
  const operators = { token: config.adminToken, authentication };
  const errorLog = { logger, failures };
  const documents = answerable(operations, schema, logger);
  const limits = createCostLimits({ planner: createCostPlanner(schema, costs), budgets });
  const callerOf = (request: RequestHead) => askerOf(request).caller;
  const reader = createRequestReader({ maxBodyBytes: config.maxBodyBytes, documents, callerOf });
  const times = createOperationTimes(metrics, clock);
  const sources = [...clients.keys()];
  const steps = inOrder([
    findCaller({ authentication, maySee: privacy.maySee }),
    reader,
    endDeadline,
    formatErrors(errorLog),
    times,
    tellSources(sources),
    noteFailure,
  ]);
  const yoga = createYoga<object, object>({
    schema,
    graphqlEndpoint: ENDPOINT,
    context: ({ request }: { request: RequestHead }) => {
      const { caller, audience, rights } = askerOf(request);
      const needsConsent = privacy.needsConsent(audience.purpose);
      const followed = config.cacheDirectives;
      const directives = {
        ...readDirectives(request.headers, { followed, priority: caller.priority }),
        needsConsent,
      };
      const trace = startRequest(request.headers);
      const made = createContext(contextOptions, directives, trace, requestIdOf(request), rights);
      Object.assign(stateOf(request), { context: made, trace });
      request.signal.addEventListener(
        'abort',
        () => {
          made.leave();
        },
        { once: true },
      );
      return made.context;
    },
    maskedErrors: { maskError: formatError },
    parserAndValidationCache: {
      documentCache: cacheOfDocuments<DocumentNode>(),
      errorCache: cacheOfDocuments<Error>(),
    },
    cors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
    // Read by useRequestReader.
    multipart: false,
    maxRequestBodySize: false,
    // This cannot be turned off, and is compared with how an address ends: none ends in a blank.
    healthCheckEndpoint: ' ',
    plugins: [
      useHealth(clients, {
        breakers,
        isStopping,
        clock,
        parts,
        failures,
        isOperator: (request) => isOperator(request, operators),
      }),
      useMetrics(metrics),
      useForgetting(operators, forget),
      useOnlyEndpoint,
      useGraphiqlPage(ENDPOINT),
      useRequestSteps(steps),
      useRequestReader(reader, config.maxBodyBytes),
      useOperationLimits(config),
      useOperationChoice(),
      useVariableCheck(),
      useAudience(askerOf, privacy.schemas),
      useResponseNames(),
      ...(config.execution === 'planned' ? [usePlannedExecution()] : []),
      useDeferred({ steps, extensionsOf: (request) => reportOf(request, sources), errorLog }),
      useSubscriptions({
        schema,
        authentication,
        askerOf,
        run,
        bus,
        conditions,
        readKey: (by, { rights }) => readKey(by, rights),
        forbidden: (operation, { audience }) => privacy.disclosures.forbidden(operation, audience),
        needsConsent: ({ audience }) => privacy.needsConsent(audience.purpose),
        erasures: contextOptions.erasures,
        limits,
        errorLog,
      }),
      // The last that may refuse: what it charges is settled by executing.
      useCostLimits(limits, callerOf),
      times,
      useAnswerHeaders,
      ...(auditor === undefined
        ? []
        : [useAudit(auditor, askerOf, (request) => stateOf(request).context?.provenance)]),
    ],
  });
  const { maxBodyBytes, answersMaxBytes: maxBytes } = config;
  const { registry, erasures } = contextOptions;
  const answers =
    maxBytes === 0
      ? undefined
      : createWholeAnswers({ maxBytes, registry, erasures, limits, auditor, metrics, clock });
  const front = { yoga, endpoint: ENDPOINT, steps, reader, answers, maxBodyBytes, answerHeaders, logger };
  return {
    fetch: (request) => yoga.fetch(request),
    listener:
      config.httpFront === 'on' ? createFront(front) : (request, response) => void yoga(request, response),
  };
}

function cacheOfDocuments<T extends object>(): LRUCache<string, T> {
  return new LRUCache({
    maxSize: KEPT_DOCUMENT_CHARACTERS,
    sizeCalculation: (_, document) => Math.max(document.length, 1),
  });
}

/** Yoga would also answer any other address that only ends as the endpoint does. */
const useOnlyEndpoint: Plugin = {
  onRequest(event) {
    const { url, fetchAPI } = event;
    if (url.pathname === ENDPOINT || url.pathname === `${ENDPOINT}/`) return;
    event.endResponse(fetchAPI.Response.json({ status: 'unknown' }, { status: 404 }));
  },
};

const endDeadline: RequestStep = {
  ended: (request) => {
    stateOf(request).context?.end();
  },
};

/** `extensions.sources` of the answer, for requests with `X-Sources: 1`. */
function tellSources(sources: readonly string[]): RequestStep {
  return {
    answered: (request, result) => {
      const report = reportOf(request, sources);
      if (report.sources === undefined || !('data' in result)) return undefined;
      return { ...result, extensions: { ...result.extensions, ...report } };
    },
  };
}

function reportOf(request: RequestHead, sources: readonly string[]): { sources?: object } {
  const report = stateOf(request).context?.provenance.report(sources);
  return request.headers.get('x-sources') !== '1' || report === undefined ? {} : { sources: report };
}

/**
 * What an answer may differ by, beside the address: a browser that logs in as somebody else must ask again. `origin` is
 * the edge's, whose own header this takes the place of.
 */
const VARY = 'accept, authorization, origin, x-purpose, x-sources';

const noteFailure: RequestStep = {
  answered: (request, result) => {
    if (!('data' in result) || ('errors' in result && result.errors.length > 0))
      stateOf(request).failed = true;
    return undefined;
  },
};

/**
 * How old an answer is. `Age` is that of the oldest part; `max-age` is as much more as the part that goes stale first
 * has left, so that their difference is right by RFC 9111, 4.2.
 */
function answerHeaders(request: RequestHead): Readonly<Record<string, string>> {
  const { context, failed, freshness, later } = stateOf(request);
  const told = freshness ?? context?.provenance.freshness();
  const age = Math.floor((told?.ageMs ?? 0) / 1000);
  const fresh = failed === true || later !== undefined ? 0 : Math.floor((told?.freshMs ?? 0) / 1000);
  return {
    vary: VARY,
    ...(told === undefined ? {} : { age: String(age) }),
    // Answers hold personal data, so they are for the caller alone, and none is kept that is good for this moment only.
    'cache-control': fresh < 1 ? 'no-store' : `private, max-age=${age + fresh}`,
  };
}

const useAnswerHeaders: Plugin = {
  onResponse({ request, response: { headers } }) {
    headers.set('x-request-id', requestIdOf(request));
    // Of a stream Yoga says less: it may be kept, if only to be asked for again.
    if (stateOf(request).later !== undefined) headers.delete('cache-control');
    // GraphiQL's page and other documents say themselves how long they may be kept.
    if (headers.has('cache-control')) return;
    for (const [name, value] of Object.entries(answerHeaders(request))) headers.append(name, value);
  },
};
