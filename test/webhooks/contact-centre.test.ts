import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contactCentre } from '../../sources/contact-centre/index.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

const variable = 'CONTACT_CENTRE_WEBHOOK_SECRETS';
const secrets = ['dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==', 'another-secret'] as const;

function send(body: string | Uint8Array, secret: string, atMs: number) {
  const timestamp = new Date(atMs).toISOString().replace(/\.\d+/, '');
  const signature = createHmac('sha256', secret).update(timestamp).update(body);
  return {
    headers: {
      'x-zendesk-webhook-signature': signature.digest('base64'),
      'x-zendesk-webhook-signature-timestamp': timestamp,
    },
    body,
  };
}

const message = (type: string, more: object = {}) =>
  JSON.stringify({
    account_id: 22129848,
    detail: {
      id: '5158',
      requester_id: '8447388090494',
      status: 'OPEN',
      priority: 'HIGH',
      subject: 'De bezorger belde niet aan',
    },
    event: {},
    id: '2b24ef10-19d5-4740-93cf-5f98ec4776c0',
    subject: 'zen:ticket:5158',
    time: '2026-11-20T11:59:00Z',
    type: `zen:event-type:${type}`,
    zendesk_event_version: '2022-11-06',
    ...more,
  });

webhookContract({
  source: contactCentre,
  variable,
  secrets,
  send,
  body: message('ticket.created'),
  events: [
    {
      id: '2b24ef10-19d5-4740-93cf-5f98ec4776c0',
      type: 'ticket.opened',
      time: '2026-11-20T11:59:00.000Z',
      subject: '5158',
      identifiers: { zendeskUserId: ['8447388090494'] },
      data: { status: 'OPEN', priority: 'HIGH', what: 'created' },
    },
  ],
  bigId: {
    body: message('ticket.created').replace('"5158"', '90071992547409931'),
    subject: '90071992547409931',
  },
  unknown: message('article.published'),
  // Zendesk can test a webhook with an empty body.
  statusOfEmpty: 204,
  signsTime: true,
});

describe('Zendesk', () => {
  it.each([
    [message('ticket.status_changed', { event: { current: 'SOLVED', previous: 'OPEN' } }), 'ticket.solved'],
    [message('ticket.status_changed', { event: { current: 'PENDING', previous: 'OPEN' } }), 'ticket.changed'],
    [message('ticket.comment_added', { event: { comment: { body: 'Geheim' } } }), 'ticket.changed'],
    [message('ticket.soft_deleted'), 'ticket.changed'],
    [message('ticket.permanently_deleted'), 'ticket.changed'],
    [message('ticket.undeleted'), 'ticket.changed'],
    [message('ticket.marked_as_spam'), 'ticket.changed'],
    [message('ticket.merged'), 'ticket.changed'],
    [
      message('user.name_changed', { detail: { id: '8447388090494', email: 'a@example.nl' } }),
      'contact.changed',
    ],
    [message('user.deleted', { detail: { id: '8447388090494' } }), 'contact.deleted'],
  ])('reports by %s the event %s', async (body, type) => {
    const receiver = createTestReceiver(contactCentre, { [variable]: secrets[0] });
    await receiver.post(send(body, secrets[0], NOW));
    expect(receiver.events.map((event) => event.type)).toEqual([type]);
    expect(receiver.events[0]?.identifiers['zendeskUserId']).toEqual(['8447388090494']);
    expect(JSON.stringify(receiver.events)).not.toMatch(/Geheim|bezorger/);
  });
});
