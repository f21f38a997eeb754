import { hash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import type { z } from 'zod';
import {
  SourceAuthenticationError,
  SourceContractError,
  SourceError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
} from '../errors.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { CallSignal } from '../v8/call-signal.js';
import type { Session } from './auth.js';
import type { Received } from '../diagnosis.js';
import type { CallScope, ConnectorOptions } from './connector.js';
import { asRawBytes, parseYielding, parseLeniently, parseText } from './body.js';
import { parseExactJson } from './decimal.js';
import { exchange, type AnswerHeaders, type Exchanged } from './exchange.js';
import { mismatchesOf } from './mismatches.js';
import { countNotedValues, templateOf } from './path-template.js';
import { networkFailure, vendorCodeIn } from './vendor-code.js';

/** Bound on the body of an error answer. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Concurrent connections to one system. More calls wait for a free one. */
const MAX_CONNECTIONS = 64;
/** Bound on answers that are cached for revalidation with their ETag. Beyond it the least recently used are dropped. */
const MAX_VALIDATED_BYTES = 4 * 1024 * 1024;

export interface HttpAnswer {
  status: number;
  /** The parsed JSON or the text, not validated yet; undefined if the status is not 2xx. */
  body: unknown;
  /** The `Content-Type` of a raw answer. */
  type?: string | undefined;
  /** The requested header: see `answerHeader`. */
  header?: string | undefined;
}

/** The meaning of an answer whose status is not 2xx. */
export type ErrorKind = 'unauthenticated' | 'forbidden' | 'rate-limited' | 'unavailable' | 'not-understood';

/** Reads the kind of error from the body, for systems whose status is ambiguous. Undefined: use the status. */
export type ReadErrorKind = (status: number, body: unknown) => ErrorKind | undefined;

/** Reads rate-limit info from non-standard headers. */
export type ReadRateLimits = (headers: AnswerHeaders) => RateLimitInfo | undefined;

/** Behaviour that is specific to a system. */
export interface HttpExtras {
  /** Credentials that are renewed at run time. Their headers are sent with each call. */
  session?: Session | undefined;
  /** The trusted CAs. Default: public CAs. */
  trust?: SecureContext | undefined;
  readErrorKind?: ReadErrorKind | undefined;
  readRateLimits?: ReadRateLimits | undefined;
  /** Whether numbers that JavaScript cannot represent exactly are returned as text. Default false. */
  exactNumbers?: boolean | undefined;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Path and query after the base address, already encoded. */
  path: string;
  body?: string;
  /** Whether the answer is plain text instead of JSON. */
  isText?: boolean;
  /** Whether the body is returned as raw bytes, for statuses listed in `expected` too. */
  isRaw?: boolean;
  /** Headers that are added to the default ones or replace them. */
  headers?: Readonly<Record<string, string>>;
  /** A header of the answer that is returned with it, in lower case, such as `link`. Default: none. */
  answerHeader?: string;
}

/** JSON over HTTP with one system. `rest`, `graphql`, `odata` and `soap` share it. */
export interface HttpTransport {
  /**
   * Resolves to what `read` returns for a success status (2xx) or one in `expected`; other statuses reject with a
   * SourceError. `read` is a part of the call: if it throws, the call has failed.
   */
  send<T>(
    scope: CallScope,
    request: HttpRequest,
    read: (answer: HttpAnswer) => T,
    expected?: readonly number[],
  ): Promise<T>;
  readonly baseUrl: URL;
  /** Drops the answers that are cached for revalidation. */
  forget(): void;
  close(): Promise<void>;
}

/** Opens a keep-alive pool to the origin of an address. Redirects are not followed. */
export function openHttp(
  baseUrl: string,
  headers: Record<string, string>,
  { source, timeoutMs, concurrency = 0, maxAnswerBytes }: ConnectorOptions,
  { session, trust, readErrorKind, readRateLimits, exactNumbers = false }: HttpExtras = {},
): HttpTransport {
  const base = new URL(baseUrl);
  // The scope's timeout covers connecting, waiting and reading, so undici's own timeouts are off. Only the connect
  // timeout is set, because a connection is not bound to one call and would outlive it.
  const pool = new Pool(base.origin, {
    connections: Math.max(MAX_CONNECTIONS, concurrency),
    connect: { timeout: timeoutMs, ...(trust === undefined ? {} : { secureContext: trust }) },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  });
  const prefix = base.pathname === '/' ? '' : base.pathname;
  const defaultHeaders = { accept: 'application/json', ...headers };
  const headersWithBody = { ...defaultHeaders, 'content-type': 'application/json' };
  const readJson = exactNumbers ? parseExactJson : (JSON.parse as (text: string) => unknown);
  let validated = createValidated();

  return {
    baseUrl: base,
    send: (
      scope,
      { method, path, body, isText = false, isRaw = false, headers: more, answerHeader = '' },
      readAnswer,
      expected = [],
    ) => {
      const notedBefore = countNotedValues();
      const call = async (signal: CallSignal) => {
        // For most systems nothing is cached, so the digest is computed only if something is.
        const known =
          method === 'GET' && validated.size > 0
            ? validated.get(digestOf(`${answerHeader} ${path}`))
            : undefined;
        // If answers are forgotten during this call, its answer is stored in the old map, which is never read again.
        const validatedAtStart = validated;
        const parseBody = isRaw ? asRawBytes : isText ? parseText : parseYielding(readJson);
        const isSuccess = (status: number) => status >= 200 && status < 300;
        const isExpected = (status: number) => isSuccess(status) || (isRaw && expected.includes(status));
        const sendOnce = (credentials: Record<string, string> = {}) =>
          exchange(
            pool,
            {
              method,
              path: `${prefix}${path}` || '/',
              headers: {
                ...(body === undefined ? defaultHeaders : headersWithBody),
                ...(isText ? { accept: 'text/plain' } : {}),
                ...more,
                ...credentials,
                ...scope.headers,
                ...(known === undefined ? {} : { 'if-none-match': known.etag }),
              },
              body: body ?? null,
            },
            { signal, maxBytes: (status) => (isExpected(status) ? maxAnswerBytes : MAX_ERROR_BYTES) },
          ).catch((error: unknown) => {
            throw new SourceUnavailableError(source, `${source} cannot be reached.`, {
              cause: error,
              ...networkFailure(error),
            });
          });
        const answer = await (session === undefined ? sendOnce() : sendWithSession(session, sendOnce));
        const { status, headers } = answer;
        const type = isRaw ? String(headers['content-type'] ?? '') : undefined;
        reportHeaders(scope, headers);
        const rateLimits = readRateLimits?.(headers);
        if (rateLimits !== undefined) scope.slowDown(rateLimits);
        if (isSuccess(status)) {
          const bytes = completeBody(answer, source, maxAnswerBytes);
          const read = parseBody(bytes, source);
          const parsed = read instanceof Promise ? ((await read) as unknown) : read;
          const { etag } = headers;
          const header = [headers[answerHeader]].flat()[0];
          if (method === 'GET' && typeof etag === 'string')
            validatedAtStart.set(digestOf(`${answerHeader} ${path}`), { etag, header, bytes });
          return readAnswer({ status, body: parsed, type, header });
        }
        if (status === 304 && known !== undefined)
          return readAnswer({
            status: 200,
            body: await parseBody(known.bytes, source),
            type,
            header: known.header,
          });
        if (isExpected(status))
          return readAnswer({ status, body: completeBody(answer, source, maxAnswerBytes), type });
        // The text of an error is not passed on, because it may contain personal data.
        const errorBody = parseLeniently(answer.body);
        const kind = readErrorKind?.(status, errorBody);
        if (kind === undefined && expected.includes(status)) return readAnswer({ status, body: undefined });
        const vendorCode = vendorCodeIn(errorBody, `${path} ${body ?? ''}`);
        throw errorOf(kind ?? kindOfStatus(status), source, {
          retryAfter: retryAfterSeconds(headers),
          received: { status, vendorCode },
        });
      };
      return scope.run(call).catch((error: unknown) => {
        if (error instanceof SourceError)
          error.addRequest({ method, path: templateOf(`${prefix}${path}`, notedBefore) });
        throw error;
      });
    },
    forget: () => {
      validated = createValidated();
    },
    close: async () => {
      await Promise.all([pool.destroy(), session?.close()]);
    },
  };
}

/** An answer that is cached for revalidation. */
interface Validated {
  etag: string;
  /** The header that was requested with it. */
  header: string | undefined;
  bytes: Buffer;
}

/** Creates the map of answers with an ETag, by the digest of their path and the requested header. */
function createValidated(): LRUCache<string, Validated> {
  return new LRUCache({
    maxSize: MAX_VALIDATED_BYTES,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length,
  });
}

/** Sends the request with the current credentials, and once more with new ones if they have expired. */
async function sendWithSession(
  session: Session,
  sendOnce: (credentials: Record<string, string>) => Promise<Exchanged>,
): Promise<Exchanged> {
  const first = await session.headers();
  const answer = await sendOnce(first);
  const isRefused = answer.status === 401;
  if (!isRefused) session.accepted(first);
  if (!isRefused || !session.refused(first)) return answer;
  const renewed = await session.headers();
  const second = await sendOnce(renewed);
  if (second.status === 401) session.refused(renewed);
  else session.accepted(renewed);
  return second;
}

/** Reports the lifetime of the answer and the system's rate-limit info to the scope. */
function reportHeaders(scope: CallScope, headers: AnswerHeaders): void {
  const maxAge = maxAgeMs(headers['cache-control']);
  if (maxAge !== undefined) scope.limitMaxAge(maxAge);
  const remaining = numberIn(headers, REMAINING);
  if (remaining === undefined) return;
  const resetSeconds = secondsToReset(headers);
  scope.slowDown({ remaining, ...(resetSeconds === undefined ? {} : { resetMs: resetSeconds * 1000 }) });
}

/**
 * Header names for the calls that remain in the current window, and for the seconds until it ends: the IETF draft on
 * RateLimit headers, and the common `X-` variant. A system with other names needs `readRateLimits`.
 */
const REMAINING = ['ratelimit-remaining', 'x-rate-limit-remaining'];
const RESET = ['ratelimit-reset', 'x-rate-limit-reset'];

function numberIn(headers: AnswerHeaders, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string' && /^\d{1,10}$/.test(value)) return Number(value);
  }
  return undefined;
}

