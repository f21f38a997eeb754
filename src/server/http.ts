import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError } from '../errors.js';

export interface ListenOptions {
  host: string;
  /** 0 for any port that is free. */
  port: number;
  /** A client that takes longer to send its headers is cut off. Default 10 s. */
  headersTimeoutMs?: number;
  /** A client that takes longer to send its whole request is cut off. Default 30 s. */
  requestTimeoutMs?: number;
  /** A connection without requests is kept this long: longer than load balancers do, so that they end it. Default 65 s. */
  keepAliveMs?: number;
  /** Requests under way at a stop get this long to be answered; then they are cut off. Default 10 s. */
  stopWithinMs?: number;
}

export interface HttpServer {
  /** Where it listens, such as `http://localhost:4000`. */
  url: string;
  /** Takes no new requests, answers those under way, then closes. */
  stop: () => Promise<void>;
}

/** Listens on a port. A port that is taken is a ConfigError that says what to do. */
export async function listen(
  handler: RequestListener,
  {
    host,
    port,
    headersTimeoutMs = 10_000,
    requestTimeoutMs = 30_000,
    keepAliveMs = 65_000,
    stopWithinMs = 10_000,
  }: ListenOptions,
): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(headersTimeoutMs, 1_000),
  });
  // Node's own count leaves out connections on which nothing was asked yet: they would keep the server from closing.
  const underWay = new Map<Socket, number>();
  const count = (socket: Socket, change: number): void => {
    if (socket.destroyed) return;
    const requests = (underWay.get(socket) ?? 0) + change;
    underWay.set(socket, requests);
    if (requests === 0 && !server.listening) socket.destroySoon();
  };
  server.on('connection', (socket) => {
    count(socket, 0);
    socket.once('close', () => underWay.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    count(socket, 1);
    response.once('close', () => {
      count(socket, -1);
    });
    if (isAddressed(request)) handler(request, response);
    else response.writeHead(400, { connection: 'close' }).end();
  });
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
        for (const socket of underWay.keys()) count(socket, 0);
      });
      return stopped;
    },
  };
}

/** Whether the request's address is one. Yoga would answer another with the stack trace of what it stumbles over. */
function isAddressed({ url = '', headers }: IncomingMessage): boolean {
  return URL.canParse(`http://${headers.host ?? 'localhost'}${url}`);
}

function nameOf(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::1', '::'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
