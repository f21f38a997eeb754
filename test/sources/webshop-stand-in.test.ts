import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLOutputType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import {
  openShop,
  eva,
  evaId,
  ids,
  post,
  send,
  shopper,
  start,
  tokenOf,
  world,
} from './webshop-operations.js';

describe('the login of the stand-in of the webshop', () => {
  test('refuses a missing and a wrong token', async () => {
    const shop = await start();
    for (const token of [undefined, 'wrong']) {
      const answer = await post(shop, { query: '{ shop { name } }' }, token);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toEqual({
        errors: '[API] Invalid API key or access token (unrecognized login or wrong password)',
      });
    }
  });

  test('is possible only at the address of the API', async () => {
    const shop = await start();
    expect((await fetch(`${shop.url}/admin/api/2024-01/graphql.json`, { method: 'POST' })).status).toBe(404);
  });
});

describe('the stand-in of the webshop', () => {
  test('finds a customer by e-mail address, in any case, by phone and by id', async () => {
    const execute = await openShop();
    const query = `query ($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }`;
    for (const by of [
      { emailAddress: eva.email },
      { emailAddress: ` ${eva.email.toUpperCase()}` },
      { phoneNumber: eva.phone },
      { id: evaId },
    ]) {
      expect((await execute(query, { by })).data).toEqual({ customerByIdentifier: { id: evaId } });
    }
    expect((await execute(query, { by: { emailAddress: 'nobody@example.nl' } })).data).toEqual({
      customerByIdentifier: null,
    });
  });

  test('refuses to find a customer by two identifiers at once', async () => {
    const execute = await openShop();
    const { data, errors } = await execute(
      `query ($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }`,
      { by: { emailAddress: eva.email, id: evaId } },
    );
    expect(data).toBeUndefined();
    expect(errors?.[0]).toMatchObject({
      extensions: {
        code: 'INVALID_VARIABLE',
        problems: [
          {
            explanation: "'CustomerIdentifierInput' requires exactly one argument, but 2 were provided.",
          },
        ],
      },
    });
  });

  test('finds many objects by id at once, with null for unknown ones', async () => {
    const execute = await openShop();
    const [product] = world.products;
    const variantId = `gid://shopify/ProductVariant/${String(product?.variantId)}`;
    const { data } = await execute(
      `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on ProductVariant { sku title } } }`,
      { ids: [evaId, 'gid://shopify/Customer/9007199254740993', variantId, 'gid://shopify/Order/1'] },
    );
    expect(data).toEqual({
      nodes: [
        { __typename: 'Customer', id: evaId },
        null,
        { __typename: 'ProductVariant', id: variantId, sku: product?.sku, title: 'Default Title' },
        null,
      ],
    });
  });

  test('refuses an invalid id, and one of another type', async () => {
    const execute = await openShop();
    const query = `query ($id: ID!) { customer(id: $id) { id } }`;
    expect((await execute(query, { id: '12' })).errors?.[0]).toMatchObject({
      extensions: { code: 'INVALID_VARIABLE', problems: [{ explanation: "Invalid global id '12'" }] },
    });
    expect(await execute(query, { id: 'gid://shopify/Product/1' })).toMatchObject({
      data: { customer: null },
      errors: [{ path: ['customer'], extensions: { code: 'RESOURCE_NOT_FOUND' } }],
    });
  });

  test('returns ids above 2^53 with all digits', async () => {
    const execute = await openShop();
    const { data } = await execute(
      `query ($id: ID!) { customer(id: $id) { id legacyResourceId numberOfOrders } }`,
      {
        id: evaId,
      },
    );
    expect(BigInt(eva.webshop.customerId) > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(data).toEqual({
      customer: {
        id: evaId,
        legacyResourceId: eva.webshop.customerId,
        numberOfOrders: String(eva.webshop.numberOfOrders),
      },
    });
  });
});

describe('the cost of an operation in the stand-in of the webshop', () => {
  test('is reported with every answer, as requested and as actual cost', async () => {
    const execute = await openShop({ now: () => 0 });
    const { extensions } = await execute(
      `query ($first: Int, $without: Boolean = false, $ids: [ID!]!) {
        customers(first: $first, query: "email:nobody@example.nl") {
          edges { cursor node { id defaultAddress { city } amountSpent @include(if: $without) { amount } } }
          pageInfo { hasNextPage }
        }
        nodes(ids: $ids) { id ... on Customer { amountSpent { amount } } ... on DraftOrder { name } }
        shop { name }
      }`,
      { first: 10, ids: [evaId, 'gid://shopify/Customer/1'] },
    );
    expect(extensions).toEqual({
      cost: {
        requestedQueryCost: 2 + 10 * 2 + 2 * 2 + 1,
        actualQueryCost: 2 + 2 + 1,
        throttleStatus: { maximumAvailable: 20_000, currentlyAvailable: 19_995, restoreRate: 1_000 },
      },
    });
  });

  test('is at most 1,000 points', async () => {
    const execute = await openShop();
    // Each item costs four points, and the connection two.
    const query = (first: number) =>
      `{ customers(first: ${first}) { nodes { amountSpent { amount } defaultAddress { city } emailMarketingConsent { marketingState } } } }`;
    expect((await execute(query(249))).errors).toBeUndefined();
    expect(await execute(query(250))).toMatchObject({
      errors: [{ extensions: { code: 'MAX_COST_EXCEEDED', cost: 1_002, maxCost: 1_000 } }],
      extensions: { cost: { requestedQueryCost: 1_002, actualQueryCost: null } },
    });
  });

  test('is taken from a bucket that is refilled over time', async () => {
    let now = 0;
    const execute = await openShop({ maximumAvailable: 100, restoreRate: 50, now: () => now });
    const query = `{ customers(first: 40) { nodes { id } } shop { name } }`;
    const cost = 2 + ids.slice(0, 40).length + 1;

    expect((await execute(query)).extensions).toMatchObject({
      cost: { throttleStatus: { currentlyAvailable: 100 - cost } },
    });
    await execute(query);
    const throttled = await execute(query);
    expect(throttled).toEqual({
      errors: [
        {
          message: 'Throttled',
          extensions: { code: 'THROTTLED', documentation: 'https://shopify.dev/api/usage/rate-limits' },
        },
      ],
      extensions: {
        cost: {
          requestedQueryCost: 43,
          actualQueryCost: null,
          throttleStatus: { maximumAvailable: 100, currentlyAvailable: 100 - 2 * cost, restoreRate: 50 },
        },
      },
    });
    now = 1_000;
    expect((await execute(query)).errors).toBeUndefined();
  });
});

describe('an error of the stand-in of the webshop', () => {
  test('has the HTTP status 200 if it is about the operation', async () => {
    const shop = await start();
    const answer = await post(
      shop,
      { query: 'query Q { customer(id: "gid://shopify/Customer/1") { shoeSize } }' },
      tokenOf(shop),
    );
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      errors: [
        {
          message: "Field 'shoeSize' doesn't exist on type 'Customer'",
          path: ['query Q', 'customer', 'shoeSize'],
          extensions: { code: 'undefinedField', typeName: 'Customer', fieldName: 'shoeSize' },
        },
      ],
    });
  });

  test('has another HTTP status if it is about the request', async () => {
    const shop = await start();
    expect((await post(shop, '{', tokenOf(shop))).status).toBe(400);
    expect((await post(shop, {}, tokenOf(shop))).status).toBe(400);
    expect((await post(shop, ' '.repeat(3_000_000), tokenOf(shop))).status).toBe(413);
  });

  test('makes only its field null if it is about one field', async () => {
    const shop = await start({
      failingFields: [
        { type: 'Customer', field: 'defaultAddress', id: evaId, message: 'address book is unavailable' },
      ],
    });
    const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { email address: defaultAddress { city } } } }`;
    const variables = { ids: [`gid://shopify/Customer/${shopper(1).webshop.customerId}`, evaId] };
    expect(await send(shop, query, variables)).toMatchObject({
      data: {
        nodes: [
          { email: shopper(1).email, address: { city: shopper(1).address.city } },
          { email: eva.email, address: null },
        ],
      },
      errors: [
        {
          message: 'address book is unavailable',
          path: ['nodes', 1, 'address'],
          extensions: { code: 'INTERNAL_SERVER_ERROR' },
        },
      ],
    });

    shop.failFields([]);
    expect((await send(shop, query, variables)).errors).toBeUndefined();
  });
});

