import { createHmac, randomUUID } from 'node:crypto';
import type { Emitter, WebhookMessage } from '../../stand-ins/emit.js';
import type { Directory } from './directory.js';
import type { TicketRecord, ZendeskUser } from './records.js';

export const webhookSecret = 'contact-centre-stand-in-signing-secret';

/** Zendesk's events of tickets and users, in the form of 2022-11-06. */
export function createEmitter(directory: Directory, now: () => number): Emitter {
  const moment = () => new Date(now()).toISOString();
  const userOf = (email: string) => directory.usersByEmail(email).find((user) => user.email === email);

  const message = (type: string, subject: string, detail: object, event: object = {}): WebhookMessage => {
    const body = JSON.stringify({
      account_id: 22_129_848,
      detail,
      event,
      id: randomUUID(),
      subject,
      time: moment(),
      type: `zen:event-type:${type}`,
      zendesk_event_version: '2022-11-06',
    });
    return {
      body,
      headers: (_, atMs) => {
        const timestamp = new Date(atMs).toISOString().replace(/\.\d+/, '');
        return {
          'content-type': 'application/json; charset=utf-8',
          'x-zendesk-webhook-signature-timestamp': timestamp,
          'x-zendesk-webhook-signature': createHmac('sha256', webhookSecret)
            .update(`${timestamp}${body}`)
            .digest('base64'),
        };
      },
    };
  };

  const ofTicket =
    (
      toMessage: (record: TicketRecord) => WebhookMessage,
      canHappen: (record: TicketRecord) => boolean = () => true,
    ) =>
    (email: string): WebhookMessage | undefined => {
      const newest = directory.ticketsOf(userOf(email)?.id ?? 0).findLast(canHappen);
      return newest && toMessage(newest);
    };
  const subjectOf = ({ ticket }: TicketRecord) => `zen:ticket:${ticket.id}`;

  return {
    'ticket.opened': ofTicket((record) => message('ticket.created', subjectOf(record), detailOf(record))),
    'ticket.changed': ofTicket((record) =>
      message('ticket.comment_added', subjectOf(record), detailOf(record), { comment: { is_public: true } }),
    ),
    'ticket.solved': ofTicket(
      (record) => {
        const previous = record.ticket.status.toUpperCase();
        directory.changeTicket(record, { status: 'solved', updatedAt: moment() });
        const event = { current: 'SOLVED', previous };
        return message('ticket.status_changed', subjectOf(record), detailOf(record), event);
      },
      ({ ticket: { status } }) => status !== 'solved' && status !== 'closed',
    ),
    'contact.changed': (email) => {
      const user = userOf(email);
      return user && message('user.details_changed', `zen:user:${user.id}`, userDetail(user));
    },
  };
}

/** Ids are texts and states are in capitals, unlike in the rest of the API. */
function detailOf({ ticket, requesterId, organizationId }: TicketRecord): object {
  return {
    id: String(ticket.id),
    requester_id: String(requesterId),
    organization_id: organizationId === null ? null : String(organizationId),
    status: ticket.status.toUpperCase(),
    priority: ticket.priority?.toUpperCase() ?? null,
    subject: ticket.subject,
    description: ticket.description,
    created_at: ticket.createdAt,
    updated_at: ticket.updatedAt,
    via: { channel: ticket.channel },
  };
}

function userDetail({ id, email, role, createdAt, updatedAt }: ZendeskUser): object {
  return { id: String(id), email, role, created_at: createdAt, updated_at: updatedAt };
}
