import { z } from 'zod';
import { moment, readJson, recordId } from './body.js';
import type { ReportedEvent, WebhookAnswer, WebhookDeclaration, WebhookRequest } from './declaration.js';
import { STANDARD_VERIFYING_KEY, verifyStandard, webhookSecrets } from './signatures.js';

export interface StandardWebhookOptions {
  /** The setting with its keys: `whsec_...`, or `whpk_...` of a system that keeps the signing key to itself. */
  variable: string;
  /** The kinds of identifier that it may name somebody by. */
  namespaces: readonly string[];
}

const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);

/** What is sent: the payload of Standard Webhooks, or a CloudEvent in structured mode. The type is one of the schema. */
const message = z.object({
  id: recordId.optional(),
  type: z.string(),
  /** Of Standard Webhooks. */
  timestamp: moment.optional(),
  /** Of CloudEvents. */
  time: moment.optional(),
  subject: recordId.optional(),
  data: z
    .object({ identifiers: z.record(z.string(), z.array(z.string().max(1_000)).max(100)).default({}) })
    .catchall(z.unknown())
    .default({ identifiers: {} }),
});

/**
 * For systems of one's own, which may well tell things as we want to read them: signed after Standard Webhooks (by secret or
 * by ed25519), and as its payload or as a CloudEvent. `data.identifiers` has whom it is about, by namespace; the other
 * members of `data` that are no object are what conditions may look at.
 */
export function standardWebhook({ variable, namespaces }: StandardWebhookOptions): WebhookDeclaration {
  const allowed = new Set(namespaces);
  return {
    secrets: webhookSecrets(variable, {
      pattern: STANDARD_VERIFYING_KEY,
      example: 'such as whsec_<base64>, of 24 bytes or more, or whpk_<base64>, of 32 bytes',
    }),
    handshake: allowSending,
    verify: ({ headers, body }, secrets, nowMs) => verifyStandard(secrets, headers, body, nowMs),
    events: ({ headers, body }, nowMs) => {
      const { id, type, timestamp, time, subject, data } = readJson(body, message);
      const { identifiers, ...rest } = data;
      const event: ReportedEvent = {
        // The signed one: it stays the same when the message is sent again.
        id: headers.get('webhook-id') ?? id ?? '',
        type,
        time: timestamp ?? time ?? new Date(nowMs).toISOString(),
        ...(subject === undefined ? {} : { subject }),
        identifiers: Object.fromEntries(Object.entries(identifiers).filter(([name]) => allowed.has(name))),
        data: scalarsOf(rest),
      };
      return [event];
    },
  };
}

function scalarsOf(data: Record<string, unknown>): ReportedEvent['data'] {
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, value]) => {
      const checked = scalar.safeParse(value);
      return checked.success ? [[name, checked.data] as const] : [];
    }),
  );
}

/** CloudEvents, HTTP webhooks, 4: a system asks whether it may send. It may, since only what is signed counts. */
function allowSending({ method, headers }: Omit<WebhookRequest, 'body'>): WebhookAnswer | undefined {
  const origin = headers.get('webhook-request-origin');
  if (method !== 'OPTIONS' || origin === null || !/^[\w.:-]{1,253}$/.test(origin)) return undefined;
  return {
    status: 200,
    contentType: 'text/plain',
    body: '',
    headers: { allow: 'POST', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' },
  };
}
