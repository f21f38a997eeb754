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
  /** 0 for any port that is free. */
  port: number;
  /** A client that takes longer to send its headers is cut off. Default 10 s. */
  headersTimeoutMs?: number;
  /** A client that takes longer to send its whole request is cut off. Default 30 s. */
  requestTimeoutMs?: number;
  /** A connection without requests is kept this long: longer than load balancers do, so that they end it. Default 65 s. */
  keepAliveMs?: number;
  /** A connection on which nothing moves for so long is cut off: a client that does not read its answer. Default 120 s. */
  silenceMs?: number;
  /** See `Connections`. Default 10,000. */
  maxConnections?: number;
  /** See `Connections`. Default 500. */
  maxConnectionsPerAddress?: number;
  /** What it goes by that a client is slow. Default: `performance`. */
  clock?: Clock;
  /** Requests under way at a stop get this long to be answered; then they are cut off. Default 10 s. */
  stopWithinMs?: number;
}

export interface HttpServer {
  /** Where it listens, such as `http://localhost:4000`. */
  url: string;
  /** Takes no new requests, answers those under way, then closes. */
  stop: () => Promise<void>;
}

/** What is answered before it has come is listened to for so long. */
const DROP_FOR_MS = 5_000;

/** Request line and headers together may have so many bytes; more is answered with status 431. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Whoever is told that a connection ends gets this long to read it. */
const LINGER_MS = 1_000;

/** Listens on a port. A port that is taken is a ConfigError that says what to do. */
export async function listen(
  handler: RequestListener,
  {
    host,
    port,
    headersTimeoutMs = 10_000,
    requestTimeoutMs = 30_000,
    keepAliveMs = 65_000,
    silenceMs = 120_000,
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
    // Node's own refusal would leave without our headers; ours is in guardEdge.
    requireHostHeader: false,
  });
  server.timeout = silenceMs;
  // One more than is allowed, so that it shows: Node leaves out the others silently.
  server.maxHeadersCount = MAX_HEADERS + 1;
  const connections = new Connections({ maxConnections, maxPerAddress: maxConnectionsPerAddress, clock });
  const guarded = guardEdge(handler, { origins, allowedHosts });
  server.on('connection', (socket) => {
    connections.opened(socket);
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    if (!connections.asked(request, response)) return;
    response.once('close', () => {
      connections.answered(request);
      if (!server.listening && connections.isIdle(socket)) socket.destroySoon();
      else if (!request.complete) dropRest(request);
    });
    guarded(request, response);
  });
  // What else than a body is expected may be passed over (RFC 9110, 10.1.1). Node's own refusal is without our headers.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', tellBrokenOff(connections));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new ConfigError([
      taken
        ? `PORT ${port} on ${host} is taken by another program: stop that one, or set PORT to a free port.`
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
        // Node's own way leaves out connections on which nothing was asked yet: they would keep the server from closing.
        for (const socket of connections.idle()) socket.destroySoon();
      });
      return stopped;
    },
  };
}

/**
 * What still comes of a request that is answered is dropped, so that the client can read the answer; but not for ever,
 * and not gigabytes of it.
 */
function dropRest(request: IncomingMessage): void {
  const { socket } = request;
  const [enough, until] = [socket.bytesRead + MAX_DROPPED_BYTES, performance.now() + DROP_FOR_MS];
  const timer = setInterval(() => {
    if (!request.complete && !socket.destroyed) {
      if (socket.bytesRead < enough && performance.now() < until) return;
      socket.destroy();
    }
    clearInterval(timer);
  }, 20).unref();
}

const NO_HTTP: Refusal = { status: 400, code: 'BAD_REQUEST', message: 'This is not HTTP as it should be.' };
const BROKEN_OFF: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'BAD_REQUEST',
    message: 'The request took too long to come.',
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'LIMIT_EXCEEDED',
    message: `The address and headers of a request may have at most ${MAX_HEADER_BYTES} bytes.`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'LIMIT_EXCEEDED',
    message: 'The chunks of the body have too large extensions.',
  },
};

/** Answers what never became a whole request, unless that would stand in the middle of another answer. */
function tellBrokenOff(connections: Connections): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const told = new WeakSet<Duplex>();
  return ({ code = '' }, socket) => {
    // All that comes after is an error too, and is dropped by that.
    if (told.has(socket)) return;
    told.add(socket);
    if (!socket.writable || !(socket instanceof Socket) || !connections.isUnanswered(socket)) {
      socket.destroy();
      return;
    }
    socket.end(rawRefusal(BROKEN_OFF[code] ?? NO_HTTP));
    // Closed at once, with bytes still coming, the client would be reset before it has read why.
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
