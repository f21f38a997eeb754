import type { RequestListener } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { ResponseCache } from '../operation/response-cache.js';
import type { Subscribe } from '../operation/subscriptions.js';
import type { Logger } from '../telemetry/logger.js';
import type { ExchangeOptions } from './exchange.js';
import { createFront } from './front.js';
import { createGraphqlYoga } from './yoga.js';

const ENDPOINT = '/graphql';

export interface AppOptions {
  schema: GraphQLSchema;
  exchanges: ExchangeOptions;
  subscribe: Subscribe;
  /** Undefined if there is no response cache. */
  cache: ResponseCache | undefined;
  maxBodyBytes: number;
  /** Whether plain requests are answered without Yoga. */
  hasFront: boolean;
  /** The endpoints beside operations. */
  pages: readonly Plugin[];
  logger: Logger;
}

export interface App {
  /** Answers a request without a port. */
  fetch: (request: Request) => Response | Promise<Response>;
  listener: RequestListener;
}

/** Creates the handlers of GraphQL over HTTP and of the other endpoints. */
export function createApp(options: AppOptions): App {
  const { hasFront, ...others } = options;
  const yoga = createGraphqlYoga({ ...others, endpoint: ENDPOINT });
  return {
    fetch: (request) => yoga.fetch(request),
    listener: hasFront
      ? createFront({ ...others, yoga, endpoint: ENDPOINT })
      : (request, response) => void yoga(request, response),
  };
}
