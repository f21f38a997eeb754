import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import type { Client } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { defineLoader, type Context } from '../../src/index.js';
import { at, listAt } from '../support/read.js';
import { localSource } from '../support/local-source.js';
import { openShop, shoppers, titleOf, world } from './shop.js';

/** A local system that knows only the number of items of a product in the warehouse. */
const requestedSkus: string[][] = [];
let isBroken = false;

const quantity = (sku: string): number => 100 + world.products.findIndex((product) => product.sku === sku);

const stockBySku = defineLoader<Client, string, number>({
  name: 'stockBySku',
  load: (skus) => {
    requestedSkus.push([...skus].sort());
    if (isBroken) throw new SourceUnavailableError('warehouse', 'warehouse cannot be reached.');
    return Promise.resolve(skus.map(quantity));
  },
});

const { source: warehouse, environment } = localSource('warehouse', {
  loaders: [stockBySku],
  resolvers: {
    Product: { stock: ({ sku }: { sku: string }, _: unknown, { load }: Context) => load(stockBySku, sku) },
  },
});

const { webshop, gateway, takeRequests, close } = await openShop({
  sources: [...sources, warehouse],
  sdl: {
    warehouse:
      'type Product @foundBy(field: "sku") @personalData(category: NONE) { "The number of items in the warehouse." stock: Int sku: ID! }',
  },
  environment,
});
afterEach(() => {
  requestedSkus.length = 0;
  isBroken = false;
  webshop.failFields([]);
  takeRequests();
});
afterAll(close);

const shopper = shoppers.find(({ cart }) => cart.lines.length > 1);
if (shopper === undefined) throw new Error('The seed data has no person with two products in the cart.');
const by = { email: shopper.email };
const skus = shopper.cart.lines.map(({ sku }) => sku);

const inCart = (product: string) =>
  `query($by: CustomerKey!) { customer(by: $by) { cart { lines { nodes { product { ${product} } } } } } }`;
const inOrders = (product: string) =>
  `query($by: CustomerKey!) { customer(by: $by) { orders(first: 1) { nodes { lines { product { ${product} } } } } } }`;
const inCartOf = (answer: { data: unknown }) =>
  listAt(answer.data, 'customer', 'cart', 'lines', 'nodes').map((line) => at(line, 'product'));
const inOrdersOf = (answer: { data: unknown }) =>
  listAt(answer.data, 'customer', 'orders', 'nodes', 0, 'lines').map((line) => at(line, 'product'));

