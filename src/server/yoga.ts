import type { DocumentNode, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { GatewayConfig } from '../config.js';
import type { Client } from '../connectors/connector.js';
import { createContext, type ContextOptions } from '../context/context.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Logger } from '../telemetry/logger.js';
import { formatError, useErrorFormat } from './format-errors.js';
import { useGraphiqlPage } from './graphiql/page.js';
import { useHealth } from './health.js';
import { useOperationLimits } from './limits.js';
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
  logger: Logger;
}

export type Yoga = YogaServerInstance<object, object>;

/** GraphQL over HTTP, and what else the gateway answers. */
export function createServerApp({ schema, config, contextOptions, clients, logger }: YogaOptions): Yoga {
  const deadlines = new WeakMap<Request, Deadline>();
  const useDeadline: Plugin = {
    onResultProcess: ({ request }) => {
      deadlines.get(request)?.clear();
    },
  };
  return createYoga<object, object>({
    schema,
    graphqlEndpoint: ENDPOINT,
    context: ({ request }) => {
      const { context, deadline } = createContext(contextOptions, requestIdOf(request));
      deadlines.set(request, deadline);
      return context;
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
      useHealth(clients),
      useOnlyEndpoint,
      useGraphiqlPage(ENDPOINT),
      useRequestReader(config.maxBodyBytes),
      useOperationLimits(config),
      useOperationChoice(),
      useVariableCheck(),
      useDeadline,
      useErrorFormat(logger),
      useAnswerHeaders,
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

const useAnswerHeaders: Plugin = {
  onResponse({ request, response }) {
    response.headers.set('x-request-id', requestIdOf(request));
    // Answers hold personal data, and are whatever the systems say at the moment.
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
  },
};
