import type { DocumentNode, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { GatewayConfig } from '../config.js';
import type { Client } from '../connectors/connector.js';
import { createContext, type ContextOptions, type RequestContext } from '../context/context.js';
import { readDirectives } from '../context/directives.js';
import type { Logger } from '../telemetry/logger.js';
import type { BreakerState, Metrics } from '../telemetry/metrics.js';
import { startRequest } from '../telemetry/tracing.js';
import { useForgetting, type Forgotten, type ForgetRequest } from './admin.js';
import { formatError, useErrorFormat } from './format-errors.js';
import { useGraphiqlPage } from './graphiql/page.js';
import { useHealth } from './health.js';
import { useOperationLimits } from './limits.js';
import { useMetrics, useOperationTimes } from './metrics.js';
import { useOperationChoice } from './operation.js';
import { useRequestReader } from './read-request.js';
import { requestIdOf } from './request-id.js';
import { useVariableCheck } from './variables.js';

const ENDPOINT = '/graphql';

/** Characters of documents that are kept parsed; what is made of one takes some fifty times its own size. */
const KEPT_DOCUMENT_CHARACTERS = 500_000;

export interface YogaOptions {
  schema: GraphQLSchema;
  config: GatewayConfig;
  contextOptions: ContextOptions;
  clients: ReadonlyMap<string, Client>;
  breakers: () => ReadonlyMap<string, BreakerState>;
  isStopping: () => boolean;
  forget: (request: ForgetRequest) => Promise<Forgotten>;
  metrics: Metrics;
  logger: Logger;
}

export type Yoga = YogaServerInstance<object, object>;

/** GraphQL over HTTP, and what else the gateway answers. */
export function createServerApp({
  schema,
  config,
  contextOptions,
  clients,
  breakers,
  isStopping,
  forget,
  metrics,
  logger,
}: YogaOptions): Yoga {
  const { clock } = contextOptions;
  const contexts = new WeakMap<Request, RequestContext>();
  const useDeadline: Plugin = {
    onResultProcess: ({ request }) => {
      contexts.get(request)?.end();
    },
  };
  return createYoga<object, object>({
    schema,
    graphqlEndpoint: ENDPOINT,
    context: ({ request }) => {
      const directives = readDirectives(request.headers, {
        followed: config.cacheDirectives,
        priority: config.priority,
      });
      const made = createContext(
        contextOptions,
        directives,
        startRequest(request.headers),
        requestIdOf(request),
      );
      contexts.set(request, made);
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
      useHealth(clients, { breakers, isStopping, clock }),
      useMetrics(metrics),
      useForgetting(config.adminToken, forget),
      useOnlyEndpoint,
      useGraphiqlPage(ENDPOINT),
      useRequestReader(config.maxBodyBytes),
      useOperationLimits(config),
      useOperationChoice(),
      useVariableCheck(),
      useDeadline,
      useErrorFormat(logger),
      useOperationTimes(metrics, clock, (request) => contexts.get(request)?.trace),
      useProvenance(contexts, [...clients.keys()]),
      useAnswerHeaders(contexts),
    ],
  });
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

/** `extensions.sources` of the answer, for requests with `X-Sources: 1`. */
function useProvenance(contexts: WeakMap<Request, RequestContext>, sources: readonly string[]): Plugin {
  return {
    onResultProcess(event) {
      const { result, request } = event;
      if (request.headers.get('x-sources') !== '1' || !('data' in result)) return;
      const report = contexts.get(request)?.provenance.report(sources);
      event.setResult({ ...result, extensions: { ...result.extensions, sources: report } });
    },
  };
}

const failed = new WeakSet<Request>();

/**
 * The id of the request, and how old its answer is. `Age` is that of the oldest part; `max-age` is as much more as the
 * part that goes stale first has left, so that their difference is right by RFC 9111, 4.2.
 */
function useAnswerHeaders(contexts: WeakMap<Request, RequestContext>): Plugin {
  return {
    onResultProcess({ result, request }) {
      if (!('data' in result) || ('errors' in result && result.errors.length > 0)) failed.add(request);
    },
    onResponse({ request, response }) {
      response.headers.set('x-request-id', requestIdOf(request));
      if (response.headers.has('cache-control')) return;
      const told = contexts.get(request)?.provenance.freshness();
      const age = Math.floor((told?.ageMs ?? 0) / 1000);
      const fresh = failed.has(request) ? 0 : Math.floor((told?.freshMs ?? 0) / 1000);
      if (told !== undefined) response.headers.set('age', String(age));
      // Answers hold personal data, so they are for the caller alone, and none is kept that is good for this moment only.
      response.headers.set('cache-control', fresh < 1 ? 'no-store' : `private, max-age=${age + fresh}`);
    },
  };
}
