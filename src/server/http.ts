import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../errors.js';

/** Requests under way at a stop get this long to be answered. */
const STOP_WITHIN_MS = 10_000;

export interface HttpServer {
  /** Where it listens, such as `http://localhost:4000`. */
  url: string;
  /** Takes no new requests, answers those under way, then closes. */
  stop(): Promise<void>;
}

/** Listens on a port. A port that is taken is a ConfigError that says what to do. */
export async function listen(
  handler: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  let stopping = false;
  const server = createServer((request, response) => {
    // A client that keeps its connection would keep the server from closing.
    if (stopping) response.setHeader('connection', 'close');
    handler(request, response);
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
  return {
    url: `http://${host === '127.0.0.1' || host === '0.0.0.0' ? 'localhost' : host}:${bound}`,
    stop: async () => {
      stopping = true;
      const closed = once(server, 'close');
      server.close();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, STOP_WITHIN_MS);
      // Idle connections are closed by close() itself; those that become idle are by their last answer's header.
      await closed;
      clearTimeout(timer);
    },
  };
}
