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
import { asItCame, parseYielding, parseLeniently, parseText } from './body.js';
import { parseExactJson } from './decimal.js';
import { exchange, type AnswerHeaders, type Exchanged } from './exchange.js';
import { misfitsOf } from './misfits.js';
import { templateOf } from './path-template.js';
import { networkFailure, vendorCodeIn } from './vendor-code.js';

/** Of an answer that says no more than its status. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Connections to one system at once; more calls wait for one to come free. */
const MAX_CONNECTIONS = 64;
/** Of answers that are kept to ask whether they still hold. Beyond it the least recently used are dropped. */
const MAX_VALIDATED_BYTES = 4 * 1024 * 1024;

export interface HttpAnswer {
  status: number;
  /** The parsed JSON or the text, not yet checked against anything; undefined when the status is not a good one. */
  body: unknown;
  /** Of a raw answer: its `Content-Type`. */
  type?: string | undefined;
}

/** What a system means by an answer whose status is not a good one. */
export type ErrorKind = 'unauthenticated' | 'forbidden' | 'rate-limited' | 'unavailable' | 'not-understood';

/** Reads it from the body, where the status does not tell; undefined when it does. */
export type ReadErrorKind = (status: number, body: unknown) => ErrorKind | undefined;

/** Reads rate limits from the headers of an answer, where they are not the standard ones. */
export type ReadRateLimits = (headers: AnswerHeaders) => RateLimitInfo | undefined;

/** What a system has of its own. */
export interface HttpExtras {
  /** Got and renewed while calls are made; what it gives goes along with the other headers. */
  session?: Session | undefined;
  /** Whose certificates are trusted. Default: those of the authorities that all the world trusts. */
  trust?: SecureContext | undefined;
  readErrorKind?: ReadErrorKind | undefined;
  readRateLimits?: ReadRateLimits | undefined;
  /** Numbers of which JavaScript would lose digits arrive as text. Default false. */
  exactNumbers?: boolean | undefined;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  /** Path and query after the base address, already encoded. */
  path: string;
  body?: string;
  /** The system answers this with plain text rather than JSON. */
  isText?: boolean;
  /** Or with something that is neither: the body is then the bytes as they came, also of an expected status. */
  isRaw?: boolean;
  /** Beside, or instead of, those that every request has. */
  headers?: Readonly<Record<string, string>>;
}

/** JSON over HTTP with one system: what `rest` and `graphql` share. */
export interface HttpTransport {
  /**
   * What is read from the answer when its status is a good one (2xx) or is among those expected; any other is a
   * SourceError. Reading is a part of the call: what it throws is the call's failure.
   */
  send<T>(
    scope: CallScope,
    request: HttpRequest,
    read: (answer: HttpAnswer) => T,
    expected?: readonly number[],
  ): Promise<T>;
  readonly baseUrl: URL;
  /** Drops the answers that are kept to ask whether they still hold. */
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
  // The scope's timeout covers connecting, waiting and reading alike, so undici's own clocks are off. But for
  // connecting, which is not a single call's: without it an attempt would outlive the call that wanted it.
  const pool = new Pool(base.origin, {
    connections: Math.max(MAX_CONNECTIONS, concurrency),
    connect: { timeout: timeoutMs, ...(trust === undefined ? {} : { secureContext: trust }) },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  });
  const prefix = base.pathname === '/' ? '' : base.pathname;
  const sent = { accept: 'application/json', ...headers };
  const sentWithBody = { ...sent, 'content-type': 'application/json' };
  const readJson = exactNumbers ? parseExactJson : (JSON.parse as (text: string) => unknown);
  let validated = createValidated();

