import { z } from 'zod';
import {
  InvalidInputError,
  moment,
  readJson,
  recordId,
  signedMessage,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';

/** Shopify's webhooks have the record in the format of its REST API: https://shopify.dev/docs/api/webhooks */

const text = z.string().nullish();

const customer = z.object({ id: recordId, email: text, phone: text, updated_at: moment.nullish() });

const order = z.object({
  id: recordId,
  name: text,
  email: text,
  customer: customer.nullish(),
  total_price: z
    .string()
    .regex(/^\d{1,12}(\.\d+)?$/)
    .nullish(),
  currency: text,
  financial_status: text,
  fulfillment_status: text,
  cancelled_at: moment.nullish(),
  updated_at: moment.nullish(),
});
type Order = z.infer<typeof order>;

const consent = z.object({ state: z.string(), consent_updated_at: moment.nullish() });
const emailConsent = z.object({
  customer_id: recordId,
  email_address: text,
  email_marketing_consent: consent,
});
const smsConsent = z.object({ id: recordId, phone: text, sms_marketing_consent: consent });

type ShopEvent = Omit<ReportedEvent, 'id' | 'time'> & { time: string | null | undefined };

/** The topic is in a header, which is not signed, so the order itself must have the state. */
const ORDER_TOPICS: Record<string, { type: EventType; hasState(order: Order): boolean }> = {
  'orders/create': { type: 'order.placed', hasState: () => true },
  'orders/paid': { type: 'order.paid', hasState: ({ financial_status: status }) => status === 'paid' },
  'orders/fulfilled': {
    type: 'order.shipped',
    hasState: ({ fulfillment_status: status }) => status === 'fulfilled',
  },
  'orders/cancelled': { type: 'order.cancelled', hasState: ({ cancelled_at: at }) => at != null },
};
const CART_TOPICS = new Set([
  'checkouts/create',
  'checkouts/update',
  'draft_orders/create',
  'draft_orders/update',
]);

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('WEBSHOP_WEBHOOK_SECRETS'),
  ...signedMessage({
    header: 'x-shopify-hmac-sha256',
    encoding: 'base64',
    test: { headers: { 'x-shopify-topic': 'stekkerdoos/test', 'x-shopify-webhook-id': 'stekkerdoos-test' } },
  }),
  events: ({ headers, body }, nowMs) => {
    const event = eventOf(headers.get('x-shopify-topic') ?? '', body);
    const id = headers.get('x-shopify-webhook-id');
    if (id === null) throw new InvalidInputError('The header x-shopify-webhook-id is missing.');
    return event === undefined ? [] : [{ ...event, id, time: event.time ?? new Date(nowMs).toISOString() }];
  },
  // Orders are cached by their name, without their customer, so they are dropped by name too.
  objects: ({ type, data: { number } }) =>
    type.startsWith('order.') && typeof number === 'string' ? [{ type: 'Order', key: number }] : [],
};

function eventOf(topic: string, body: Uint8Array): ShopEvent | undefined {
  const ofOrder = ORDER_TOPICS[topic];
  if (ofOrder !== undefined) {
    const record = readJson(body, order);
    if (!ofOrder.hasState(record))
      throw new InvalidInputError('The order does not have the state that the topic claims.');
    return orderEvent(ofOrder.type, record);
  }
  if (CART_TOPICS.has(topic)) return orderEvent('cart.changed', readJson(body, order));
  switch (topic) {
    case 'customers/create':
    case 'customers/update':
    case 'customers/delete': {
      const record = readJson(body, customer);
      return {
        type: topic === 'customers/delete' ? 'contact.deleted' : 'contact.changed',
        time: record.updated_at,
        subject: record.id,
        identifiers: identifiersOf(record.id, record.email, record.phone),
        data: {},
      };
    }
    case 'customers_email_marketing_consent/update': {
      const record = readJson(body, emailConsent);
      const identifiers = identifiersOf(record.customer_id, record.email_address);
      return consentEvent('EMAIL', record.customer_id, record.email_marketing_consent, identifiers);
    }
    case 'customers_marketing_consent/update': {
      const record = readJson(body, smsConsent);
      const identifiers = identifiersOf(record.id, null, record.phone);
      return consentEvent('SMS', record.id, record.sms_marketing_consent, identifiers);
    }
    default:
      readJson(body, z.unknown());
      return undefined;
  }
}

function orderEvent(type: EventType, record: Order): ShopEvent {
  const { id, customer: buyer, total_price: total } = record;
  return {
    type,
    time: record.updated_at,
    subject: id,
    identifiers: identifiersOf(buyer?.id, record.email ?? buyer?.email, buyer?.phone),
    data: {
      number: record.name ?? null,
      total: total ?? null,
      currency: record.currency ?? null,
      paymentStatus: record.financial_status ?? null,
      shippingStatus: record.fulfillment_status ?? null,
    },
  };
}

/** Other states, such as `pending`, are not decisions of the customer. */
const CONSENT_TYPES: Partial<Record<string, EventType>> = {
  subscribed: 'consent.given',
  unsubscribed: 'consent.withdrawn',
};

function consentEvent(
  channel: 'EMAIL' | 'SMS',
  subject: string,
  { state, consent_updated_at: time }: z.infer<typeof consent>,
  identifiers: ReportedEvent['identifiers'],
): ShopEvent | undefined {
  const type = CONSENT_TYPES[state.toLowerCase()];
  if (type === undefined) return undefined;
  return { type, time, subject, identifiers, data: { purpose: 'MARKETING', channel } };
}

function identifiersOf(
  id: string | undefined,
  email: string | null | undefined,
  phone?: string | null,
): ReportedEvent['identifiers'] {
  return {
    ...(id === undefined ? {} : { shopifyCustomerId: [id] }),
    ...(email == null ? {} : { email: [email] }),
    ...(phone == null ? {} : { phone: [phone] }),
  };
}
