import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

/** The HTTP server of the stand-ins, so that a stand-in itself has only its vendor's behaviour. */

export interface HttpCall {
  method: string;
  /** Percent-encoded as received, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Empty if there is none. */
  body: string;
  /** The caller's scheme and host, so that links in an answer lead back through the proxy. */
  origin: string;
}

export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export type HttpHandler = (call: HttpCall) => HttpAnswer | Promise<HttpAnswer>;

export interface HttpService {
  url: string;
  close: () => Promise<void>;
}

const keepAliveMs = 60_000;

/**
 * Serves on 127.0.0.1, on a free port unless `port` is set. `createHandler` receives the address, for links in answers. A body
 * above `maxBodyBytes` (default one million) is answered with 413.
 */
export async function serveHttp(
  createHandler: (url: string) => HttpHandler,
  { maxBodyBytes = 1_000_000, port = 0 }: { maxBodyBytes?: number; port?: number } = {},
): Promise<HttpService> {
  const server = createServer({ keepAliveTimeout: keepAliveMs });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const url = `http://127.0.0.1:${address.port}`;
  const handler = createHandler(url);

  server.on('request', (request, response) => {
    answerRequest(request, handler, maxBodyBytes).then(
      (answer) => {
        send(response, answer);
      },
      (error: unknown) => {
        // The only reader is a developer who uses the stand-in.
        send(response, { status: 500, body: error instanceof Error ? (error.stack ?? '') : String(error) });
      },
    );
  });

  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answerRequest(
  request: IncomingMessage,
  handler: HttpHandler,
  maxBodyBytes: number,
): Promise<HttpAnswer> {
  const target = request.url ?? '/';
  const queryStart = target.indexOf('?');
  const { headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  const body = hasBody ? await readBody(request, maxBodyBytes) : '';
  if (body === undefined) return { status: 413, headers: { connection: 'close' } };

  return handler({
    method: request.method ?? 'GET',
    path: queryStart === -1 ? target : target.slice(0, queryStart),
    query: new URLSearchParams(queryStart === -1 ? '' : target.slice(queryStart + 1)),
    headers,
    body,
    origin: `http://${headers.host ?? '127.0.0.1'}`,
  });
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('the request has an encoding set');
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, headers, body = '' }: HttpAnswer): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(bytes);
}

const comma = Buffer.from(',');

/** Joins records that are JSON bytes, with commas between them and text before and after. They are copied, not serialised. */
export function joinJson(before: string, records: readonly Buffer[], after: string): Buffer {
  const parts: Buffer[] = [Buffer.from(before)];
  for (const record of records) {
    if (parts.length > 1) parts.push(comma);
    parts.push(record);
  }
  parts.push(Buffer.from(after));
  return Buffer.concat(parts);
}

/** The value of a header. Of several values, the first counts. */
export function headerValue(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export interface RateState {
  exceeded: boolean;
  limit: number;
  remaining: number;
  /** The time until the count restarts. */
  resetMs: number;
}

export interface RateWindow {
  /** Counts one call, also a rejected one. */
  take: () => RateState;
  /** Counts nothing. */
  peek: () => RateState;
}

/** Counts calls per window of fixed length. The first call after the end of a window starts the next one. */
export function createRateWindow({
  limit,
  windowMs,
  now,
}: {
  limit: number;
  windowMs: number;
  now: () => number;
}): RateWindow {
  let startedAt = -Infinity;
  let taken = 0;
  const count = (calls: number): RateState => {
    const time = now();
    if (time - startedAt >= windowMs) {
      startedAt = time;
      taken = 0;
    }
    taken += calls;
    return {
      exceeded: taken > limit,
      limit,
      remaining: Math.max(0, limit - taken),
      resetMs: startedAt + windowMs - time,
    };
  };
  return { take: () => count(1), peek: () => count(0) };
}
