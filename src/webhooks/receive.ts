import { InvalidInputError } from '../errors.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { Logger } from '../telemetry/logger.js';
import type { WebhookOutcome } from '../telemetry/webhook-metrics.js';
import type { WebhookAnswer, WebhookDeclaration, WebhookRequest } from './declaration.js';
import type { SourceEvent } from './event.js';
import { storedEvents, type IntakeOptions } from './intake.js';

/** A webhook that is plugged in. */
export interface Webhook {
  declaration: WebhookDeclaration;
  secrets: readonly string[];
  handshakeToken: string | undefined;
}

export interface ReceiverOptions extends IntakeOptions {
  /** By source. */
  webhooks: ReadonlyMap<string, Webhook>;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  onReceived?: (source: string, outcome: WebhookOutcome) => void;
  logger: Pick<Logger, 'warn' | 'error'>;
  /** A larger body gets status 413. Default: 1 MB. */
  maxBodyBytes?: number;
  /**
   * The address under which systems reach the gateway, such as `https://gateway.example.nl`, if a proxy changes it. Some systems
   * sign the address. Default: the address of the request.
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

/** Handles a request to `/webhooks/<source>`. Resolves to undefined for other paths, and for sources without a webhook. */
export type Receiver = (request: IncomingWebhook) => Promise<WebhookResponse | undefined>;

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;
/** Most systems wait 5 s for a response. If an event is stored later, the repeated event is recognised. */
const STORE_TIMEOUT_MS = 4_000;
/** A failed store should work again by then. */
const RETRY_AFTER_S = 30;

/** The webhooks whose secrets are set. */
export function pluggedInWebhooks(
  sources: readonly { name: string; webhook?: WebhookDeclaration }[],
  settings: SettingsReader,
): Map<string, Webhook> {
  const read = <T>(setting: Setting<T> | undefined) =>
    setting === undefined ? undefined : settings.read(setting);
  return new Map(
    sources.flatMap(({ name, webhook }) => {
      if (webhook === undefined || !settings.isPresent(webhook.secrets)) return [];
      const secrets = read(webhook.secrets) ?? [];
      return [[name, { declaration: webhook, secrets, handshakeToken: read(webhook.handshakeToken) }]];
    }),
  );
}

/**
 * Receives events from systems. A body is parsed only after its signature is verified. No part of it appears in a response or
 * in the log.
 */
export function createReceiver({
  webhooks,
  add,
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
      logger.error({ source, reason: nameOf(error) }, 'a webhook request failed because of a defect');
      return reply('failed', 500, 'The message could not be read.');
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
    const handshake = declaration.handshake?.({ method, url, headers }, secrets, handshakeToken);
    if (handshake !== undefined) return { outcome: 'handshake', response: answer(handshake) };
    if (method !== 'POST') return reply('refused', 405, 'Use POST.', { allow: 'POST' });
    const body = await readBody(request, maxBodyBytes);
    if (body === 'too large')
      return reply('refused', 413, `A message may have at most ${maxBodyBytes} bytes.`);
    if (body === 'broken off') return reply('malformed', 400, 'The body is incomplete.');

    const message = { method, url, headers, body };
    const nowMs = now();
    const signature = declaration.verify(message, secrets, nowMs);
    if (signature === 'invalid') return reply('refused', 401, 'The signature of the message is not valid.');
    if (signature === 'stale')
      return reply('stale', 401, 'The signature is more than 5 minutes away from the current time.');

    let events: SourceEvent[];
    try {
      events = declaration
        .events(message, nowMs)
        .flatMap((event) => storedEvents(source, event, { types, identify }));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      logger.warn({ source, reason: error.message }, 'a signed message does not have the expected form');
      return reply('malformed', 400, error.message);
    }
    const { acknowledgement } = declaration;
    const success =
      acknowledgement === undefined ? { status: 204, headers: {}, body: null } : answer(acknowledgement);
    if (events.length === 0) return { outcome: 'ignored', response: success };
    try {
      const { added } = await storedInTime(add(events));
      return { outcome: added > 0 ? 'stored' : 'duplicate', response: success };
    } catch (error) {
      logger.error({ source, reason: nameOf(error) }, 'events cannot be stored: check the webhook store');
      return reply('failed', 503, 'The events cannot be stored now. Send them again.', {
        'retry-after': String(RETRY_AFTER_S),
      });
    }
  }
}

interface Received {
  outcome: WebhookOutcome;
  response: WebhookResponse;
}

function reply(
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
      // A handshake echoes text of the request, which a browser must not render as a page.
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
  // `for await` would close the connection on return, before the client could read the response.
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

/** Rejects with a StoreTimeoutError if the store takes longer than STORE_TIMEOUT_MS. */
async function storedInTime<T>(storing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StoreTimeoutError(`The store did not answer within ${STORE_TIMEOUT_MS} ms.`));
    }, STORE_TIMEOUT_MS);
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