  return {
    baseUrl: base,
    send: (
      scope,
      { method, path, body, isText = false, isRaw = false, headers: more },
      readAnswer,
      expected = [],
    ) => {
      // At once: by the time of a failure, the values in the path may no longer be remembered.
      const template = templateOf(`${prefix}${path}`);
      const call = async (signal: CallSignal) => {
        // Of most systems nothing is kept, and a name that it would be kept under need not be made.
        const known = method === 'GET' && validated.size > 0 ? validated.get(nameOf(path)) : undefined;
        // An answer that is under way when answers are forgotten is stored where nothing reads it any more.
        const validatedAtStart = validated;
        const parseBody = isRaw ? asItCame : isText ? parseText : parseYielding(readJson);
        const isGood = (status: number) => status >= 200 && status < 300;
        const isWanted = (status: number) => isGood(status) || (isRaw && expected.includes(status));
        const ask = (credentials: Record<string, string> = {}) =>
          exchange(
            pool,
            {
              method,
              path: `${prefix}${path}` || '/',
              headers: {
                ...(body === undefined ? sent : sentWithBody),
                ...(isText ? { accept: 'text/plain' } : {}),
                ...more,
                ...credentials,
                ...scope.headers,
                ...(known === undefined ? {} : { 'if-none-match': known.etag }),
              },
              body: body ?? null,
            },
            { signal, maxBytes: (status) => (isWanted(status) ? maxAnswerBytes : MAX_ERROR_BYTES) },
          ).catch((error: unknown) => {
            throw new SourceUnavailableError(source, `${source} cannot be reached.`, {
              cause: error,
              ...networkFailure(error),
            });
          });
        const answer = await (session === undefined ? ask() : askWithin(session, ask));
        const { status, headers } = answer;
        const type = isRaw ? String(headers['content-type'] ?? '') : undefined;
        tell(scope, headers);
        const rateLimits = readRateLimits?.(headers);
        if (rateLimits !== undefined) scope.slowDown(rateLimits);
        if (isGood(status)) {
          const bytes = wholeBody(answer, source, maxAnswerBytes);
          const read = parseBody(bytes, source);
          const parsed = read instanceof Promise ? ((await read) as unknown) : read;
          const { etag } = headers;
          if (method === 'GET' && typeof etag === 'string')
            validatedAtStart.set(nameOf(path), { etag, bytes });
          return readAnswer({ status, body: parsed, type });
        }
        if (status === 304 && known !== undefined)
          return readAnswer({ status: 200, body: await parseBody(known.bytes, source), type });
        if (isWanted(status))
          return readAnswer({ status, body: wholeBody(answer, source, maxAnswerBytes), type });
        // What an error says stays here.
        const said = parseLeniently(answer.body);
        const kind = readErrorKind?.(status, said);
        if (kind === undefined && expected.includes(status)) return readAnswer({ status, body: undefined });
        const vendorCode = vendorCodeIn(said, `${path} ${body ?? ''}`);
        throw errorOf(kind ?? kindOfStatus(status), source, {
          retryAfter: retryAfterSeconds(headers),
          received: { status, vendorCode },
        });
      };
      return scope.run(call).catch((error: unknown) => {
        if (error instanceof SourceError) error.addRequest({ method, path: template });
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

/** Answers with an ETag, by the digest of their path. */
function createValidated(): LRUCache<string, { etag: string; bytes: Buffer }> {
  return new LRUCache({
    maxSize: MAX_VALIDATED_BYTES,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length,
  });
}

/** Asks with the credentials of the moment, and once more with new ones when they turn out to have expired. */
async function askWithin(
  session: Session,
  ask: (credentials: Record<string, string>) => Promise<Exchanged>,
): Promise<Exchanged> {
  const first = await session.headers();
  const answer = await ask(first);
  const isRefused = answer.status === 401;
  if (!isRefused) session.accepted(first);
  if (!isRefused || !session.refused(first)) return answer;
  const renewed = await session.headers();
  const second = await ask(renewed);
  if (second.status === 401) session.refused(renewed);
  else session.accepted(renewed);
  return second;
}

/** Tells how long the answer holds, and how much more the system takes. */
function tell(scope: CallScope, headers: AnswerHeaders): void {
  const maxAge = maxAgeMs(headers['cache-control']);
  if (maxAge !== undefined) scope.holds(maxAge);
  const remaining = numberIn(headers, REMAINING);
  if (remaining === undefined) return;
  const resetSeconds = secondsToReset(headers);
  scope.slowDown({ remaining, ...(resetSeconds === undefined ? {} : { resetMs: resetSeconds * 1000 }) });
}

/**
 * The names under which systems say how many more calls they take in the window of the moment, and in how many
 * seconds the next one begins: the IETF's draft on RateLimit headers, and the custom
 * that many follow. A system with other names has `readRateLimits`.
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

/** In seconds from now. Some systems send the moment itself, in Unix time: no window is thirty years long. */
function secondsToReset(headers: AnswerHeaders): number | undefined {
  const value = numberIn(headers, RESET);
  if (value === undefined || value < 1_000_000_000) return value;
  return Math.max(0, Math.ceil(value - Date.now() / 1000));
}

/**
 * `Cache-Control` of an answer (RFC 9111, 5.2.2) as the milliseconds that it holds. That it holds no time at all is
 * what many systems say of every answer, whatever is in it, so it says nothing about this one.
 */
function maxAgeMs(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/\bno-(store|cache)\b/i.test(value)) return undefined;
  const seconds = /\bmax-age=(\d{1,9})\b/i.exec(value)?.[1];
  return Number(seconds ?? 0) > 0 ? Number(seconds) * 1000 : undefined;
}

function wholeBody({ body }: Exchanged, source: string, maxAnswerBytes: number): Buffer {
  if (body === 'too long')
    throw new SourceContractError(source, `${source} sent an answer of more than ${maxAnswerBytes} bytes.`, {
      kind: 'too-large',
    });
  if (body instanceof Error)
    throw new SourceUnavailableError(source, `${source} broke off in the middle of its answer.`, {
      cause: body,
      kind: 'broken-off',
    });
  return body;
}

/** A path may hold an address, so what is kept of it is not kept under it. */
function nameOf(path: string): string {
  return hash('sha256', path, 'base64url');
}

/** Checks what a system sent. The error names the place, never a value; `from`: so much of the list was checked before. */
export function check<T>(schema: z.ZodType<T>, value: unknown, source: string, from = 0): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const misfits = misfitsOf(result.error.issues, from);
  throw new SourceContractError(
    source,
    `${source} sent an answer of another shape, at: ${misfits.map(({ path }) => path).join(', ')}.`,
    { received: { misfits } },
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

/** The error of an answer that is none, by what the system means by it. */
export function errorOf(kind: ErrorKind, source: string, answer: FailedAnswer): SourceError {
  const { status } = answer.received;
  switch (kind) {
    case 'unauthenticated':
      return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, answer);
    case 'forbidden':
      return new SourceForbiddenError(source, `${source} does not let the gateway read this.`, answer);
    case 'rate-limited':
      return new SourceRateLimitedError(source, `${source} asks us to slow down.`, answer);
    case 'unavailable':
      return new SourceUnavailableError(source, `${source} answered with an error (status ${status}).`, {
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
  // Who does not send it may still say when the window ends in which nothing is left.
  if (typeof value !== 'string')
    return numberIn(headers, REMAINING) === 0 ? secondsToReset(headers) : undefined;
  // Some write seconds with decimals.
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}
