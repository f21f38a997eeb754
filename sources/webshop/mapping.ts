import {
  globalId,
  type ConsentStatement,
  type CustomerRecord,
  type GraphqlMapping,
} from '../../src/index.js';
import type { ConsentingCustomer, ShopifyCustomer } from './wire.js';

const CUSTOMER_GID = 'gid://shopify/Customer/';

/** Shopify's ids are larger than 2^53, so they are text everywhere. */
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
      // `verifiedEmail` is true by default for customers that staff or an app created, so it does not prove anything.
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

/** Shopify stores street and number on one line. Splitting the line would be a guess. */
function addressOf({ defaultAddress }: ShopifyCustomer) {
  const { address1 = null, zip = null, city = null, countryCodeV2 = null } = defaultAddress ?? {};
  if (address1 === null && zip === null && city === null) return null;
  return { street: address1, postcode: zip, city, country: countryCodeV2 };
}

/** NOT_SUBSCRIBED may mean that no consent was requested. INVALID and REDACTED do not describe a consent. */
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
        // The level belongs to a consent that was given or requested.
        evidence: status === 'UNKNOWN' ? null : (marketingOptInLevel ?? null),
      },
    ];
  });
}

/** A value in Shopify's search syntax, quoted: https://shopify.dev/docs/api/usage/search-syntax */
function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** The most items of a list of inputs, or of a page: https://shopify.dev/docs/api/usage/limits */
const MAX_ITEMS = 250;
/** Several variants may have one SKU in Shopify, so two of each are read; the first one counts. */
const VARIANTS_PER_SKU = 2;
/** Order names are unique, unless an app sets a name that exists. Two of each are read; of two orders with one name none counts. */
const ORDERS_PER_NAME = 2;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Maps schema/sources/webshop.graphql to Shopify's Admin API 2025-01. */
export const mapping: GraphqlMapping = {
  entries: {
    _webshopCustomers: {
      type: 'Customer',
      find: 'nodes(ids: $ids)',
      variables: (ids) => ({ ids: { type: '[ID!]!', value: ids.map(toGid) } }),
      maxKeys: MAX_ITEMS,
      key: { field: 'id', from: fromGid, exact: true },
    },
    _webshopProducts: {
      type: 'Product',
      find: 'productVariants(first: $count, query: $query).nodes',
      variables: (skus) => ({
        count: { type: 'Int!', value: VARIANTS_PER_SKU * skus.length },
        query: { type: 'String!', value: skus.map((sku) => `sku:${quoted(sku)}`).join(' OR ') },
      }),
      maxKeys: MAX_ITEMS / VARIANTS_PER_SKU,
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
      maxKeys: MAX_ITEMS / ORDERS_PER_NAME,
      readsPerKey: ORDERS_PER_NAME,
      more: 'pageInfo.hasNextPage',
      key: { field: 'name', from: textOf, unique: true },
    },
  },
  types: {
    Customer: {
      type: 'Customer',
      fields: {
        amountSpent: {
          path: 'amountSpent',
          select: '{ amount currency: currencyCode }',
          compute: (money) => ({ amounts: [money], isApproximate: false }),
        },
        onlineOrderCount: {
          path: 'numberOfOrders',
          // Shopify's numbers of 64 bits are text.
          compute: (count) => ({ value: Number(count), isApproximate: false }),
        },
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
  // The most points of a single query: https://shopify.dev/docs/api/usage/rate-limits
  maxCost: 1_000,
};
