import { z } from 'zod';
import {
  epochMs,
  isSameText,
  readJson,
  recordId,
  secretSetting,
  signedMessage,
  webhookSecrets,
  type ReportedEvent,
  type WebhookAnswer,
  type WebhookDeclaration,
} from '../../src/index.js';
import { formSubmissions } from './loaders.js';

/** A change of a page: https://developers.facebook.com/docs/graph-api/webhooks/reference/page */
const pageChange = z.object({
  field: z.string(),
  value: z.unknown().optional(),
});

const lead = z.object({
  leadgen_id: recordId,
  form_id: recordId.nullish(),
  ad_id: recordId.nullish(),
  /** In seconds since 1970. */
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
        changes: z.array(pageChange).default([]),
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
    const query = new URL(url).searchParams;
    const challenge = query.get('hub.challenge') ?? '';
    const isExpected =
      query.get('hub.mode') === 'subscribe' &&
      verifyToken !== undefined &&
      isSameText(query.get('hub.verify_token') ?? '', verifyToken) &&
      /^[\w-]{1,200}$/.test(challenge);
    return isExpected ? plainText(200, challenge) : plainText(403, 'The verify token is wrong.');
  },
  ...signedMessage({
    header: 'x-hub-signature-256',
    prefix: 'sha256=',
    encoding: 'hex',
    test: { body: JSON.stringify({ object: 'test', entry: [] }) },
  }),
  events: ({ body }, nowMs) => {
    const { object, entry } = readJson(body, notification);
    if (object !== 'page') return [];
    return entry.flatMap(({ changes, messaging: messages }) => [
      ...changes.flatMap((item) => toLeadEvent(item) ?? []),
      ...messages.flatMap((item) => toMessageEvent(item, nowMs) ?? []),
    ]);
  },
  changes: { 'lead.created': [formSubmissions] },
};

/** The event has only ids. The lead, which is fetched, names the person. */
function toLeadEvent({ field, value }: z.infer<typeof pageChange>): ReportedEvent | undefined {
  const change = field === 'leadgen' ? lead.safeParse(value).data : undefined;
  if (change === undefined) return undefined;
  return {
    id: `leadgen-${change.leadgen_id}`,
    type: 'lead.created',
    time: new Date(change.created_time * 1_000).toISOString(),
    subject: change.leadgen_id,
    identifiers: {},
    data: { form: change.form_id ?? null, ad: change.ad_id ?? null },
  };
}

function toMessageEvent(
  { sender, timestamp, message }: z.infer<typeof messaging>,
  nowMs: number,
): ReportedEvent | undefined {
  // An echo is a message that the page itself sent.
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

function plainText(status: number, body: string): WebhookAnswer {
  return { status, contentType: 'text/plain', body };
}
