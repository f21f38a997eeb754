import {
  globalId,
  type ConsentStatement,
  type CustomerRecord,
  type GraphqlMapping,
} from '../../src/index.js';
import type { ConsentingCustomer, ShopifyCustomer } from './wire.js';

const CUSTOMER_GID = 'gid://shopify/Customer/';

/** Shopify's ids are larger than 2^53: they are text to us, from end to end. */
export function toGid(customerId: string): string {
  return `${CUSTOMER_GID}${customerId}`;
}

export function fromGid(gid: unknown): string {
  return typeof gid === 'string' && gid.startsWith(CUSTOMER_GID) ? gid.slice(CUSTOMER_GID.length) : '';
}

export function toCustomer(customer: ShopifyCustomer): CustomerRecord {
  return {
    id: fromGid(customer.id),
    identifiers: [
      // Shopify's own `verifiedEmail` is true by default for customers that staff or an app made, so it vouches for nothing.
      { namespace: 'email', value: customer.email },
      { namespace: 'phone', value: customer.phone },
    ],
    profile: {
      name: [customer.firstName, customer.lastName].filter(Boolean).join(' ') || null,
      language: customer.locale ?? null,
      address: addressOf(customer),
      updatedAt: customer.updatedAt ?? null,
    },
  };
}

/** Shopify keeps street and house number on one line. Where the one ends and the other begins would be a guess. */
function addressOf({ defaultAddress }: ShopifyCustomer) {
  const { address1 = null, zip = null, city = null, countryCodeV2 = null } = defaultAddress ?? {};
  if (address1 === null && zip === null && city === null) return null;
  return { street: address1, postcode: zip, city, country: countryCodeV2 };
}

/** Who never subscribed was never asked, as far as the webshop tells; what it erased or holds for wrong says nothing. */
const CONSENT_STATUS = {
  SUBSCRIBED: 'GRANTED',
  UNSUBSCRIBED: 'REVOKED',
  PENDING: 'REQUESTED',
  NOT_SUBSCRIBED: 'UNKNOWN',
  INVALID: 'UNKNOWN',
  REDACTED: 'UNKNOWN',
} as const;

export function toConsents(customer: ConsentingCustomer): ConsentStatement[] {
  const channels = [
    ['EMAIL', customer.emailMarketingConsent],
    ['SMS', customer.smsMarketingConsent],
  ] as const;
  return channels.flatMap(([channel, consent]) => {
    if (consent === null) return [];
    const { marketingState, marketingOptInLevel, consentUpdatedAt } = consent;
    const status = CONSENT_STATUS[marketingState];
    return [
      {
        purpose: 'MARKETING' as const,
        channel,
        status,
        updatedAt: consentUpdatedAt == null ? null : new Date(consentUpdatedAt).toISOString(),
        // The level is of the consent that was once given or asked for.
        evidence: status === 'UNKNOWN' ? null : (marketingOptInLevel ?? null),
      },
    ];
  });
}

/** A value in Shopify's search syntax, quoted: https://shopify.dev/docs/api/usage/search-syntax */
function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** What a list of inputs, or a page, holds at most: https://shopify.dev/docs/api/usage/limits */
const MOST_AT_ONCE = 250;
/** Shopify lets several variants carry one SKU, so there is room for two of each; the first one counts. */
const VARIANTS_PER_SKU = 2;
/** An order's name is its own, but an app may give one that is taken: room for two shows it, and then neither counts. */
const ORDERS_PER_NAME = 2;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Where schema/sources/webshop.graphql is found in Shopify's Admin API 2025-01. */
export const mapping: GraphqlMapping = {
  entries: {
    _webshopCustomers: {
      type: 'Customer',
      find: 'nodes(ids: $ids)',
      variables: (ids) => ({ ids: { type: '[ID!]!', value: ids.map(toGid) } }),
      maxKeys: MOST_AT_ONCE,
      key: { field: 'id', from: fromGid, exact: true },
    },
    _webshopProducts: {
      type: 'Product',
      find: 'productVariants(first: $count, query: $query).nodes',
      variables: (skus) => ({
        count: { type: 'Int!', value: VARIANTS_PER_SKU * skus.length },
        query: { type: 'String!', value: skus.map((sku) => `sku:${quoted(sku)}`).join(' OR ') },
      }),
      maxKeys: MOST_AT_ONCE / VARIANTS_PER_SKU,
      readsPerKey: VARIANTS_PER_SKU,
      more: 'pageInfo.hasNextPage',
      key: { field: 'sku', from: textOf },
    },
    _webshopOrders: {
      type: 'Order',
      find: 'orders(first: $count, query: $query).nodes',
      variables: (names) => ({
        count: { type: 'Int!', value: ORDERS_PER_NAME * names.length },
        query: { type: 'String!', value: names.map((name) => `name:${quoted(name)}`).join(' OR ') },
      }),
      maxKeys: MOST_AT_ONCE / ORDERS_PER_NAME,
      readsPerKey: ORDERS_PER_NAME,
      more: 'pageInfo.hasNextPage',
      key: { field: 'name', from: textOf, unique: true },
    },
  },
  types: {
    Customer: {
      type: 'Customer',
      fields: {
        onlineOrderCount: 'numberOfOrders',
        cart: {
          owner: { path: 'customer.id', from: fromGid },
          path: 'draftOrders(first: 1, sortKey: UPDATED_AT, reverse: true, query: $query).nodes.0',
          variables: (id) => ({ query: { type: 'String!', value: `customer_id:${id} AND status:open` } }),
        },
      },
    },
    Cart: {
      type: 'DraftOrder',
      fields: {
        id: { path: 'id', compute: (gid) => globalId('Cart', textOf(gid)) },
        total: 'totalPriceSet.shopMoney',
        lines: { page: 'lineItems(first: $first, after: $after)', ownerId: 'id' },
        checkoutUrl: 'invoiceUrl',
      },
    },
    CartLine: {
      type: 'DraftOrderLineItem',
      fields: {
        id: { path: 'id', compute: (gid) => globalId('CartLine', textOf(gid)) },
        unitPrice: 'originalUnitPriceSet.shopMoney',
        product: 'variant',
      },
    },
    Product: {
      type: 'ProductVariant',
      needs: 'sku',
      fields: {
        title: 'product.title',
        descriptionHtml: 'product.descriptionHtml',
        price: 'contextualPricing(context: {country: $country}).price',
        availableQuantity: 'inventoryQuantity',
        imageUrl: 'product.featuredMedia.preview.image.url',
      },
    },
    Order: {
      type: 'Order',
      fields: {
        onlineNumber: 'name',
        onlineStatus: 'displayFulfillmentStatus',
        channel: 'app.name',
        shipments: { list: 'fulfillments', sortedBy: ['createdAt', 'id'] },
      },
    },
    Shipment: {
      type: 'Fulfillment',
      fields: { sentAt: 'createdAt', tracking: 'trackingInfo' },
    },
    Tracking: { type: 'FulfillmentTrackingInfo', fields: { carrier: 'company' } },
    Money: { type: 'MoneyV2', fields: { currency: 'currencyCode' } },
  },
  settings: { country: 'CountryCode!' },
  // What a single query may cost: https://shopify.dev/docs/api/usage/rate-limits
  maxCost: 1_000,
};