/**
 * Seconds from now. Some systems send a Unix timestamp instead; it is recognised because no window lasts thirty
 * years.
 */
function secondsToReset(headers: AnswerHeaders): number | undefined {
  const value = numberIn(headers, RESET);
  if (value === undefined || value < 1_000_000_000) return value;
  return Math.max(0, Math.ceil(value - Date.now() / 1000));
}

/**
 * Lifetime in milliseconds from `Cache-Control` (RFC 9111, 5.2.2). Many systems send `no-store` or zero with every
 * answer, so these values are ignored.
 */
function maxAgeMs(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/\bno-(store|cache)\b/i.test(value)) return undefined;
  const seconds = /\bmax-age=(\d{1,9})\b/i.exec(value)?.[1];
  return Number(seconds ?? 0) > 0 ? Number(seconds) * 1000 : undefined;
}

function completeBody({ body }: Exchanged, source: string, maxAnswerBytes: number): Buffer {
  if (body === 'too long')
    throw new SourceContractError(source, `${source} sent an answer of more than ${maxAnswerBytes} bytes.`, {
      kind: 'too-large',
    });
  if (body instanceof Error)
    throw new SourceUnavailableError(source, `${source} closed the connection in the middle of its answer.`, {
      cause: body,
      kind: 'broken-off',
    });
  return body;
}

