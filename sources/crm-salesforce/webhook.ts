import {
  isSameText,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
  type WebhookRequest,
} from '../../src/index.js';
import { readOutboundMessage, type Notification } from './outbound-message.js';

const ACK =
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>' +
  '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>' +
  '</soapenv:Body></soapenv:Envelope>';

/** Salesforce signs nothing: README.md says what replaces the signature. */
export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('CRM_SALESFORCE_WEBHOOK_SECRETS', {
    pattern: /^00D[A-Za-z\d]{12}([A-Z\d]{3})?:[\w~.-]{16,}$/,
    example:
      'such as 00D000000000001:<16 or more letters and digits>, the id of the organisation before the colon',
  }),
  verify: (request, secrets) => {
    const organisations = organisationsOf(request, secrets);
    if (organisations.length === 0) return 'invalid';
    try {
      const { organisationId } = readOutboundMessage(request.body);
      return organisations.includes(organisationId.slice(0, 15)) ? 'valid' : 'invalid';
    } catch {
      // The sender knows the secret, so the answer may describe the error in the message.
      return 'valid';
    }
  },
  // A message without a notification is refused as malformed, after its key was accepted.
  testMessage: (_, secret) => ({ search: `?key=${secret.slice(secret.indexOf(':') + 1)}`, body: '' }),
  events: ({ body }, nowMs) =>
    readOutboundMessage(body).notifications.flatMap((notification) => eventOf(notification, nowMs) ?? []),
  // Salesforce sends the message again unless it gets exactly this answer.
  acknowledgement: { status: 200, contentType: 'text/xml; charset=utf-8', body: ACK },
};

/** The short ids of the organisations with the secret in the address. */
function organisationsOf({ url }: WebhookRequest, secrets: readonly string[]): string[] {
  const key = new URL(url).searchParams.get('key') ?? '';
  return secrets
    .map((secret) => ({ organisation: secret.slice(0, 15), secret: secret.slice(secret.indexOf(':') + 1) }))
    .filter(({ secret }) => isSameText(secret, key))
    .map(({ organisation }) => organisation);
}

function eventOf({ id, object, fields }: Notification, nowMs: number): ReportedEvent | undefined {
  const recordId = fields.get('Id') ?? '';
  const type = typeOf(object, fields);
  if (type === undefined || recordId === '') return undefined;
  const email = fields.get('Email') ?? '';
  const contactId = object === 'Contact' ? recordId : (fields.get('ContactId') ?? '');
  return {
    id,
    type,
    time: momentOf(fields.get('LastModifiedDate')) ?? new Date(nowMs).toISOString(),
    subject: recordId,
    identifiers: {
      ...(contactId === '' ? {} : { salesforceContactId: [contactId] }),
      ...(email === '' || object === 'Case' ? {} : { email: [email] }),
    },
    data: {
      ...(type.startsWith('consent.') && { purpose: 'MARKETING', channel: 'EMAIL' }),
      ...(object === 'Case' && {
        number: fields.get('CaseNumber') ?? null,
        status: fields.get('Status') ?? null,
        priority: fields.get('Priority') ?? null,
      }),
    },
  };
}

/**
 * A message contains the current values of the record, not the changed ones. A message about contacts with
 * the opt-out field is configured only for changes of the opt-out.
 */
function typeOf(object: string, fields: Notification['fields']): EventType | undefined {
  switch (object) {
    case 'Contact': {
      const optedOut = fields.get('HasOptedOutOfEmail');
      if (fields.get('IsDeleted') === 'true') return 'contact.deleted';
      if (optedOut === undefined) return 'contact.changed';
      return optedOut === 'true' ? 'consent.withdrawn' : 'consent.given';
    }
    case 'Case':
      if (fields.get('IsClosed') === 'true') return 'ticket.solved';
      return fields.has('CreatedDate') && fields.get('CreatedDate') === fields.get('LastModifiedDate')
        ? 'ticket.opened'
        : 'ticket.changed';
    case 'Lead':
      return 'lead.created';
    default:
      return undefined;
  }
}

function momentOf(text: string | undefined): string | undefined {
  const date = new Date((text ?? '').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(date.valueOf()) ? undefined : date.toISOString();
}
