import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import { Connections } from './connections.js';
import { defaultHosts, guardEdge, MAX_HEADERS, type EdgeOptions } from './edge.js';
import { MAX_DROPPED_BYTES } from './read-request.js';
import { rawRefusal, type Refusal } from './refusal.js';

export interface ListenOptions extends EdgeOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  /** A client that takes longer to send its headers is disconnected. Default 10 s. */
  headersTimeoutMs?: number;
  /** A client that takes longer to send its whole request is disconnected. Default 30 s. */
  requestTimeoutMs?: number;
  /**
   * An idle connection is closed after this time. It is longer than that of load balancers, so that they close it.
   * Default 65 s.
   */
  keepAliveMs?: number;
  /**
   * A connection without any traffic is closed after this time, such as of a client that does not read. Default 120
   * s.
   */
  inactivityTimeoutMs?: number;
  /** See `Connections`. Default 10,000. */
  maxConnections?: number;
  /** See `Connections`. Default 500. */
  maxConnectionsPerAddress?: number;
  /** Measures how long a client is slow. Default: `performance`. */
  clock?: Clock;
  /** Time to answer the in-flight requests at a stop. Then their connections are closed. Default 10 s. */
  stopWithinMs?: number;
}

export interface HttpServer {
  /** The address of the server, such as `http://localhost:4000`. */
  url: string;
  /** Accepts no new requests, answers the in-flight requests, then closes. */
  stop: () => Promise<void>;
}

/** After an early answer, the rest of the request is read and dropped for at most this long. */
const MAX_DROP_MS = 5_000;
const DROP_CHECK_INTERVAL_MS = 20;

/** Maximum size of request line and headers together. A larger request is answered with status 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Time for a client to read the refusal before its connection is closed. */
const LINGER_MS = 1_000;

/** Listens on a port. Rejects with a ConfigError if the port is in use or not available. */
export async function listen(
  handler: RequestListener,
  {
    host,
    port,
    headersTimeoutMs = 10_000,
    requestTimeoutMs = 30_000,
    keepAliveMs = 65_000,
    inactivityTimeoutMs = 120_000,
    stopWithinMs = 10_000,
    maxConnections = 10_000,
    maxConnectionsPerAddress = 500,
    origins,
    allowedHosts = defaultHosts(host),
    clock = performance,
  }: ListenOptions,
): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(headersTimeoutMs, 1_000),
    maxHeaderSize: MAX_HEADER_BYTES,
    // Node would refuse a request without a host, but without the security headers. `guardEdge` refuses it with them.
    requireHostHeader: false,
  });
  server.timeout = inactivityTimeoutMs;
  // One more than is allowed, so that an excess is detected: Node ignores further headers silently.
  server.maxHeadersCount = MAX_HEADERS + 1;
  const connections = new Connections({ maxConnections, maxPerAddress: maxConnectionsPerAddress, clock });
  const guarded = guardEdge(handler, { origins, allowedHosts });
  server.on('connection', (socket) => {
    connections.opened(socket);
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    if (!connections.requested(request, response)) return;
    response.once('close', () => {
      connections.answered(request);
      if (!server.listening && connections.isIdle(socket)) socket.destroySoon();
      else if (!request.complete) dropRest(request);
    });
    guarded(request, response);
  });
  // An unknown `Expect` may be ignored (RFC 9110, 10.1.1). Node would refuse the request without the security headers.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', createClientErrorHandler(connections));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const isInUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new ConfigError([
      isInUse
        ? `PORT ${port} on ${host} is in use by another program: stop that program, or set PORT to a free port.`
        : `HOST ${host}, PORT ${port}: the gateway cannot listen there (${String(error)}).`,
    ]);
  }
  const { port: bound } = server.address() as AddressInfo;
  let stopped: Promise<void> | undefined;
  return {
    url: `http://${nameOf(host)}:${bound}`,
    stop: () => {
      stopped ??= new Promise((resolve) => {
        const timer = setTimeout(() => {
          server.closeAllConnections();
        }, stopWithinMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        // Node does not close connections that sent no request yet, and would wait for them.
        for (const socket of connections.idle()) socket.destroySoon();
      });
      return stopped;
    },
  };
}

/**
 * Reads and drops the rest of a request that was answered early, so that the client can read the answer. Closes the
 * connection after `MAX_DROPPED_BYTES` or `MAX_DROP_MS`.
 */
function dropRest(request: IncomingMessage): void {
  const { socket } = request;
  const [maxBytesRead, endsAt] = [socket.bytesRead + MAX_DROPPED_BYTES, performance.now() + MAX_DROP_MS];
  const timer = setInterval(() => {
    if (!request.complete && !socket.destroyed) {
      if (socket.bytesRead < maxBytesRead && performance.now() < endsAt) return;
      socket.destroy();
    }
    clearInterval(timer);
  }, DROP_CHECK_INTERVAL_MS).unref();
}

const INVALID_HTTP: Refusal = { status: 400, code: 'BAD_REQUEST', message: 'The request is not valid HTTP.' };
/** Refusals of incomplete requests, by Node's error code. */
const INCOMPLETE: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'BAD_REQUEST',
    message: 'The request was not received in time. Send it again.',
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'LIMIT_EXCEEDED',
    message: `The URL and headers of a request may have at most ${MAX_HEADER_BYTES} bytes together.`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'LIMIT_EXCEEDED',
    message: 'The chunk extensions of the body are too large.',
  },
};

/** Answers an invalid or incomplete request with a refusal, unless that would break another response. */
function createClientErrorHandler(
  connections: Connections,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const refused = new WeakSet<Duplex>();
  return ({ code = '' }, socket) => {
    // Every further chunk causes this error again. Handling it here drops the chunk.
    if (refused.has(socket)) return;
    refused.add(socket);
    if (!socket.writable || !(socket instanceof Socket) || !connections.isUnanswered(socket)) {
      socket.destroy();
      return;
    }
    socket.end(rawRefusal(INCOMPLETE[code] ?? INVALID_HTTP));
    // If the socket were closed while bytes still arrive, the client would get a reset instead of the refusal.
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
  };
}

function nameOf(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::1', '::'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
