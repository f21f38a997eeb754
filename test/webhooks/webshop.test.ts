import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { webshop } from '../../sources/webshop/index.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

const variable = 'WEBSHOP_WEBHOOK_SECRETS';
const secrets = ['hush-of-the-shop', 'another-secret'] as const;

const send = (topic: string) => (body: string | Uint8Array, secret: string) => ({
  headers: {
    'content-type': 'application/json',
    'x-shopify-topic': topic,
    'x-shopify-shop-domain': 'example.myshopify.com',
    'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
  },
  body,
});

const order = (id: string, more = '') =>
  `{"id":${id},"name":"#1234","email":"Jan@Example.nl","total_price":"199.50","currency":"EUR",` +
  `"financial_status":"paid","updated_at":"2026-11-20T12:59:30+01:00","customer":{"id":9007199254741993}${more}}`;

webhookContract({
  source: webshop,
  variable,
  secrets,
  send: (body, secret) =>
    send(body.toString().includes('"theme"') ? 'themes/publish' : 'orders/paid')(body, secret),
  body: order('450789469'),
  events: [
    {
      id: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      type: 'order.paid',
      time: '2026-11-20T11:59:30.000Z',
      subject: '450789469',
      identifiers: { shopifyCustomerId: ['9007199254741993'], email: ['jan@example.nl'] },
      data: {
        number: '#1234',
        total: '199.50',
        currency: 'EUR',
        paymentStatus: 'paid',
        shippingStatus: null,
      },
    },
  ],
  // Test deliveries of Shopify have this form.
  bigId: { body: order('820982911946154508'), subject: '820982911946154508' },
  unknown: '{"theme": 1}',
});

describe('the webshop', () => {
  const receive = async (topic: string, body: string) => {
    const receiver = createTestReceiver(webshop, { [variable]: secrets[0] });
    const { status } = await receiver.post(send(topic)(body, secrets[0]));
    return { status, events: receiver.events.map(({ type, data }) => [type, data['channel'] ?? null]) };
  };
  const consent = (state: string) =>
    `{"customer_id":706405506930370000,"email_address":"bob@example.nl","email_marketing_consent":{"state":"${state}","consent_updated_at":"2026-11-20T11:00:00Z"}}`;

  it.each([
    ['orders/create', order('1'), 'order.placed', null],
    ['orders/fulfilled', order('1', ',"fulfillment_status":"fulfilled"'), 'order.shipped', null],
    ['orders/cancelled', order('1', ',"cancelled_at":"2026-11-20T11:00:00Z"'), 'order.cancelled', null],
    ['checkouts/update', order('1'), 'cart.changed', null],
    ['draft_orders/update', order('1'), 'cart.changed', null],
    ['customers/update', '{"id":1,"email":"bob@example.nl"}', 'contact.changed', null],
    ['customers/delete', '{"id":1}', 'contact.deleted', null],
    ['customers_email_marketing_consent/update', consent('subscribed'), 'consent.given', 'EMAIL'],
    ['customers_email_marketing_consent/update', consent('unsubscribed'), 'consent.withdrawn', 'EMAIL'],
    [
      'customers_marketing_consent/update',
      '{"id":1,"phone":"+31612345678","sms_marketing_consent":{"state":"UNSUBSCRIBED"}}',
      'consent.withdrawn',
      'SMS',
    ],
  ])('reports by %s the event %s', async (topic, body, type, channel) => {
    expect(await receive(topic, body)).toEqual({ status: 204, events: [[type, channel]] });
  });

  it.each([
    [
      'customers/update',
      '{"id":1,"email":"bob@example.nl","phone":"+31612345678"}',
      { shopifyCustomerId: ['1'], email: ['bob@example.nl'], phone: ['+31612345678'] },
    ],
    [
      'customers_email_marketing_consent/update',
      consent('subscribed'),
      { shopifyCustomerId: ['706405506930370000'], email: ['bob@example.nl'] },
    ],
    [
      'customers_marketing_consent/update',
      '{"id":1,"phone":"+31612345678","sms_marketing_consent":{"state":"UNSUBSCRIBED"}}',
      { shopifyCustomerId: ['1'], phone: ['+31612345678'] },
    ],
  ])('reports by %s all identifiers of the customer', async (topic, body, identifiers) => {
    const receiver = createTestReceiver(webshop, { [variable]: secrets[0] });
    await receiver.post(send(topic)(body, secrets[0]));
    expect(receiver.events.map((event) => event.identifiers)).toEqual([identifiers]);
  });

  it('ignores a consent that is not answered yet', async () => {
    expect(await receive('customers_email_marketing_consent/update', consent('pending'))).toEqual({
      status: 204,
      events: [],
    });
  });

  it('is refused without the id by which repeated messages are recognised', async () => {
    const receiver = createTestReceiver(webshop, { [variable]: secrets[0] });
    const { headers, body } = send('orders/paid')(order('1'), secrets[0]);
    const others = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name !== 'x-shopify-webhook-id'),
    );
    expect(await receiver.post({ headers: others, body })).toMatchObject({ status: 400 });
    expect(receiver.events).toEqual([]);
  });

  it('is refused if the unsigned topic contradicts the order', async () => {
    expect(await receive('orders/cancelled', order('1'))).toEqual({ status: 400, events: [] });
    expect(await receive('orders/fulfilled', order('1'))).toEqual({ status: 400, events: [] });
    const pending = order('1').replace('"paid"', '"pending"');
    expect(await receive('orders/paid', pending)).toEqual({ status: 400, events: [] });
  });

  it('has the time of arrival if the system sends no time', async () => {
    const receiver = createTestReceiver(webshop, { [variable]: secrets[0] });
    await receiver.post(send('customers/delete')('{"id":1}', secrets[0]));
    expect(receiver.events[0]?.time).toBe(new Date(NOW).toISOString());
  });
});