/** The cache key of a path. It is a digest, because a path may contain an e-mail address. */
function digestOf(path: string): string {
  return hash('sha256', path, 'base64url');
}

/**
 * Validates an answer. The error names the place but never a value. `from`: index of the first item, when only a part
 * of a list is checked.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, source: string, from = 0): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const mismatches = mismatchesOf(result.error.issues, from);
  throw new SourceContractError(
    source,
    `${source} sent an answer that does not match its schema, at: ${mismatches.map(({ path }) => path).join(', ')}.`,
    { received: { mismatches } },
  );
}

function kindOfStatus(status: number): ErrorKind {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 429) return 'rate-limited';
  return status >= 500 || status === 408 ? 'unavailable' : 'not-understood';
}

interface FailedAnswer {
  retryAfter?: number | undefined;
  received: Received & { status: number };
}

/** The error for an answer whose status is not 2xx. */
export function errorOf(kind: ErrorKind, source: string, answer: FailedAnswer): SourceError {
  const { status } = answer.received;
  switch (kind) {
    case 'unauthenticated':
      return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, answer);
    case 'forbidden':
      return new SourceForbiddenError(source, `${source} does not let the gateway read this.`, answer);
    case 'rate-limited':
      return new SourceRateLimitedError(source, `${source} rate-limited the gateway.`, answer);
    case 'unavailable':
      return new SourceUnavailableError(source, `${source} returned an error (status ${status}).`, {
        ...answer,
        kind: 'server-error',
      });
    case 'not-understood':
      return new SourceContractError(
        source,
        `${source} did not understand the gateway's request (status ${status}).`,
        { ...answer, kind: status === 404 || status === 410 ? 'not-found' : 'request-refused' },
      );
  }
}

/** `Retry-After` (RFC 9110, 10.2.3) in seconds: it is either a number of seconds or a date. */
function retryAfterSeconds(headers: AnswerHeaders): number | undefined {
  const value = headers['retry-after'];
  // Without `Retry-After`, the end of an exhausted rate-limit window is used.
  if (typeof value !== 'string')
    return numberIn(headers, REMAINING) === 0 ? secondsToReset(headers) : undefined;
  // Some systems send fractions of seconds.
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
