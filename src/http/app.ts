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
  /** Undefined: no answer is cached whole. */
  cache: ResponseCache | undefined;
  maxBodyBytes: number;
  /** Whether plain requests pass by Yoga. */
  hasFront: boolean;
  /** What is answered beside operations. */
  pages: readonly Plugin[];
  logger: Logger;
}

export interface App {
  /** Without a port. */
  fetch: (request: Request) => Response | Promise<Response>;
  listener: RequestListener;
}

/** GraphQL over HTTP, and what else the gateway answers. */
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