describe('a local system finds a product of the webshop by its SKU', () => {
  // This test is the first one, because a customer with cached identity would be resolved before the others.
  test('in one call for all products of the same field', async () => {
    const answer = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { cart { lines(first: 5) { nodes { product { stock } } } } } }',
      { by: shoppers.map(({ email }) => ({ email })) },
    );
    expect(answer.errors).toEqual([]);
    expect(listAt(answer.data, 'customers')).toEqual(
      shoppers.map(({ cart }) => ({
        cart: { lines: { nodes: cart.lines.map(({ sku }) => ({ product: { stock: quantity(sku) } })) } },
      })),
    );
    expect(requestedSkus).toHaveLength(1);
    expect(takeRequests()).toHaveLength(1);
  });

  test('even if the client does not select the SKU', async () => {
    const answer = await gateway.query(inCart('stock'), { by });
    expect(answer.errors).toEqual([]);
    expect(inCartOf(answer)).toEqual(skus.map((sku) => ({ stock: quantity(sku) })));
    expect(requestedSkus).toEqual([[...skus].sort()]);
  });

  test.each<[string, (sku: string) => object]>([
    ['sku stock', (sku: string) => ({ sku, stock: quantity(sku) })],
    ['artikel: sku stock', (sku: string) => ({ artikel: sku, stock: quantity(sku) })],
    ['title left: stock', (sku: string) => ({ title: titleOf(sku), left: quantity(sku) })],
    ['sku: title stock', (sku: string) => ({ sku: titleOf(sku), stock: quantity(sku) })],
    ['stock: title sku: stock', (sku: string) => ({ stock: titleOf(sku), sku: quantity(sku) })],
    [
      'title: sku sku: title stock',
      (sku: string) => ({ title: sku, sku: titleOf(sku), stock: quantity(sku) }),
    ],
    ['...part', (sku: string) => ({ sku: titleOf(sku), stock: quantity(sku) })],
  ])('under any alias: { %s }', async (selection, expected) => {
    const fragment = selection === '...part' ? ' fragment part on Product { sku: title ... { stock } }' : '';
    const answer = await gateway.query(inCart(selection) + fragment, { by });
    expect(answer.errors).toEqual([]);
    expect(inCartOf(answer)).toEqual(skus.map(expected));
    expect(requestedSkus).toEqual([[...skus].sort()]);
  });

  test('in an order line, whose product another source returns', async () => {
    const answer = await gateway.query(inOrders('sku: title stock naam: title nummer: sku'), { by });
    expect(answer.errors).toEqual([]);
    const products = inOrdersOf(answer);
    expect(products.length).toBeGreaterThan(0);
    for (const product of products) {
      const sku = String(at(product, 'nummer'));
      expect(product).toEqual({ sku: titleOf(sku), stock: quantity(sku), naam: titleOf(sku), nummer: sku });
    }
  });

  test('without a call to the webshop if none of its fields is needed', async () => {
    const answer = await gateway.query(inOrders('sku stock'), { by });
    expect(answer.errors).toEqual([]);
    for (const product of inOrdersOf(answer))
      expect(at(product, 'stock')).toBe(quantity(String(at(product, 'sku'))));
    expect(takeRequests()).toEqual([]);
  });
});

describe('a wrong key is never used', () => {
  test('for any alias of another field', async () => {
    const answer = await gateway.query(inCart('_key_sku: title sku: title stock'), { by });
    expect(answer.errors).toEqual([]);
    expect(inCartOf(answer)).toEqual(
      skus.map((sku) => ({ _key_sku: titleOf(sku), sku: titleOf(sku), stock: quantity(sku) })),
    );
    expect(requestedSkus).toEqual([[...skus].sort()]);
  });

  test('a product without its SKU because of an error has that error, and is not looked up', async () => {
    webshop.failFields([{ type: 'ProductVariant', field: 'sku', message: 'broken' }]);
    const answer = await gateway.query(inCart('title stock'), { by });
    expect(inCartOf(answer)).toEqual(skus.map((sku) => ({ title: titleOf(sku), stock: null })));
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.source])).toEqual(
      skus.map((_, i) => [['customer', 'cart', 'lines', 'nodes', i, 'product', 'stock'], 'webshop']),
    );
    expect(requestedSkus).toEqual([]);
  });

  test('one product without a known SKU does not fail the others', async () => {
    const variant = world.products.find(({ sku }) => sku === skus[0])?.variantId ?? '';
    webshop.failFields([{ type: 'ProductVariant', field: 'sku', id: variant, message: 'broken' }]);
    const answer = await gateway.query(inCart('stock'), { by });
    expect(inCartOf(answer)).toEqual(skus.map((sku, i) => ({ stock: i === 0 ? null : quantity(sku) })));
    expect(answer.errors.map(({ path }) => path)).toEqual([
      ['customer', 'cart', 'lines', 'nodes', 0, 'product', 'stock'],
    ]);
    expect(requestedSkus).toEqual([skus.slice(1).sort()]);
  });

  test('an unavailable warehouse affects only its field', async () => {
    isBroken = true;
    const answer = await gateway.query(inCart('title stock'), { by });
    expect(inCartOf(answer)).toEqual(skus.map((sku) => ({ title: titleOf(sku), stock: null })));
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.source])).toEqual(
      skus.map((_, i) => [['customer', 'cart', 'lines', 'nodes', i, 'product', 'stock'], 'warehouse']),
    );
  });
});
