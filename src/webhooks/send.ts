import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { Endpoint } from './endpoints.js';
import { publicConnector } from './public-address.js';
import { signedHeaders } from './standard-webhooks.js';

/** The response body is read up to this size, so that the connection can be reused. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface Sent {
  /** `delivered`: status 2xx. `gone`: status 410. `failed`: anything else. */
  outcome: 'delivered' | 'gone' | 'failed';
  /** The HTTP status, or the reason why there is none. */
  reason: string;
  /** Whether the status is 429, 502 or 504. */
  isOverloaded: boolean;
  /** `Retry-After` in milliseconds. */
  retryAfterMs?: number;
}

export interface Sender {
  /** Sends one attempt. Never rejects. */
  send(endpoint: Endpoint, message: { id: string; body: string; now: number }): Promise<Sent>;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Time from connecting to the status of the response. Default: 15,000 ms. */
  timeoutMs?: number | undefined;
  /** Resolves a host name. Default: the system's resolver. */
  lookup?: LookupFunction | undefined;
}

/** Sends deliveries as Standard Webhooks specifies. Redirects are not followed. */
export function createSender({ timeoutMs = 15_000, lookup }: SenderOptions = {}): Sender {
  const options = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 };
  const open = new Agent({ ...options, connect: publicConnector(timeoutMs, lookup) });
  const anywhere = new Agent({
    ...options,
    connect: { timeout: timeoutMs, ...(lookup === undefined ? {} : { lookup }) },
  });

  return {
    send: async (endpoint, { id, body, now }) => {
      const dispatcher = endpoint.allowPrivate ? anywhere : open;
      const url = new URL(endpoint.url);
      try {
        const answer = await dispatcher.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: 'POST',
          headers: { 'content-type': 'application/json', ...signedHeaders(endpoint, { id, body, now }) },
          body,
          signal: AbortSignal.timeout(timeoutMs),
        });
        // The status is enough. The rest of the response is read without waiting for it.
        void answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
        return read(answer, now);
      } catch (error) {
        return { outcome: 'failed', reason: reasonOf(error), isOverloaded: false };
      }
    },
    close: async () => {
      await Promise.all([open.destroy(), anywhere.destroy()]);
    },
  };
}

function read({ statusCode: status, headers }: Dispatcher.ResponseData, now: number): Sent {
  const retryAfterMs = retryAfter(headers['retry-after'], now);
  return {
    outcome: status >= 200 && status < 300 ? 'delivered' : status === 410 ? 'gone' : 'failed',
    reason: `status ${status}`,
    isOverloaded: status === 429 || status === 502 || status === 504,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** `Retry-After` (RFC 9110, 10.2.3): a number of seconds, or a date. */
function retryAfter(value: string | string[] | undefined, now: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  PRIVATE_ADDRESS: 'private address',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  UND_ERR_SOCKET: 'connection lost',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name not found',
};

/** Describes an error by its code: messages, such as those about certificates, contain names and addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'not sent';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return REASONS[code] ?? (/^\w+$/.test(code) ? `not sent (${code})` : 'not sent');
}
