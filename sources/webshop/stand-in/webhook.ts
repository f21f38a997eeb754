import { createHmac, randomUUID } from 'node:crypto';
import type { Emitter, WebhookMessage } from '../../stand-ins/emit.js';
import { parseGid } from './gid.js';
import type { Shop, ShopCustomer, ShopOrder } from './shop.js';

export const webhookSecret = 'webshop-stand-in-client-secret';

/** Shopify's webhooks: records in the format of its REST API, with ids as numbers above 2^53. */
export function createEmitter(shop: Shop, now: () => number): Emitter {
  const customerOf = (email: string): ShopCustomer | undefined => {
    const record = shop.customerByEmail(email);
    const id = record !== undefined && 'id' in record ? parseGid(String(record.id))?.id : undefined;
    return id === undefined ? undefined : shop.customers.byId(id);
  };
  const moment = () => new Date(now()).toISOString();

  const ofCustomer =
    (topic: string, toRecord: (customer: ShopCustomer) => object) =>
    (email: string): WebhookMessage | undefined => {
      const customer = customerOf(email);
      return customer && message(topic, toRecord(customer), customer);
    };

  /** Changes the newest order that can have the event. */
  const ofOrder =
    (topic: string, canHappen: (order: ShopOrder['order']) => boolean, change: Partial<ShopOrder['order']>) =>
    (email: string): WebhookMessage | undefined => {
      const customer = customerOf(email);
      const orders = customer?.webshop.orders.flatMap(({ id }) => shop.orders.byId(id) ?? []) ?? [];
      const [newest] = orders
        .filter(({ order }) => canHappen(order))
        .sort((a, b) => b.order.placedAt.localeCompare(a.order.placedAt));
      if (newest === undefined) return undefined;
      newest.order = { ...newest.order, ...change };
      return message(topic, orderBody(newest, moment()), newest.customer);
    };

  const consent = (state: 'SUBSCRIBED' | 'UNSUBSCRIBED') =>
    ofCustomer('customers_email_marketing_consent/update', ({ id, person, webshop }) => {
      webshop.emailConsent = { state, optInLevel: 'SINGLE_OPT_IN', updatedAt: moment() };
      return {
        customer_id: `${id}n`,
        email_address: person.email,
        email_marketing_consent: {
          state: state.toLowerCase(),
          opt_in_level: 'single_opt_in',
          consent_updated_at: moment(),
        },
      };
    });

  return {
    'order.placed': ofOrder('orders/create', () => true, {}),
    'order.paid': ofOrder('orders/paid', ({ isCancelled }) => !isCancelled, { isPaid: true }),
    'order.cancelled': ofOrder('orders/cancelled', ({ shipments }) => shipments.length === 0, {
      isCancelled: true,
    }),
    'cart.changed': (email) => {
      const customer = customerOf(email);
      const cart = customer?.webshop.draftOrders.find(({ status }) => status === 'OPEN');
      if (customer === undefined || cart === undefined) return undefined;
      const total = cart.lines.reduce(
        (sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents,
        0,
      );
      const record = {
        id: `${cart.id}n`,
        name: cart.name,
        total_price: (total / 100).toFixed(2),
        currency: 'EUR',
      };
      return message(
        'draft_orders/update',
        { ...record, ...buyer(customer), updated_at: moment() },
        customer,
      );
    },
    'contact.changed': ofCustomer('customers/update', ({ id, person }) => ({
      id: `${id}n`,
      email: person.email,
      phone: person.phone,
      updated_at: moment(),
    })),
    'consent.given': consent('SUBSCRIBED'),
    'consent.withdrawn': consent('UNSUBSCRIBED'),
  };
}

function orderBody({ id, order, customer }: ShopOrder, at: string): object {
  return {
    id: `${id}n`,
    name: order.name,
    created_at: order.placedAt,
    updated_at: at,
    cancelled_at: order.isCancelled ? at : null,
    currency: 'EUR',
    total_price: (order.totalCents / 100).toFixed(2),
    financial_status: order.isPaid ? 'paid' : order.isCancelled ? 'voided' : 'pending',
    fulfillment_status: order.shipments.length > 0 ? 'fulfilled' : null,
    ...buyer(customer),
  };
}

function buyer({ id, person }: ShopCustomer): object {
  return { email: person.email, customer: { id: `${id}n`, email: person.email, phone: person.phone } };
}

function message(topic: string, record: object, { id }: ShopCustomer): WebhookMessage {
  // Shopify writes ids as numbers that JavaScript cannot represent. Here such a number is a text of digits
  // followed by n.
  const body = JSON.stringify(record).replace(/"(\d+)n"/g, '$1');
  const webhookId = randomUUID();
  return {
    body,
    headers: () => ({
      'content-type': 'application/json',
      'x-shopify-topic': topic,
      'x-shopify-shop-domain': 'demo-winkel.myshopify.com',
      'x-shopify-api-version': '2025-01',
      'x-shopify-webhook-id': webhookId,
      'x-shopify-event-id': `${id}-${webhookId}`,
      'x-shopify-hmac-sha256': createHmac('sha256', webhookSecret).update(body).digest('base64'),
    }),
  };
}
