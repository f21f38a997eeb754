import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { at, listAt } from '../support/read.js';
import { openShop, shopper, shoppers, titleOf } from './shop.js';

const { webshop, gateway, close } = await openShop();
afterEach(() => {
  webshop.failFields([]);
});
afterAll(close);

const eva = shopper(0);
const by = { email: eva.email };

describe('a field that the webshop cannot answer', () => {
  test('is null with an error at its path, and other fields have their values', async () => {
    webshop.failFields([{ type: 'DraftOrder', field: 'invoiceUrl', message: `no url for ${eva.email}` }]);
    const answer = await gateway.query(
      'query($by: CustomerKey!) { customer(by: $by) { name locale cart { name link: checkoutUrl } tickets { nodes { id } } } }',
      { by },
    );
    expect(at(answer.data, 'customer', 'cart')).toEqual({ name: eva.cart.name, link: null });
    expect(at(answer.data, 'customer', 'locale')).toBe('nl');
    expect(listAt(answer.data, 'customer', 'tickets', 'nodes').length).toBeGreaterThan(0);
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors[0]).toMatchObject({
      path: ['customer', 'cart', 'link'],
      extensions: { code: 'SOURCE_UNAVAILABLE', source: 'webshop', retryable: true },
    });
    expect(JSON.stringify(answer.errors)).not.toContain('no url');
  });

  test('in a list has its index in its path', async () => {
    const [first, second] = [shopper(0), shopper(1)];
    const gid = `gid://shopify/DraftOrder/${second.cart.id}`;
    webshop.failFields([{ type: 'DraftOrder', field: 'invoiceUrl', id: gid, message: 'broken' }]);
    const answer = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { cart { name checkoutUrl } } }',
      { by: [{ email: 'nobody@example.nl' }, { email: first.email }, { email: second.email }] },
    );
    expect(answer.errors.map(({ path }) => path)).toEqual([['customers', 2, 'cart', 'checkoutUrl']]);
    expect(answer.data).toEqual({
      customers: [
        null,
        { cart: { name: first.cart.name, checkoutUrl: expect.stringMatching(/^https:/) as string } },
        { cart: { name: second.cart.name, checkoutUrl: null } },
      ],
    });
  });

  test('in nested lists has both indexes in its path', async () => {
    webshop.failFields([{ type: 'ProductVariant', field: 'inventoryQuantity', message: 'broken' }]);
    const several = shoppers.find(({ cart }) => cart.lines.length > 1) ?? eva;
    const answer = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { cart { lines { nodes { title product { sku left: availableQuantity } } } } } }',
      { by: [{ email: 'orders-only@example.nl' }, { email: several.email }] },
    );
    expect(several.cart.lines.length).toBeGreaterThan(1);
    expect(answer.errors.map(({ path }) => path)).toEqual(
      several.cart.lines.map((_, i) => ['customers', 1, 'cart', 'lines', 'nodes', i, 'product', 'left']),
    );
    expect(listAt(answer.data, 'customers', 1, 'cart', 'lines', 'nodes')).toEqual(
      several.cart.lines.map(({ sku }) => ({ title: titleOf(sku), product: { sku, left: null } })),
    );
  });

  test('makes its object null with the error if the field is non-null', async () => {
    webshop.failFields([{ type: 'ProductVariant', field: 'contextualPricing', message: 'broken' }]);
    const answer = await gateway.query(
      'query($by: CustomerKey!) { customer(by: $by) { cart { lines { nodes { title product { sku price { amount } } } } } } }',
      { by },
    );
    expect(answer.errors.map(({ path }) => path)).toEqual(
      eva.cart.lines.map((_, i) => ['customer', 'cart', 'lines', 'nodes', i, 'product']),
    );
    expect(listAt(answer.data, 'customer', 'cart', 'lines', 'nodes')).toEqual(
      eva.cart.lines.map(({ sku }) => ({ title: titleOf(sku), product: null })),
    );
  });

  test('affects only that field of one customer in a list', async () => {
    const gid = `gid://shopify/Customer/${shopper(1).customerId}`;
    webshop.failFields([{ type: 'Customer', field: 'locale', id: gid, message: 'broken' }]);
    const answer = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { locale cart { name } } }',
      { by: [0, 1, 2].map((i) => ({ email: shopper(i).email })) },
    );
    expect(answer.errors.map(({ path }) => path)).toEqual([['customers', 1, 'locale']]);
    expect(answer.data).toEqual({
      customers: [
        { locale: 'nl', cart: { name: shopper(0).cart.name } },
        { locale: null, cart: { name: shopper(1).cart.name } },
        { locale: 'nl', cart: { name: shopper(2).cart.name } },
      ],
    });
  });

  test('of a product has the index of its order line in its path', async () => {
    webshop.failFields([{ type: 'ProductVariant', field: 'inventoryQuantity', message: 'broken' }]);
    const answer = await gateway.query(
      'query($by: CustomerKey!) { customer(by: $by) { orders(first: 1) { nodes { lines { product { sku title availableQuantity } } } } } }',
      { by },
    );
    const lines = listAt(answer.data, 'customer', 'orders', 'nodes', 0, 'lines');
    expect(lines.length).toBeGreaterThan(1);
    expect(answer.errors.map(({ path }) => path)).toEqual(
      lines.map((_, i) => ['customer', 'orders', 'nodes', 0, 'lines', i, 'product', 'availableQuantity']),
    );
    for (const line of lines) expect(at(line, 'product', 'title')).toEqual(expect.any(String));
  });
});
