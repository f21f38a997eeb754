import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { processRegularResult, type YogaServerInstance } from 'graphql-yoga';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { ResponseCache, ResolvedAnswer } from '../operation/response-cache.js';
import type { Logger } from '../telemetry/logger.js';
import { mediaTypeFor, type MediaType } from './accept.js';
import { Exchange, type ExchangeOptions } from './exchange.js';
import { NodeRequest } from './node-request.js';
import { readNodeBody } from './read-request.js';

export interface FrontOptions {
  yoga: YogaServerInstance<object, object>;
  endpoint: string;
  exchanges: ExchangeOptions;
  /** Undefined if there is no response cache. */
  cache: ResponseCache | undefined;
  maxBodyBytes: number;
  logger: Pick<Logger, 'error'>;
}

/**
 * Answers plain requests: an operation in a POST with JSON, or a persisted operation by GET, from a client that
 * accepts JSON. Nearly all requests are plain. It creates no Request, Response or stream. It passes other requests to
 * Yoga unchanged.
 */
export function createFront(options: FrontOptions): RequestListener {
  const { yoga, endpoint, exchanges, cache, maxBodyBytes, logger } = options;
  const { reader } = exchanges;

  return (incoming, response) => {
    const mediaType = isPlain(incoming, endpoint) ? mediaTypeFor(incoming.headers.accept) : undefined;
    if (mediaType === undefined) void yoga(incoming, response);
    else
      answer(incoming, response, mediaType).catch((error: unknown) => {
        logger.error(
          { reason: error instanceof Error ? error.name : 'unknown' },
          'a request was not answered because of a defect in the gateway: its connection is closed',
        );
        response.destroy();
      });
  };

  async function answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    mediaType: MediaType,
  ): Promise<void> {
    const head = new NodeRequest(incoming, response);
    const exchange = new Exchange(head, exchanges);
    const reply = { exchange, response, mediaType };
    let answered: ResolvedAnswer | undefined;
    try {
      const begun = exchange.begin();
      if (begun !== undefined) await begun;
      const { principal, requestId } = exchange;
      const { signal } = head;
      const body = head.method === 'POST' ? await readNodeBody(incoming, maxBodyBytes) : undefined;
      const key =
        cache !== undefined && exchange.canShare()
          ? cache.keyOf(principal, body ?? Buffer.from(head.url))
          : undefined;
      const cached =
        key === undefined ? undefined : await cache?.cached(key, { principal, requestId, signal });
      if (cached !== undefined) {
        exchange.finishCached(cached.operationName, cached.freshness);
        write(reply, { text: cached.text });
        return;
      }
      const params =
        body === undefined
          ? reader.parameters(head, principal.caller)
          : reader.posted(body, principal.caller);
      const prepared = exchange.prepare(params);
      if (prepared.kind === 'subscription') {
        // If the body was read already, Yoga takes it from here.
        void yoga(body === undefined ? incoming : Object.assign(incoming, { body }), response);
        return;
      }
      const compute = () => exchange.answer(prepared, params.variables);
      answered =
        cache === undefined || key === undefined
          ? await compute()
          : await cache.coalesce(key, { principal, requestId, signal }, compute);
    } catch (error) {
      await send(reply, exchange.refuse([error]));
      return;
    }
    exchange.finish(answered.answer, answered.freshness);
    try {
      await send(reply, answered.answer.result, answered.store);
    } catch (error) {
      await send(reply, exchange.refuse([error]));
    }
  }

  async function send(reply: Reply, result: ExecutionResult, store?: ResolvedAnswer['store']): Promise<void> {
    if (result.errors !== undefined) {
      // Yoga decides on the status, the headers and the body of a result with errors.
      const answer = processRegularResult(result, yoga.fetchAPI, reply.mediaType);
      const headers: Record<string, string> = {};
      answer.headers.forEach((value, name) => (headers[name.toLowerCase()] = value));
      write(reply, { status: answer.status, text: await answer.text(), headers });
      return;
    }
    const text = JSON.stringify(result);
    store?.(text);
    write(reply, { text });
  }

  function write({ exchange, response, mediaType }: Reply, { status = 200, text, headers }: Content): void {
    if (response.destroyed || response.writableEnded) return;
    const allHeaders = {
      'content-type': `${mediaType}; charset=utf-8`,
      ...headers,
      'content-length': String(Buffer.byteLength(text)),
      ...exchange.headers(),
    };
    response.writeHead(status, allHeaders).end(text);
  }
}

/** Where and in which media type an answer is written. */
interface Reply {
  exchange: Exchange;
  response: ServerResponse;
  mediaType: MediaType;
}

interface Content {
  status?: number;
  text: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
}

function isPlain({ method, url = '', headers }: IncomingMessage, endpoint: string): boolean {
  if (headers.host === undefined) return false;
  if (method === 'POST')
    return url === endpoint && headers['content-type']?.startsWith('application/json') === true;
  // A "#" would end the parameters.
  return (
    method === 'GET' && url.startsWith(`${endpoint}?`) && url.includes('documentId=') && !url.includes('#')
  );
}