test('the stand-in of the webshop answers every field of its schema', async () => {
  const execute = await openShop();
  const draftId = `gid://shopify/DraftOrder/${String(eva.webshop.draftOrders[0]?.id)}`;
  const sku = eva.webshop.draftOrders[0]?.lines[0]?.sku;
  const product = world.products.find((candidate) => candidate.sku === sku);
  for (const [field, type] of [
    [`customer(id: "${evaId}")`, 'Customer'],
    [`draftOrder(id: "${draftId}")`, 'DraftOrder'],
    [`product(id: "gid://shopify/Product/${String(product?.productId)}")`, 'Product'],
    [`productVariant(id: "gid://shopify/ProductVariant/${String(product?.variantId)}")`, 'ProductVariant'],
    [`orders(first: 1, query: "name:'#1010'")`, 'OrderConnection'],
    ['abandonedCheckouts(first: 1)', 'AbandonedCheckoutConnection'],
    ['shop', 'Shop'],
  ] as const) {
    const { data, errors } = await execute(`{ found: ${field} ${selectionOf(type)} }`);
    expect(errors, field).toBeUndefined();
    expect(data?.['found'], field).not.toBeNull();
  }
});

test('the stand-in of the webshop records the operations that it receives', async () => {
  const shop = await start();
  await send(shop, 'query ($id: ID!) { customer(id: $id) { id } }', { id: evaId });
  expect(shop.requests()).toEqual([
    {
      query: 'query ($id: ID!) { customer(id: $id) { id } }',
      variables: { id: evaId },
      operationName: undefined,
    },
  ]);
  shop.forgetRequests();
  expect(shop.requests()).toEqual([]);
});

/** Selects all fields of a type, nested a few levels deep. */
function selectionOf(typeName: string, depth = 3): string {
  const schema = buildSchema(
    readFileSync(new URL('../../sources/webshop/stand-in/schema.graphql', import.meta.url), 'utf8'),
  );
  const ofType = (type: GraphQLNamedType, left: number): string => {
    if (isLeafType(type)) return '';
    if (isAbstractType(type)) {
      const inner = schema
        .getPossibleTypes(type)
        .map((objectType) => `... on ${objectType.name} ${ofType(objectType, left)}`);
      return `{ __typename ${inner.join(' ')} }`;
    }
    const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
    return `{ __typename ${fields.map((field) => ofField(field, left)).join(' ')} }`;
  };
  const ofField = (field: FieldOfSchema, left: number): string => {
    const type = getNamedType(field.type);
    if (!isLeafType(type) && left === 0) return '';
    const paged = field.args.some(({ name }) => name === 'last') ? '(first: 1)' : '';
    const input = field.args.some(isRequiredArgument) ? '(context: { country: NL })' : paged;
    return `${field.name}${input} ${ofType(type, left - 1)}`;
  };
  const type = schema.getType(typeName);
  return type ? ofType(type, depth) : '';
}

interface FieldOfSchema {
  name: string;
  type: GraphQLOutputType;
  args: readonly GraphQLArgument[];
}
