import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { processRegularResult, type YogaServerInstance } from 'graphql-yoga';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { ResponseCache, Shareable } from '../operation/response-cache.js';
import type { Logger } from '../telemetry/logger.js';
import { mediaTypeFor, type MediaType } from './accept.js';
import { Exchange, type ExchangeOptions } from './exchange.js';
import { NodeRequest } from './node-request.js';
import { readNodeBody } from './read-request.js';

export interface FrontOptions {
  yoga: YogaServerInstance<object, object>;
  endpoint: string;
  exchanges: ExchangeOptions;
  /** Undefined: each request is answered by itself. */
  cache: ResponseCache | undefined;
  maxBodyBytes: number;
  logger: Pick<Logger, 'error'>;
}

/**
 * Answers plain requests, which nearly all are: an operation that is posted as JSON, or a persisted one that is requested
 * by GET, by a client that accepts JSON. It makes no Request, no Response and no streams of them. All else goes to Yoga as
 * it came.
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
          'a request was not answered',
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
    let answered: Shareable | undefined;
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
        // Where a body was read, Yoga looks for it here.
        void yoga(body === undefined ? incoming : Object.assign(incoming, { body }), response);
        return;
      }
      const make = () => exchange.answer(prepared, params.variables);
      answered =
        cache === undefined || key === undefined
          ? await make()
          : await cache.once(key, { principal, requestId, signal }, make);
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

  async function send(reply: Reply, result: ExecutionResult, store?: Shareable['store']): Promise<void> {
    if (result.errors !== undefined) {
      // What becomes of errors, in the status, the headers and the body, is Yoga's to say.
      const told = processRegularResult(result, yoga.fetchAPI, reply.mediaType);
      const headers: Record<string, string> = {};
      told.headers.forEach((value, name) => (headers[name.toLowerCase()] = value));
      write(reply, { status: told.status, text: await told.text(), headers });
      return;
    }
    const text = JSON.stringify(result);
    store?.(text);
    write(reply, { text });
  }

  function write({ exchange, response, mediaType }: Reply, { status = 200, text, headers }: Written): void {
    if (response.destroyed || response.writableEnded) return;
    const all = {
      'content-type': `${mediaType}; charset=utf-8`,
      ...headers,
      'content-length': String(Buffer.byteLength(text)),
      ...exchange.headers(),
    };
    response.writeHead(status, all).end(text);
  }
}

/** What is answered, and as what. */
interface Reply {
  exchange: Exchange;
  response: ServerResponse;
  mediaType: MediaType;
}

interface Written {
  status?: number;
  text: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
}

function isPlain({ method, url = '', headers }: IncomingMessage, endpoint: string): boolean {
  if (headers.host === undefined) return false;
  if (method === 'POST')
    return url === endpoint && headers['content-type']?.startsWith('application/json') === true;
  // What comes after a "#" is no part of the parameters.
  return (
    method === 'GET' && url.startsWith(`${endpoint}?`) && url.includes('documentId=') && !url.includes('#')
  );
}
