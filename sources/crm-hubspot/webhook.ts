import { z } from 'zod';
import {
  epochMs,
  readJson,
  recordId,
  signedMessage,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';
import { tickets, ticketsOfCompanies } from './loaders.js';
import { ALL_MARKETING, optOutProperty } from './mapping.js';
import { newestTickets } from './searches.js';

/** A message has up to 100 of these: https://developers.hubspot.com/docs/api/webhooks */
const notification = z.object({
  eventId: recordId,
  subscriptionId: recordId,
  objectId: recordId.optional(),
  objectTypeId: z.string().nullish(),
  occurredAt: epochMs,
  subscriptionType: z.string(),
  propertyName: z.string().nullish(),
  propertyValue: z.unknown().optional(),
});
type Notification = z.infer<typeof notification>;

/** HubSpot's number of a type, in subscriptions to `object.*`. */
const OBJECT_TYPES: Partial<Record<string, string>> = { '0-1': 'contact', '0-5': 'ticket' };
/** The last stage of the default pipeline. */
const CLOSED_STAGE = '4';

const ALL_TICKETS = [ticketsOfCompanies, tickets, newestTickets];

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('CRM_HUBSPOT_WEBHOOK_SECRETS'),
  ...signedMessage({
    header: 'x-hubspot-signature-v3',
    encoding: 'base64',
    timestamp: { header: 'x-hubspot-request-timestamp', format: 'milliseconds' },
    signed: ({ method, url, body }, sentAt) => [method, unescaped(url), body, sentAt],
    test: { body: '[]', headers: { 'content-type': 'application/json' } },
  }),
  events: ({ body }) => readJson(body, z.array(notification)).flatMap((change) => eventOf(change) ?? []),
  // An event names the ticket, but neither its contact nor its company.
  changes: { 'ticket.opened': ALL_TICKETS, 'ticket.changed': ALL_TICKETS, 'ticket.solved': ALL_TICKETS },
};

function eventOf(notification: Notification): ReportedEvent | undefined {
  const { objectId } = notification;
  const [kind = '', what = ''] = notification.subscriptionType.split('.');
  const object = kind === 'object' ? OBJECT_TYPES[notification.objectTypeId ?? ''] : kind;
  const type =
    object === 'contact'
      ? contactType(what, notification)
      : object === 'ticket'
        ? ticketType(what, notification)
        : undefined;
  if (type === undefined || objectId === undefined) return undefined;
  return {
    // HubSpot does not guarantee that its event ids are unique.
    id: [notification.eventId, notification.subscriptionId, objectId].join('-'),
    type,
    time: notification.occurredAt,
    subject: objectId,
    identifiers: object === 'contact' ? { hubspotContactId: [objectId] } : {},
    data: {
      ...(notification.propertyName == null ? {} : { property: notification.propertyName }),
      ...(type.startsWith('consent.') && { purpose: 'MARKETING', channel: 'EMAIL' }),
    },
  };
}

function contactType(what: string, { propertyName, propertyValue }: Notification): EventType | undefined {
  switch (what) {
    case 'creation':
    case 'restore':
      return 'contact.changed';
    case 'deletion':
    case 'privacyDeletion':
      return 'contact.deleted';
    case 'propertyChange':
      if (propertyName !== optOutProperty(ALL_MARKETING)) return 'contact.changed';
      return String(propertyValue) === 'true' ? 'consent.withdrawn' : 'consent.given';
    default:
      return undefined;
  }
}

function ticketType(what: string, { propertyName, propertyValue }: Notification): EventType | undefined {
  if (what === 'creation') return 'ticket.opened';
  if (what !== 'propertyChange') return undefined;
  const isClosed = propertyName === 'hs_pipeline_stage' && String(propertyValue) === CLOSED_STAGE;
  return isClosed ? 'ticket.solved' : 'ticket.changed';
}

/** HubSpot signs the address with these characters decoded, even if they were sent encoded. */
function unescaped(url: string): string {
  return url.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escaped) => decodeURIComponent(escaped));
}
