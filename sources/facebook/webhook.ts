import { z } from 'zod';
import {
  epochMs,
  isHmacOf,
  isSameText,
  readJson,
  recordId,
  secretSetting,
  webhookSecrets,
  type ReportedEvent,
  type WebhookAnswer,
  type WebhookDeclaration,
} from '../../src/index.js';
import { formSubmissions } from './loaders.js';

/** What happened to a page: https://developers.facebook.com/docs/graph-api/webhooks/reference/page */
const change = z.object({
  field: z.string(),
  value: z.unknown().optional(),
});

const lead = z.object({
  leadgen_id: recordId,
  form_id: recordId.nullish(),
  ad_id: recordId.nullish(),
  /** Seconds. */
  created_time: z.int().min(0).max(253_402_300_799),
});

/** https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messages */
const messaging = z.object({
  sender: z.object({ id: recordId }).nullish(),
  timestamp: epochMs.nullish(),
  message: z.object({ mid: recordId, is_echo: z.boolean().nullish() }).nullish(),
});

const notification = z.object({
  object: z.string(),
  entry: z
    .array(
      z.object({
        id: recordId,
        changes: z.array(change).default([]),
        messaging: z.array(messaging).default([]),
      }),
    )
    .max(1_000),
});

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('FACEBOOK_WEBHOOK_SECRETS'),
  handshakeToken: secretSetting('FACEBOOK_WEBHOOK_VERIFY_TOKEN'),
  handshake: ({ method, url }, _, verifyToken) => {
    if (method !== 'GET') return undefined;
    const asked = new URL(url).searchParams;
    const challenge = asked.get('hub.challenge') ?? '';
    const isOurs =
      asked.get('hub.mode') === 'subscribe' &&
      verifyToken !== undefined &&
      isSameText(asked.get('hub.verify_token') ?? '', verifyToken) &&
      /^[\w-]{1,200}$/.test(challenge);
    return isOurs ? plain(200, challenge) : plain(403, 'The verify token is another.');
  },
  verify: ({ headers, body }, secrets) => {
    const [, signature = null] =
      /^sha256=([\da-f]{64})$/.exec(headers.get('x-hub-signature-256') ?? '') ?? [];
    return isHmacOf([body], { secrets, signature, encoding: 'hex' }) ? 'valid' : 'invalid';
  },
  events: ({ body }, nowMs) => {
    const { object, entry } = readJson(body, notification);
    if (object !== 'page') return [];
    return entry.flatMap(({ changes, messaging: messages }) => [
      ...changes.flatMap((one) => leadOf(one) ?? []),
      ...messages.flatMap((one) => messageOf(one, nowMs) ?? []),
    ]);
  },
  changes: { 'lead.created': [formSubmissions] },
};

/** It tells no more than ids: who it is stands in the lead itself, which is fetched. */
function leadOf({ field, value }: z.infer<typeof change>): ReportedEvent | undefined {
  const told = field === 'leadgen' ? lead.safeParse(value).data : undefined;
  if (told === undefined) return undefined;
  return {
    id: `leadgen-${told.leadgen_id}`,
    type: 'lead.created',
    time: new Date(told.created_time * 1_000).toISOString(),
    subject: told.leadgen_id,
    identifiers: {},
    data: { form: told.form_id ?? null, ad: told.ad_id ?? null },
  };
}

function messageOf(
  { sender, timestamp, message }: z.infer<typeof messaging>,
  nowMs: number,
): ReportedEvent | undefined {
  // An echo is what the page itself has sent.
  if (message == null || sender == null || message.is_echo === true) return undefined;
  return {
    id: `message-${message.mid}`,
    type: 'message.received',
    time: timestamp ?? new Date(nowMs).toISOString(),
    subject: message.mid,
    identifiers: { facebookUserId: [sender.id] },
    data: {},
  };
}

function plain(status: number, body: string): WebhookAnswer {
  return { status, contentType: 'text/plain', body };
}
