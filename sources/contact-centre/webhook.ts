import { z } from 'zod';
import {
  moment,
  readJson,
  recordId,
  signedMessage,
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
  ...signedMessage({
    header: 'x-zendesk-webhook-signature',
    encoding: 'base64',
    timestamp: { header: 'x-zendesk-webhook-signature-timestamp', format: 'iso' },
    signed: ({ body }, sentAt) => [sentAt, body],
    test: { body: '' },
  }),
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
