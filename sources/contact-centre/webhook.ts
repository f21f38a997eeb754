import { z } from 'zod';
import {
  hmac,
  isHmacOf,
  isWithinTolerance,
  moment,
  readJson,
  recordId,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';

/** https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/ */
const message = z.object({
  id: recordId,
  type: z.string(),
  time: moment,
  detail: z.object({
    id: recordId,
    requester_id: recordId.nullish(),
    status: z.string().nullish(),
    priority: z.string().nullish(),
    email: z.string().nullish(),
  }),
  event: z.object({ current: z.unknown().optional() }).nullish(),
});
type Message = z.infer<typeof message>;

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('CONTACT_CENTRE_WEBHOOK_SECRETS'),
  verify: ({ headers, body }, secrets, nowMs) => {
    const timestamp = headers.get('x-zendesk-webhook-signature-timestamp') ?? '';
    const signature = headers.get('x-zendesk-webhook-signature');
    if (!isHmacOf([timestamp, body], { secrets, signature, encoding: 'base64' })) return 'invalid';
    const signedAt = /^\d{4}-\d\d-\d\dT/.test(timestamp) ? Date.parse(timestamp) : NaN;
    return isWithinTolerance(signedAt, nowMs) ? 'valid' : 'stale';
  },
  testMessage: (_, secret, nowMs) => {
    const timestamp = new Date(nowMs).toISOString();
    return {
      headers: {
        'x-zendesk-webhook-signature-timestamp': timestamp,
        'x-zendesk-webhook-signature': hmac(secret, [timestamp], 'base64'),
      },
      body: '',
    };
  },
  // A test message of a webhook may have no body.
  events: ({ body }) => (body.byteLength === 0 ? [] : (eventsOf(readJson(body, message)) ?? [])),
};

function eventsOf(message: Message): ReportedEvent[] | undefined {
  const { id, time, detail } = message;
  const [, about = '', what = ''] = /^zen:event-type:(\w+)\.(\w+)$/.exec(message.type) ?? [];
  const type = about === 'ticket' ? ticketType(what, message) : about === 'user' ? userType(what) : undefined;
  if (type === undefined) return undefined;
  const userId = about === 'user' ? detail.id : detail.requester_id;
  const { status, priority } = detail;
  return [
    {
      id,
      type,
      time,
      subject: detail.id,
      identifiers: {
        ...(userId == null ? {} : { zendeskUserId: [userId] }),
        ...(about === 'user' && detail.email != null ? { email: [detail.email] } : {}),
      },
      data: {
        ...(about === 'ticket' && {
          status: status?.toUpperCase() ?? null,
          priority: priority?.toUpperCase() ?? null,
        }),
        what,
      },
    },
  ];
}

function ticketType(what: string, { event }: Message): EventType | undefined {
  if (what === 'created') return 'ticket.opened';
  if (what === 'status_changed' && String(event?.current).toUpperCase() === 'SOLVED') return 'ticket.solved';
  // A ticket that is deleted or marked as spam leaves the customer's history.
  return /^(\w+_changed|comment_added|soft_deleted|permanently_deleted|undeleted|marked_as_spam|merged)$/.test(
    what,
  )
    ? 'ticket.changed'
    : undefined;
}

function userType(what: string): EventType | undefined {
  if (what === 'deleted') return 'contact.deleted';
  return /^(created|merged|\w+_(changed|created|deleted))$/.test(what) ? 'contact.changed' : undefined;
}
