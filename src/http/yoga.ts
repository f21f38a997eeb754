import {
  createYoga,
  getSSEProcessor,
  isAsyncIterable,
  type Plugin,
  type YogaServerInstance,
} from 'graphql-yoga';
import type { GraphQLSchema } from 'graphql';
import { formatError } from '../operation/errors.js';
import type { Subscribe } from '../operation/subscriptions.js';
import { useGraphiqlPage } from './graphiql/page.js';
import { acceptsEvents, acceptsIncremental } from './accept.js';
import { Exchange, type ExchangeOptions } from './exchange.js';

export interface YogaOptions {
  schema: GraphQLSchema;
  endpoint: string;
  exchanges: ExchangeOptions;
  subscribe: Subscribe;
  /** The endpoints beside operations. */
  pages: readonly Plugin[];
}

/**
 * GraphQL over HTTP for requests that are not plain: event streams, incremental delivery, other media types. Yoga
 * reads the request and writes the answer. The operation is answered by the exchange, as for a plain request.
 */
export function createGraphqlYoga({
  schema,
  endpoint,
  exchanges,
  subscribe,
  pages,
}: YogaOptions): YogaServerInstance<object, object> {
  return createYoga<object, object>({
    schema,
    graphqlEndpoint: endpoint,
    maskedErrors: { maskError: formatError },
    parserAndValidationCache: false,
    cors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
    // The request reader reads bodies.
    multipart: false,
    maxRequestBodySize: false,
    // Yoga's health check cannot be turned off. It matches the end of a path, and no path ends with a blank.
    healthCheckEndpoint: ' ',
    plugins: [
      ...pages,
      useOnlyEndpoint(endpoint),
      useGraphiqlPage(endpoint),
      useExchanges(exchanges, subscribe),
    ],
  });
}

/** Answers requests to other paths. Yoga alone would also answer a path that only ends like the endpoint. */
function useOnlyEndpoint(endpoint: string): Plugin {
  return {
    onRequest(event) {
      const { url, request, fetchAPI } = event;
      if (url.pathname === endpoint || url.pathname === `${endpoint}/`) return;
      // A browser that opens the gateway gets GraphiQL.
      if (url.pathname === '/' && request.headers.get('accept')?.includes('text/html') === true) {
        event.endResponse(new fetchAPI.Response(null, { status: 302, headers: { location: endpoint } }));
        return;
      }
      event.endResponse(fetchAPI.Response.json({ status: 'unknown' }, { status: 404 }));
    },
  };
}

/** Lets an exchange answer each request. */
function useExchanges(options: ExchangeOptions, subscribe: Subscribe): Plugin {
  const { reader } = options;
  const exchanges = new WeakMap<Request, Exchange>();
  const streams = new WeakSet<Request>();
  const exchangeOf = (request: Request): Exchange => {
    let exchange = exchanges.get(request);
    if (exchange === undefined) exchanges.set(request, (exchange = new Exchange(request, options)));
    return exchange;
  };
  return {
    onRequestParse: ({ request, setRequestParser }) => {
      const exchange = exchangeOf(request);
      if (request.method === 'GET')
        setRequestParser(() => reader.parameters(request, exchange.principal.caller));
      else if (request.method === 'POST')
        setRequestParser(async () => reader.posted(await reader.body(request), exchange.principal.caller));
      return exchange.begin()?.then(() => undefined);
    },
    onParams: ({ request, setParamsHandler }) => {
      const exchange = exchangeOf(request);
      setParamsHandler(async ({ params }) => {
        try {
          const prepared = exchange.prepare(params);
          if (prepared.kind === 'subscription') {
            streams.add(request);
            const { principal, requestId } = exchange;
            const { headers, signal } = request;
            const events = subscribe({
              prepared,
              principal,
              requestId,
              variables: params.variables,
              headers,
              signal,
            });
            if (isAsyncIterable(events)) exchange.finishStream();
            else exchange.finish({ result: events, outcome: 'refused' });
            return events;
          }
          const { answer } = await exchange.answer(
            prepared,
            params.variables,
            acceptsIncremental(request.headers),
          );
          exchange.finish(answer);
          return answer.results ?? answer.result;
        } catch (error) {
          return exchange.refuse([error]);
        }
      });
    },
    onResultProcess: (event) => {
      const { request, result } = event;
      const exchange = exchangeOf(request);
      // The request was refused before there was an operation.
      if (!exchange.isFinished && !isAsyncIterable(result) && !Array.isArray(result))
        event.setResult(exchange.refuse(result.errors ?? []));
      // Yoga would send events as multipart to a client that accepts both.
      if (streams.has(request) && isAsyncIterable(result))
        event.setResultProcessor(
          acceptsEvents(request.headers) ? getSSEProcessor() : notAcceptable,
          EVENT_STREAM,
        );
    },
    onResponse: ({ request, response: { headers } }) => {
      const exchange = exchangeOf(request);
      const { 'request-id': requestId = '', 'x-request-id': alias = '', ...others } = exchange.headers();
      headers.set('request-id', requestId);
      headers.set('x-request-id', alias);
      // Yoga's own header would allow a cache to store the stream.
      if (exchange.isIncremental) headers.delete('cache-control');
      // GraphiQL's page and other documents set their own cache header.
      if (headers.has('cache-control')) return;
      for (const [name, value] of Object.entries(others)) headers.append(name, value);
    },
  };
}

const EVENT_STREAM = 'text/event-stream';

function notAcceptable(result: unknown): Response {
  // No client reads the events, so the stream must be ended here.
  if (isAsyncIterable(result)) void result[Symbol.asyncIterator]().return?.();
  return new Response(null, { status: 406, headers: { accept: EVENT_STREAM } });
}
