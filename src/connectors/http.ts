import { Pool, type Dispatcher } from 'undici';
import type { z } from 'zod';
import {
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type SourceError,
} from '../errors.js';
import type { ConnectorOptions } from './connector.js';

/** A larger answer is an error of its source, not a full memory of the gateway. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
/** Of an answer that says no more than its status. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Connections to one system at once; more calls wait for one to come free. */
const MAX_CONNECTIONS = 64;

export interface HttpAnswer {
  status: number;
  /** The parsed JSON, not yet checked against anything; undefined when the status is not a good one. */
  body: unknown;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Path and query after the base address, already encoded. */
  path: string;
  body?: string;
}

/** JSON over HTTP with one system: what `rest` and `graphql` share. */
export interface HttpTransport {
  /** The answer when its status is a good one (2xx) or is among those expected; any other is a SourceError. */
  send(request: HttpRequest, expected?: readonly number[]): Promise<HttpAnswer>;
  readonly baseUrl: URL;
  close(): Promise<void>;
}

/** Opens a keep-alive pool to the origin of an address. Redirects are not followed. */
export function openHttp(
  baseUrl: string,
  headers: Record<string, string>,
  { source, guard, timeoutMs }: ConnectorOptions,
): HttpTransport {
  const base = new URL(baseUrl);
  // The guard's timeout covers connecting, waiting and reading alike, so undici's own clocks are off. But for
  // connecting, which is not a single call's: without it an attempt would outlive the call that wanted it.
  const pool = new Pool(base.origin, {
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  });
  const prefix = base.pathname === '/' ? '' : base.pathname;
  const sent = { accept: 'application/json', ...headers };
  const sentWithBody = { ...sent, 'content-type': 'application/json' };

  return {
    baseUrl: base,
    send: ({ method, path, body }, expected = []) =>
      guard(async (signal) => {
        const answer = await pool
          .request({
            method,
            path: `${prefix}${path}` || '/',
            headers: body === undefined ? sent : sentWithBody,
            body: body ?? null,
            signal,
          })
          .catch((error: unknown) => {
            throw new SourceUnavailableError(source, `${source} cannot be reached.`, { cause: error });
          });
        const { statusCode: status } = answer;
        if (status >= 200 && status < 300)
          return { status, body: parse(await read(answer.body, source), source) };
        // A short body is read to its end so that the connection can be used again; what it says stays here.
        await answer.body.dump({ limit: MAX_ERROR_BYTES });
        if (expected.includes(status)) return { status, body: undefined };
        throw errorForStatus(source, status, retryAfterSeconds(answer.headers));
      }),
    close: () => pool.destroy(),
  };
}

async function read(body: Dispatcher.ResponseData['body'], source: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new SourceUnavailableError(source, `${source} broke off in the middle of its answer.`, {
      cause: error,
    });
  }
  if (size > MAX_ANSWER_BYTES) {
    throw new SourceContractError(source, `${source} sent an answer of more than ${MAX_ANSWER_BYTES} bytes.`);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(bytes: Buffer, source: string): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch (error) {
    throw new SourceContractError(source, `${source} sent an answer that is not JSON.`, { cause: error });
  }
}

/** Checks what a system sent. The error names the place, never a value. */
export function check<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const places = result.error.issues.slice(0, 5).map((issue) => issue.path.map(String).join('.') || '(top)');
  throw new SourceContractError(
    source,
    `${source} sent an answer of another shape, at: ${places.join(', ')}.`,
  );
}

function errorForStatus(source: string, status: number, retryAfter: number | undefined): SourceError {
  if (status === 401 || status === 403) {
    return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`);
  }
  if (status === 429) {
    return new SourceRateLimitedError(source, `${source} asks us to slow down.`, { retryAfter });
  }
  if (status >= 500 || status === 408) {
    return new SourceUnavailableError(source, `${source} answered with an error (status ${status}).`, {
      retryAfter,
    });
  }
  return new SourceContractError(
    source,
    `${source} did not understand the gateway's request (status ${status}).`,
  );
}

/** `Retry-After` (RFC 9110, 10.2.3) in seconds: it is either a number of seconds or a date. */
function retryAfterSeconds(headers: Dispatcher.ResponseData['headers']): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  // Some write seconds with decimals.
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
