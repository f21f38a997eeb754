import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The requests that a small server received. */
export interface SeenRequest {
  method: string;
  /** The received text. */
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface SmallServer {
  url: string;
  seen: SeenRequest[];
  close(): Promise<void>;
}

/** Imitates a system with the answers of a test, on a free port of 127.0.0.1. */
export async function startServer(
  answer: (request: SeenRequest, response: ServerResponse) => void,
): Promise<SmallServer> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const seenRequest = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      };
      seen.push(seenRequest);
      answer(seenRequest, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Sends an endless answer until the other side closes the connection. Returns the number of bytes sent. */
export function sendWithoutEnd(response: ServerResponse): Promise<number> {
  let bytes = 0;
  const piece = Buffer.alloc(256 * 1024, 'z');
  const more = (): void => {
    while (!response.destroyed && response.write(piece)) bytes += piece.length;
    bytes += piece.length;
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.on('drain', more);
  more();
  return new Promise((resolve) => {
    response.once('close', () => {
      resolve(bytes);
    });
  });
}
