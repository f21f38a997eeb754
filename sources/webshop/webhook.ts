import { z } from 'zod';
import {
  InvalidInputError,
  isHmacOf,
  moment,
  readJson,
  recordId,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';

/** What Shopify sends by topic is the record as its REST API tells it: https://shopify.dev/docs/api/webhooks */

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

type Told = Omit<ReportedEvent, 'id' | 'time'> & { time: string | null | undefined };

/** The topic is in a header, which is not signed: what a message says must go with it. */
const ORDER_TOPICS: Record<string, { type: EventType; isSo(order: Order): boolean }> = {
  'orders/create': { type: 'order.placed', isSo: () => true },
  'orders/paid': { type: 'order.paid', isSo: ({ financial_status: status }) => status === 'paid' },
  'orders/fulfilled': {
    type: 'order.shipped',
    isSo: ({ fulfillment_status: status }) => status === 'fulfilled',
  },
  'orders/cancelled': { type: 'order.cancelled', isSo: ({ cancelled_at: at }) => at != null },
};
const CART_TOPICS = new Set([
  'checkouts/create',
  'checkouts/update',
  'draft_orders/create',
  'draft_orders/update',
]);

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('WEBSHOP_WEBHOOK_SECRETS'),
  verify: ({ headers, body }, secrets) => {
    const signature = headers.get('x-shopify-hmac-sha256');
    return isHmacOf([body], { secrets, signature, encoding: 'base64' }) ? 'valid' : 'invalid';
  },
  events: ({ headers, body }, nowMs) => {
    const told = eventOf(headers.get('x-shopify-topic') ?? '', body);
    const id = headers.get('x-shopify-webhook-id');
    if (id === null) throw new InvalidInputError('The header x-shopify-webhook-id is missing.');
    return told === undefined ? [] : [{ ...told, id, time: told.time ?? new Date(nowMs).toISOString() }];
  },
  // What is asked of an order by its name says nothing of whose it is.
  objects: ({ type, data: { number } }) =>
    type.startsWith('order.') && typeof number === 'string' ? [{ type: 'Order', key: number }] : [],
};

function eventOf(topic: string, body: Uint8Array): Told | undefined {
  const ofOrder = ORDER_TOPICS[topic];
  if (ofOrder !== undefined) {
    const told = readJson(body, order);
    if (!ofOrder.isSo(told)) throw new InvalidInputError('The order is not what the topic says of it.');
    return orderEvent(ofOrder.type, told);
  }
  if (CART_TOPICS.has(topic)) return orderEvent('cart.changed', readJson(body, order));
  switch (topic) {
    case 'customers/create':
    case 'customers/update':
    case 'customers/delete': {
      const told = readJson(body, customer);
      return {
        type: topic === 'customers/delete' ? 'contact.deleted' : 'contact.changed',
        time: told.updated_at,
        subject: told.id,
        identifiers: identifiersOf(told.id, told.email, told.phone),
        data: {},
      };
    }
    case 'customers_email_marketing_consent/update': {
      const told = readJson(body, emailConsent);
      const identifiers = identifiersOf(told.customer_id, told.email_address);
      return consentEvent('EMAIL', told.customer_id, told.email_marketing_consent, identifiers);
    }
    case 'customers_marketing_consent/update': {
      const told = readJson(body, smsConsent);
      const identifiers = identifiersOf(told.id, null, told.phone);
      return consentEvent('SMS', told.id, told.sms_marketing_consent, identifiers);
    }
    default:
      readJson(body, z.unknown());
      return undefined;
  }
}

function orderEvent(type: EventType, told: Order): Told {
  const { id, customer: buyer, total_price: total } = told;
  return {
    type,
    time: told.updated_at,
    subject: id,
    identifiers: identifiersOf(buyer?.id, told.email ?? buyer?.email, buyer?.phone),
    data: {
      number: told.name ?? null,
      total: total ?? null,
      currency: told.currency ?? null,
      paymentStatus: told.financial_status ?? null,
      shippingStatus: told.fulfillment_status ?? null,
    },
  };
}

/** Others than these two are no answer of the customer. */
const CONSENT_TYPES: Partial<Record<string, EventType>> = {
  subscribed: 'consent.given',
  unsubscribed: 'consent.withdrawn',
};

function consentEvent(
  channel: 'EMAIL' | 'SMS',
  subject: string,
  { state, consent_updated_at: time }: z.infer<typeof consent>,
  identifiers: ReportedEvent['identifiers'],
): Told | undefined {
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
