import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { GatewayConfig } from '../config.js';
import type { Client } from '../connectors/connector.js';
import { createContext, type ContextOptions } from '../context/context.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Logger } from '../telemetry/logger.js';
import { formatError, useErrorLog } from './format-errors.js';
import { useGraphiqlPage } from './graphiql/page.js';
import { useHealth } from './health.js';
import { useOperationLimits } from './limits.js';
import { requestIdOf } from './request-id.js';

const ENDPOINT = '/graphql';

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
    maxRequestBodySize: config.maxBodyBytes,
    multipart: false,
    cors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: '/health',
    plugins: [
      useHealth(clients),
      useGraphiqlPage(ENDPOINT),
      useOperationLimits(config),
      useDeadline,
      useErrorLog(logger),
      useRequestIdHeader,
    ],
  });
}

const useRequestIdHeader: Plugin = {
  onResponse({ request, response }) {
    response.headers.set('x-request-id', requestIdOf(request));
  },
};
