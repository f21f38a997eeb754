import { InvalidInputError } from '../errors.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { Logger } from '../telemetry/logger.js';
import type { WebhookOutcome } from '../telemetry/webhook-metrics.js';
import type { WebhookAnswer, WebhookDeclaration, WebhookRequest } from './declaration.js';
import type { SourceEvent } from './event.js';
import { ofSource, type IntakeOptions } from './intake.js';

/** A webhook that is plugged in. */
export interface Webhook {
  declaration: WebhookDeclaration;
  secrets: readonly string[];
  handshakeToken: string | undefined;
}

export interface ReceiverOptions extends IntakeOptions {
  /** By source. */
  webhooks: ReadonlyMap<string, Webhook>;
  /** Milliseconds since 1970. */
  now?: () => number;
  onReceived?: (source: string, outcome: WebhookOutcome) => void;
  logger: Pick<Logger, 'warn' | 'error'>;
  /** A larger body is refused with status 413. Default 1 MB. */
  maxBodyBytes?: number;
  /**
   * The address under which systems reach us, such as `https://gateway.example.nl`, where it is not the one that requests
   * arrive with. Some sign it.
   */
  publicUrl?: string | undefined;
}

/** A request before its body is read. */
export interface IncomingWebhook extends Omit<WebhookRequest, 'body'> {
  body: AsyncIterable<Uint8Array> | null;
}

export interface WebhookResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | null;
}

/** Answers a request to `/webhooks/<source>`; undefined for other addresses, and for sources without a webhook. */
export type Receiver = (request: IncomingWebhook) => Promise<WebhookResponse | undefined>;

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
/** Most systems wait 5 s for an answer. An event that is stored later is known when the system sends it again. */
const STORE_WITHIN_MS = 4_000;
/** By then whoever keeps events is back, or somebody looks at it. */
const RETRY_AFTER_S = 30;

/** The webhooks of which the secrets are set. */
export function pluggedInWebhooks(
  sources: readonly { name: string; webhook?: WebhookDeclaration }[],
  settings: SettingsReader,
): Map<string, Webhook> {
  const read = <T>(one: Setting<T> | undefined) => (one === undefined ? undefined : settings.read(one));
  return new Map(
    sources.flatMap(({ name, webhook }) => {
      if (webhook === undefined || !settings.isPresent(webhook.secrets)) return [];
      const secrets = read(webhook.secrets) ?? [];
      return [[name, { declaration: webhook, secrets, handshakeToken: read(webhook.handshakeToken) }]];
    }),
  );
}

/**
 * Receives what systems tell of themselves. Nothing of a body is ever in an answer or a log, and nothing is made of it
 * before it is known to be the system's.
 */
export function createReceiver({
  webhooks,
  keep,
  types,
  identify,
  now = Date.now,
  onReceived = () => undefined,
  logger,
  maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
  publicUrl,
}: ReceiverOptions): Receiver {
  return async (request) => {
    // A client can write anything in `Host`.
    if (!URL.canParse(request.url)) return undefined;
    const { pathname, search, origin } = new URL(request.url);
    const source = /^\/webhooks\/([a-z\d-]+)$/.exec(pathname)?.[1] ?? '';
    const webhook = webhooks.get(source);
    if (webhook === undefined) return undefined;
    const url = `${publicUrl ?? origin}${pathname}${search}`;
    const { outcome, response } = await receive(source, webhook, request, url).catch((error: unknown) => {
      logger.error({ source, reason: nameOf(error) }, 'a message could not be read');
      return told('failed', 500, 'The message could not be read.');
    });
    onReceived(source, outcome);
    return response;
  };

  async function receive(
    source: string,
    webhook: Webhook,
    request: IncomingWebhook,
    url: string,
  ): Promise<Received> {
    const { declaration, secrets, handshakeToken } = webhook;
    const { method, headers } = request;
    const asked = declaration.handshake?.({ method, url, headers }, secrets, handshakeToken);
    if (asked !== undefined) return { outcome: 'handshake', response: answer(asked) };
    if (method !== 'POST') return told('refused', 405, 'Use POST.', { allow: 'POST' });
    const body = await readBody(request, maxBodyBytes);
    if (body === 'too large')
      return told('refused', 413, `A message may have at most ${maxBodyBytes} bytes.`);
    if (body === 'broken off') return told('malformed', 400, 'The body broke off.');

    const whole = { method, url, headers, body };
    const nowMs = now();
    const verdict = declaration.verify(whole, secrets, nowMs);
    if (verdict === 'invalid')
      return told('refused', 401, 'The message is not signed as this source signs its own.');
    if (verdict === 'stale')
      return told('stale', 401, 'The message was signed more than 5 minutes from now: it is refused.');

    let events: SourceEvent[];
    try {
      events = declaration
        .events(whole, nowMs)
        .flatMap((event) => ofSource(source, event, { types, identify }));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      logger.warn({ source, reason: error.message }, 'a signed message is not what the source sends');
      return told('malformed', 400, error.message);
    }
    const { acknowledgement } = declaration;
    const thanks =
      acknowledgement === undefined ? { status: 204, headers: {}, body: null } : answer(acknowledgement);
    if (events.length === 0) return { outcome: 'ignored', response: thanks };
    try {
      const { kept } = await storedInTime(keep(events));
      return { outcome: kept > 0 ? 'stored' : 'duplicate', response: thanks };
    } catch (error) {
      logger.error({ source, reason: nameOf(error) }, 'events cannot be kept');
      return told('failed', 503, 'The events cannot be kept now. Send them again.', {
        'retry-after': String(RETRY_AFTER_S),
      });
    }
  }
}

interface Received {
  outcome: WebhookOutcome;
  response: WebhookResponse;
}

function told(
  outcome: WebhookOutcome,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Received {
  return { outcome, response: answer({ status, contentType: 'text/plain', body: text, headers }) };
}

function answer({ status, contentType, body, headers = {} }: WebhookAnswer): WebhookResponse {
  return {
    status,
    headers: {
      'content-type': contentType,
      // What a handshake echoes is nothing that a browser should show as a page.
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      ...headers,
    },
    body,
  };
}

async function readBody(
  { body, headers }: IncomingWebhook,
  maxBytes: number,
): Promise<Uint8Array | 'too large' | 'broken off'> {
  if (Number(headers.get('content-length') ?? 0) > maxBytes) return 'too large';
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Not by `for await`: leaving that ends the connection, and nobody could read why.
  const reader = body?.[Symbol.asyncIterator]();
  try {
    for (let read = await reader?.next(); read?.done === false; read = await reader?.next()) {
      size += read.value.byteLength;
      if (size > maxBytes) return 'too large';
      chunks.push(read.value);
    }
  } catch {
    return 'broken off';
  }
  return Buffer.concat(chunks);
}

class StoreTimeoutError extends Error {
  override readonly name = 'StoreTimeoutError';
}

/** Rejects with a StoreTimeoutError when the store takes longer than systems wait for an answer. */
async function storedInTime<T>(storing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreTimeoutError(`The store did not answer within ${STORE_WITHIN_MS} ms.`));
    }, STORE_WITHIN_MS);
  });
  try {
    return await Promise.race([storing, late]);
  } finally {
    clearTimeout(timer);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
