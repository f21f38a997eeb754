import type { RequestListener } from 'node:http';
import type { IncomingWebhook, Receiver } from '../webhooks/receive.js';
import { headersOf } from './node-request.js';

/**
 * Answers `/webhooks/<source>`, where systems report changes. It comes before all other handlers, because thousands of
 * messages may arrive at once and need none of the steps for GraphQL. Other requests go to `otherwise`.
 */
export function listenToWebhooks(receive: Receiver, otherwise: RequestListener): RequestListener {
  return (request, response) => {
    const { method = '', url = '', headers } = request;
    if (!url.startsWith('/webhooks/')) {
      otherwise(request, response);
      return;
    }
    const incoming = {
      method,
      url: `http://${headers.host ?? 'localhost'}${url}`,
      headers: headersOf(request),
      body: request,
    };
    void receive(incoming).then((answer) => {
      if (answer === undefined) otherwise(request, response);
      else response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  };
}

/** Answers `/webhooks/<source>` for a gateway without a port. Other requests go to `otherwise`. */
export function fetchWebhooks(
  receive: Receiver,
  otherwise: (request: Request) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = await receive(incomingOf(request));
    return answer === undefined ? otherwise(request) : new Response(answer.body, answer);
  };
}

export function incomingOf({ method, url, headers, body }: Request): IncomingWebhook {
  return { method, url, headers, body: body === null ? null : chunksOf(body) };
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}
