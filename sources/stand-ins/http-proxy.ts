import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { createDrip } from './drip.js';
import type { Condition } from './fault.js';
import { openProxyPort, type ProxyPort } from './proxy-port.js';

/** Headers of one connection, which are not forwarded. */
const hopByHop = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ],
  // Made again with the forwarded body.
  'content-length',
]);

/** Starts a proxy in front of an HTTP system. It forwards requests, unless a fault is set. */
export async function startHttpProxy(target: URL): Promise<ProxyPort> {
  // The gateway limits the time of an answer.
  const system = new Pool(target.origin, { connections: null, headersTimeout: 0, bodyTimeout: 0 });
  // Longer than the idle time of any client. So the server never closes a connection that a client is about to use again.
  const server = createServer({ keepAliveTimeout: 120_000, noDelay: true });
  const port = await openProxyPort(server, { release: () => system.destroy() });

  server.on('request', (request, response) => {
    const { condition } = port;
    const { socket } = request;
    port.countCalls(1);

    if (condition.fault === 'reset') {
      socket.resetAndDestroy();
      return;
    }
    if (condition.fault === 'hang' || condition.fault === 'drip') port.breakWhenHealed(socket);
    if (condition.fault === 'hang') {
      request.resume();
      return;
    }
    if (condition.latencyMs === 0) {
      answer(system, request, response, condition);
      return;
    }
    const timer = setTimeout(() => {
      answer(system, request, response, condition);
    }, condition.latencyMs);
    response.once('close', () => {
      clearTimeout(timer);
    });
  });

  return port;
}

function answer(
  system: Dispatcher,
  request: IncomingMessage,
  response: ServerResponse,
  { fault, status }: Condition,
): void {
  switch (fault) {
    case 'status':
      request.resume();
      sendJson(response, status, { error: `The fault control answers with status ${status}` });
      return;
    case 'rate-limit':
      request.resume();
      response.setHeader('Retry-After', '2');
      sendJson(response, 429, { error: 'rate limited' });
      return;
    case 'garbage':
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/json' });
      // JSON never starts with this byte.
      response.end(Buffer.concat([Buffer.of(0), randomBytes(255)]));
      return;
    default:
      forward(system, request, response, fault === 'drip');
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

function forward(
  system: Dispatcher,
  request: IncomingMessage,
  response: ServerResponse,
  isDripping: boolean,
): void {
  if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) {
    dispatch(system, request, response, null, isDripping);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    dispatch(system, request, response, Buffer.concat(chunks), isDripping);
  });
}

function dispatch(
  system: Dispatcher,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer | null,
  isDripping: boolean,
): void {
  const drip = isDripping ? createDrip((byte) => response.write(byte)) : undefined;
  let running: Dispatcher.DispatchController | undefined;
  response.once('close', () => {
    drip?.stop();
    if (!response.writableFinished) running?.abort(new Error('the gateway closed the connection'));
  });

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      running = controller;
      if (response.destroyed) controller.abort(new Error('the gateway closed the connection'));
    },
    onResponseStart(_controller, status, headers, statusText) {
      if (status < 200) return;
      for (const [name, value] of Object.entries(headers)) {
        if (value !== undefined && (name === 'content-length' || !hopByHop.has(name))) {
          response.setHeader(name, value);
        }
      }
      response.writeHead(status, statusText);
      if (isDripping) response.flushHeaders();
    },
    onResponseData(controller, chunk) {
      if (drip !== undefined) {
        drip.push(chunk);
      } else if (!response.write(chunk)) {
        controller.pause();
        response.once('drain', () => {
          controller.resume();
        });
      }
    },
    onResponseEnd() {
      if (drip === undefined) response.end();
      else drip.end(() => response.end());
    },
    onResponseError() {
      // The connection breaks, as the system's did.
      request.socket.destroy();
    },
  };

  try {
    system.dispatch(
      {
        path: request.url ?? '/',
        method: request.method ?? 'GET',
        headers: forwardedHeaders(request.rawHeaders),
        body,
      },
      handler,
    );
  } catch (error) {
    sendJson(response, 400, { error: error instanceof Error ? error.message : 'not a request' });
  }
}

/** The headers to forward. `Host` stays the proxy's, so that links in an answer lead through the proxy. */
function forwardedHeaders(rawHeaders: readonly string[]): string[] {
  const forwarded: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name, value] = [rawHeaders[index], rawHeaders[index + 1]];
    if (name !== undefined && value !== undefined && !hopByHop.has(name.toLowerCase()))
      forwarded.push(name, value);
  }
  return forwarded;
}
