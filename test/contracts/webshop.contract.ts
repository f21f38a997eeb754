import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  parse,
  print,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import { webshop } from '../../sources/webshop/index.js';
import { notedOrders, notedOrdersSdl } from '../sources/noted-orders.js';
import { createTestGateway } from '../support/gateway.js';
import { differences, expectPartOf, readIntrospection } from './introspection.js';
import { contractFile } from './openapi.js';

const vendor = readIntrospection(contractFile('shopify', 'admin_schema_2025-01.introspection.json.gz'));
const standIn = schemaOf(sourceFile('stand-in/schema.graphql'));

/** The requests of a gateway to a webshop. */
const operations = {
  'a customer by e-mail address': /* GraphQL */ `
    query ($identifier: CustomerIdentifierInput!) {
      customerByIdentifier(identifier: $identifier) {
        ...Profile
      }
    }
    fragment Profile on Customer {
      id
      legacyResourceId
      displayName
      firstName
      lastName
      email
      phone
      verifiedEmail
      locale
      tags
      amountSpent {
        amount
        currencyCode
      }
      numberOfOrders
      defaultAddress {
        address1
        zip
        city
        countryCodeV2
      }
      emailMarketingConsent {
        marketingState
        marketingOptInLevel
        consentUpdatedAt
      }
    }
  `,
  'many things by id': /* GraphQL */ `
    query ($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        id
        ... on LegacyInteroperability {
          legacyResourceId
        }
        ... on Customer {
          email
        }
        ... on ProductVariant {
          sku
          price
        }
      }
    }
  `,
  'customers, page by page': /* GraphQL */ `
    query ($after: String) {
      customers(
        first: 50
        after: $after
        sortKey: UPDATED_AT
        reverse: true
        query: "updated_at:>'2026-01-01'"
      ) {
        edges {
          cursor
          node {
            id
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  'the newest cart': /* GraphQL */ `
    query ($query: String!) {
      draftOrders(first: 1, sortKey: UPDATED_AT, reverse: true, query: $query) {
        nodes {
          id
          name
          status
          updatedAt
          invoiceUrl
          customer {
            id
          }
          totalPriceSet {
            shopMoney {
              amount
              currencyCode
            }
          }
          lineItems(first: 20) {
            nodes {
              id
              title
              quantity
              originalUnitPriceSet {
                shopMoney {
                  amount
                }
              }
              variant {
                id
                sku
                product {
                  title
                  onlineStoreUrl
                }
              }
            }
          }
        }
      }
    }
  `,
  'products by sku': /* GraphQL */ `
    query ($query: String!, $country: CountryCode!) {
      productVariants(first: 10, query: $query) {
        nodes {
          id
          sku
          title
          displayName
          price
          inventoryQuantity
          availableForSale
          contextualPricing(context: { country: $country }) {
            price {
              amount
              currencyCode
            }
          }
          product {
            id
            title
            handle
            descriptionHtml
            featuredMedia {
              preview {
                image {
                  url(transform: { maxWidth: 200 })
                  altText
                }
              }
            }
          }
        }
      }
    }
  `,
  'orders by their names': /* GraphQL */ `
    query ($query: String!) {
      orders(first: 10, query: $query) {
        nodes {
          id
          name
          customer {
            id
          }
          app {
            name
          }
          displayFinancialStatus
          displayFulfillmentStatus
          statusPageUrl
          cancelledAt
          fulfillments(first: 3) {
            name
            status
            displayStatus
            createdAt
            deliveredAt
            trackingInfo(first: 2) {
              company
              number
              url
            }
          }
        }
        pageInfo {
          hasNextPage
        }
      }
    }
  `,
  'that somebody unsubscribed': /* GraphQL */ `
    mutation ($input: CustomerEmailMarketingConsentUpdateInput!) {
      customerEmailMarketingConsentUpdate(input: $input) {
        customer {
          emailMarketingConsent {
            marketingState
          }
        }
        userErrors {
          field
          message
        }
      }
    }
  `,
  'abandoned checkouts and the shop': /* GraphQL */ `
    {
      shop {
        name
        currencyCode
        primaryDomain {
          url
        }
      }
      abandonedCheckouts(first: 5) {
        nodes {
          id
          abandonedCheckoutUrl
          lineItems(first: 5) {
            nodes {
              title
              quantity
            }
          }
        }
      }
    }
  `,
};

describe("the stand-in's part of Shopify's Admin API", () => {
  test('has only members of the vendor, with the same definitions', () => {
    expectPartOf(vendor, standIn, { deprecations: true });
  });

  test.each(Object.entries(operations))('accepts the same operations: %s', (_name, operation) => {
    const document = parse(operation);
    expect(validate(vendor, document)).toEqual([]);
    expect(validate(standIn, document)).toEqual([]);
  });
});

test("all requests of the gateway are valid in the vendor's own schema", async () => {
  const world = createWorld({ customers: 3 });
  const shop = await startWebshop(world);
  const gateway = createTestGateway(
    { ...shop.settings(shop.url), NOTED: 'yes' },
    { sources: [webshop, notedOrders], sdl: notedOrdersSdl },
  );
  const types = [
    'Customer',
    'Consent',
    'Cart',
    'CartLine',
    'Product',
    'Money',
    'Order',
    'Shipment',
    'Tracking',
    'CartLineConnection',
    'OrderConnection',
    'ShipmentConnection',
    'PageInfo',
  ];
  const { errors } = await gateway.query(print(everyField(gateway.schema, types)), {
    by: { email: 'everywhere@example.nl' },
  });
  expect(errors).toEqual([]);
  const queries = shop.requests().map(({ query }) => query);
  for (const field of ['draftOrders', 'orders(', 'trackingInfo', 'smsMarketingConsent'])
    expect(queries.some((query) => query.includes(field))).toBe(true);
  for (const query of queries) expect(validate(vendor, parse(query)), query).toEqual([]);
  await gateway.close();
  await shop.close();
});

/** Selects every field of the given types for one customer. Arguments with a default are omitted. */
function everyField(schema: GraphQLSchema, types: readonly string[]): DocumentNode {
  const select = (name: string, path: readonly string[]): string => {
    const type = schema.getType(name);
    if (!isObjectType(type) || path.includes(name)) return '{ __typename }';
    const fields = Object.values(type.getFields()).map((field) => {
      const named = getNamedType(field.type);
      if (isLeafType(named)) return field.name;
      return types.includes(named.name) ? `${field.name} ${select(named.name, [...path, name])}` : '';
    });
    return `{ ${fields.join(' ')} }`;
  };
  return parse(`query everything($by: CustomerKey!) { customer(by: $by) ${select('Customer', [])} }`);
}

test('reports the differences of a schema that does not match the contract', () => {
  const strayed = buildSchema(/* GraphQL */ `
    schema {
      query: QueryRoot
    }
    type QueryRoot {
      customer: Customer
      draftOrders(first: Int = 10): [String!]
      walletOf(id: ID!): String
    }
    type Customer implements Navigable {
      id: String!
      state: CustomerState
      defaultCursor: String!
    }
    interface Navigable {
      defaultCursor: String!
    }
    enum CustomerState {
      ASLEEP
    }
  `);
  expect(differences(vendor, strayed)).toEqual([
    'QueryRoot.customer.id: the vendor demands it',
    'QueryRoot.draftOrders: type is [String!], at the vendor DraftOrderConnection!',
    'QueryRoot.draftOrders.first: default is 10, at the vendor undefined',
    'QueryRoot.walletOf: the vendor has none',
    'Customer: does not implement Navigable at the vendor',
    'Customer.id: type is String!, at the vendor ID!',
    'Customer.state: type is CustomerState, at the vendor CustomerState!',
    'Customer.defaultCursor: the vendor has none',
    'CustomerState.ASLEEP: the vendor has none',
  ]);
});

function sourceFile(name: string): URL {
  return new URL(`../../sources/webshop/${name}`, import.meta.url);
}

function schemaOf(file: URL): GraphQLSchema {
  return buildSchema(readFileSync(file, 'utf8'));
}
