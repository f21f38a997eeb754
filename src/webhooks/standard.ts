import { z } from 'zod';
import { moment, readJson, recordId } from './body.js';
import type {
  ReportedEvent,
  TestMessage,
  WebhookAnswer,
  WebhookDeclaration,
  WebhookRequest,
} from './declaration.js';
import { STANDARD_VERIFYING_KEY, verifyStandard, webhookSecrets } from './signatures.js';
import { signedHeaders } from './standard-webhooks.js';

export interface StandardWebhookOptions {
  /** The setting with its keys: `whsec_...`, or `whpk_...` if the system signs with a private key. */
  variable: string;
  /** The kinds of identifier that its events may contain. */
  namespaces: readonly string[];
}

const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);

/** The payload of Standard Webhooks, or a CloudEvent in structured mode. The type is a type of the schema. */
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
 * A webhook for systems of your own. Messages are signed as Standard Webhooks specifies, by secret or by ed25519, and contain its
 * payload or a CloudEvent. `data.identifiers` has the identifiers of the customer, by namespace. Conditions can use the other
 * scalar members of `data`.
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
    testMessage: (_, secret, nowMs) => signedTest(secret, nowMs),
    events: ({ headers, body }, nowMs) => {
      const { id, type, timestamp, time, subject, data } = readJson(body, message);
      const { identifiers, ...rest } = data;
      const event: ReportedEvent = {
        // The id in the header is signed, and is the same for each attempt.
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

/** A type that no schema has. */
const TEST_BODY = JSON.stringify({ type: 'stekkerdoos.test' });

function signedTest(secret: string, now: number): TestMessage | undefined {
  if (!secret.startsWith('whsec_')) return undefined;
  const keys = { secrets: [Buffer.from(secret.slice('whsec_'.length), 'base64')] };
  const signed = signedHeaders(keys, { id: 'stekkerdoos-test', body: TEST_BODY, now });
  return { headers: { 'content-type': 'application/json', ...signed }, body: TEST_BODY };
}

function scalarsOf(data: Record<string, unknown>): ReportedEvent['data'] {
  return Object.fromEntries(
    Object.entries(data).flatMap(([name, value]) => {
      const checked = scalar.safeParse(value);
      return checked.success ? [[name, checked.data] as const] : [];
    }),
  );
}

/** CloudEvents, HTTP webhooks, section 4: allows a system to send. Only signed messages are accepted, so any system may. */
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
