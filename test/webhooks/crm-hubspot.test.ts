import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

const variable = 'CRM_HUBSPOT_WEBHOOK_SECRETS';
const secrets = ['client-secret-of-the-app', 'another-secret'] as const;
const address = 'https://gateway.example.nl/webhooks/crm-hubspot';

/** Signs a message like HubSpot, with the configured address, not with the address behind a proxy. */
function send(body: string | Uint8Array, secret: string, atMs: number, signed = address, search = '') {
  const signature = createHmac('sha256', secret).update(`POST${signed}`).update(body).update(String(atMs));
  return {
    search,
    headers: {
      'x-hubspot-signature-v3': signature.digest('base64'),
      'x-hubspot-request-timestamp': String(atMs),
    },
    body,
  };
}

const notification = (more: object) => ({
  eventId: 100,
  subscriptionId: 25,
  portalId: 33,
  appId: 1160452,
  occurredAt: NOW - 1_000,
  subscriptionType: 'contact.propertyChange',
  attemptNumber: 0,
  objectId: 123,
  changeSource: 'CRM',
  ...more,
});

const optOut = { propertyName: 'hs_email_optout', propertyValue: 'true' };

webhookContract({
  source: crmHubspot,
  variable,
  secrets,
  send,
  body: JSON.stringify([
    notification(optOut),
    notification({ eventId: 101, objectId: 124, subscriptionType: 'contact.creation' }),
    notification({ eventId: 102, objectId: 9, subscriptionType: 'deal.creation' }),
  ]),
  events: [
    {
      id: '100-25-123',
      type: 'consent.withdrawn',
      time: '2026-11-20T11:59:59.000Z',
      subject: '123',
      identifiers: { hubspotContactId: ['123'] },
      data: { property: 'hs_email_optout', purpose: 'MARKETING', channel: 'EMAIL' },
    },
    {
      id: '101-25-124',
      type: 'contact.changed',
      time: '2026-11-20T11:59:59.000Z',
      subject: '124',
      identifiers: { hubspotContactId: ['124'] },
      data: {},
    },
  ],
  bigId: {
    body: JSON.stringify([notification({ objectId: 1 })]).replace(
      '"objectId":1',
      '"objectId":9007199254740993',
    ),
    subject: '9007199254740993',
  },
  unknown: JSON.stringify([notification({ subscriptionType: 'line_item.creation' })]),
  signsTime: true,
});

describe('HubSpot', () => {
  const eventsOf = async (...notifications: object[]) => {
    const receiver = createTestReceiver(crmHubspot, { [variable]: secrets[0] });
    await receiver.post(send(JSON.stringify(notifications.map(notification)), secrets[0], NOW));
    return receiver.events.map(({ type }) => type);
  };

  it.each([
    [{ propertyName: 'hs_email_optout', propertyValue: 'false' }, 'consent.given'],
    [{ propertyName: 'lifecyclestage', propertyValue: 'customer' }, 'contact.changed'],
    [{ subscriptionType: 'contact.deletion' }, 'contact.deleted'],
    [{ subscriptionType: 'contact.privacyDeletion' }, 'contact.deleted'],
    [{ subscriptionType: 'object.creation', objectTypeId: '0-1' }, 'contact.changed'],
    [{ subscriptionType: 'ticket.creation' }, 'ticket.opened'],
    [{ subscriptionType: 'ticket.propertyChange', propertyName: 'subject' }, 'ticket.changed'],
    [
      { subscriptionType: 'ticket.propertyChange', propertyName: 'hs_pipeline_stage', propertyValue: '4' },
      'ticket.solved',
    ],
  ])('reports by %o the event %s', async (message, type) => {
    expect(await eventsOf(message)).toEqual([type]);
  });

  it('reports no values of properties, because they may be names', async () => {
    const receiver = createTestReceiver(crmHubspot, { [variable]: secrets[0] });
    const body = JSON.stringify([notification({ propertyName: 'lastname', propertyValue: 'Geheim' })]);
    await receiver.post(send(body, secrets[0], NOW));
    expect(JSON.stringify(receiver.events)).not.toContain('Geheim');
  });

  it('signs the configured address with its query, with some characters unescaped', async () => {
    const receiver = createTestReceiver(crmHubspot, { [variable]: secrets[0] });
    const body = JSON.stringify([notification(optOut)]);
    const right = send(body, secrets[0], NOW, `${address}?a=x:y`, '?a=x%3Ay');
    expect((await receiver.post(right)).status).toBe(204);
    expect((await receiver.post({ ...right, search: '?a=z' })).status).toBe(401);
    const internal = send(body, secrets[0], NOW, 'http://10.0.0.7:4000/webhooks/crm-hubspot');
    expect((await receiver.post(internal)).status).toBe(401);
  });
});
