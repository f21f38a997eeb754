import type { CustomerRecord, GraphqlMapping } from '../../src/index.js';
import type { ShopifyCustomer } from './wire.js';

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
    name: [customer.firstName, customer.lastName].filter(Boolean).join(' '),
    identifiers: [
      { namespace: 'email', value: customer.email, verified: customer.verifiedEmail },
      { namespace: 'phone', value: customer.phone },
    ],
  };
}

/** A value in Shopify's search syntax, quoted: https://shopify.dev/docs/api/usage/search-syntax */
function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** Where schema/sources/webshop.graphql is found in Shopify's Admin API 2025-01. */
export const mapping: GraphqlMapping = {
  entries: {
    _webshopCustomers: {
      type: 'Customer',
      keysArgument: 'ids',
      find: 'nodes(ids: $ids)',
      variables: (ids) => ({ ids: { type: '[ID!]!', value: ids.map(toGid) } }),
      key: { field: 'id', from: fromGid },
    },
    _webshopProducts: {
      type: 'Product',
      keysArgument: 'skus',
      // Shopify lets several variants carry one SKU; the first one counts.
      find: 'productVariants(first: $count, query: $query).nodes',
      variables: (skus) => ({
        count: { type: 'Int!', value: Math.min(250, 2 * skus.length) },
        query: { type: 'String!', value: skus.map((sku) => `sku:${quoted(sku)}`).join(' OR ') },
      }),
      readsPerKey: 2,
      key: { field: 'sku', from: String },
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
        total: 'totalPriceSet.shopMoney',
        lines: 'lineItems(first: $first).nodes',
        checkoutUrl: 'invoiceUrl',
      },
    },
    CartLine: {
      type: 'DraftOrderLineItem',
      fields: { unitPrice: 'originalUnitPriceSet.shopMoney', product: 'variant' },
    },
    Product: {
      type: 'ProductVariant',
      fields: {
        title: 'product.title',
        descriptionHtml: 'product.descriptionHtml',
        price: 'contextualPricing(context: {country: NL}).price',
        available: 'inventoryQuantity',
        imageUrl: 'product.featuredMedia.preview.image.url',
      },
    },
    Money: { type: 'MoneyV2', fields: { currency: 'currencyCode' } },
  },
  // What a single query may cost: https://shopify.dev/docs/api/usage/rate-limits
  maxCost: 1_000,
};
