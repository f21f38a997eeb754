import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { at, listAt } from '../support/read.js';
import { openShop, shopper, shoppers, titleOf } from './shop.js';

const { control, gateway, takeRequests, close } = await openShop();
afterEach(async () => {
  takeRequests();
  await control.heal();
});
afterAll(close);

const eva = shopper(0);
const by = { email: eva.email };

async function data(query: string, variables: Record<string, unknown> = { by }): Promise<unknown> {
  const answer = await gateway.query(query, variables);
  expect(answer.errors).toEqual([]);
  return answer.data;
}

/** Returns the text of the only request to the webshop. */
function onlyRequest(): string {
  const requests = takeRequests();
  expect(requests).toHaveLength(1);
  return requests[0]?.query ?? '';
}

describe('the webshop is called at the same time as the other systems', () => {
  const query = `query($by: CustomerKey!) { customer(by: $by) {
    cart { name } orders { nodes { number } } tickets { nodes { id } }
  } }`;

  test('and other systems do not wait for it', async () => {
    await data(query);
    await control.heal();
    await control.set('webshop', { latencyMs: 60_000 });
    const answer = gateway.query(query, { by });
    await vi.waitFor(() => {
      expect(control.counters()).toMatchObject({
        webshop: { calls: 1 },
        'order-system': { calls: 1 },
        'contact-centre': { calls: 1 },
      });
    });
    await control.set('webshop', { fault: 'down' });
    expect((await answer).errors.map(({ path }) => path)).toEqual([['customer', 'cart']]);
  });

  test('and does not wait for other systems', async () => {
    await data(query);
    await control.heal();
    await control.set('order-system', { fault: 'hang' });
    await control.set('contact-centre', { fault: 'hang' });
    const answer = gateway.query(query, { by });
    await vi.waitFor(() => {
      expect(takeRequests()).toHaveLength(1);
    });
    await control.heal();
    expect(at((await answer).data, 'customer', 'cart', 'name')).toBe(eva.cart.name);
  });

  test('so that the response takes as long as the slowest system', async () => {
    await data(query);
    for (const source of ['webshop', 'order-system', 'contact-centre'])
      await control.set(source, { latencyMs: 1_000 });
    const startedAt = performance.now();
    await data(query);
    // In sequence, they would take 3 s.
    expect(performance.now() - startedAt).toBeLessThan(2_900);
  });
});

describe('the webshop receives exactly the selection of the client', () => {
  test('only the selected fields', async () => {
    await data(
      'query($by: CustomerKey!) { customer(by: $by) { name orders { nodes { number } } cart { name } } }',
    );
    const text = onlyRequest();
    expect(text).toContain('draftOrders(');
    expect(text).toContain('name');
    for (const field of ['orders {', 'totalPriceSet', 'lineItems', 'invoiceUrl', 'amountSpent', 'locale'])
      expect(text).not.toContain(field);
  });

  test('the webshop is not called if none of its fields is selected', async () => {
    await data(
      'query($by: CustomerKey!) { customer(by: $by) { orders { nodes { lines { product { sku } } } } tickets { nodes { id } } } }',
    );
    expect(takeRequests()).toEqual([]);
  });

  test.each([
    [
      'query($by: CustomerKey!) { customer(by: $by) { cart { lines(first: 2) { nodes { quantity } } } } }',
      {},
    ],
    [
      'query($by: CustomerKey!, $n: Int!) { customer(by: $by) { cart { lines(first: $n) { nodes { quantity } } } } }',
      { n: 2 },
    ],
    [
      'query($by: CustomerKey!, $n: Int! = 2) { customer(by: $by) { cart { lines(first: $n) { nodes { quantity } } } } }',
      {},
    ],
    [
      `query($by: CustomerKey!, $n: Int!) { customer(by: $by) { cart { ...two } } }
       fragment two on Cart { lines(first: $n) { nodes { quantity } } }`,
      { n: 2 },
    ],
  ])('arguments: %s', async (query, variables) => {
    const found = await data(query, { by, ...variables });
    expect(listAt(found, 'customer', 'cart', 'lines', 'nodes')).toEqual(
      eva.cart.lines.slice(0, 2).map(({ quantity }) => ({ quantity })),
    );
    expect(onlyRequest()).toContain('lineItems(first: 2, after: null)');
  });

  test('the values of variables for each request, including those in fragments', async () => {
    const query = `query($by: CustomerKey!, $n: Int!) { customer(by: $by) { cart { ...some } } }
      fragment some on Cart { lines(first: $n) { nodes { quantity } } }`;
    for (const n of [2, 3]) {
      await data(query, { by, n });
      expect(onlyRequest()).toContain(`lineItems(first: ${n}, after: null)`);
    }
  });

  test('an absent argument has the default of the schema', async () => {
    await data('query($by: CustomerKey!) { customer(by: $by) { cart { lines { nodes { quantity } } } } }');
    expect(onlyRequest()).toContain('lineItems(first: 20, after: null)');
    await data(
      'query($by: CustomerKey!, $n: Int) { customer(by: $by) { cart { lines(first: $n) { nodes { quantity } } } } }',
    );
    expect(onlyRequest()).toContain('lineItems(first: 20, after: null)');
  });

  test('a page size out of bounds is refused without a call', async () => {
    const answer = await gateway.query(
      'query($by: CustomerKey!) { customer(by: $by) { orders { nodes { number } } cart { lines(first: 0) { nodes { quantity } } } } }',
      { by },
    );
    expect(answer.errors.map(({ path, extensions }) => [path?.slice(0, 2), extensions.code])).toEqual([
      [['customer', 'cart'], 'BAD_USER_INPUT'],
    ]);
    expect(listAt(answer.data, 'customer', 'orders', 'nodes').length).toBeGreaterThan(0);
    expect(takeRequests()).toEqual([]);
  });

  test('aliases, of fields, of objects and of the same field with other arguments', async () => {
    const found = await data(
      `query($by: CustomerKey!) { customer(by: $by) {
        mandje: cart { naam: name kind: __typename one: lines(first: 1) { nodes { title } } all: lines { nodes { aantal: quantity } } }
        tongue: locale
      } }`,
    );
    expect(at(found, 'customer')).toEqual({
      mandje: {
        naam: eva.cart.name,
        kind: 'Cart',
        one: { nodes: eva.cart.lines.slice(0, 1).map(({ sku }) => ({ title: titleOf(sku) })) },
        all: { nodes: eva.cart.lines.map(({ quantity }) => ({ aantal: quantity })) },
      },
      tongue: 'nl',
    });
    // Aliases of the client are not sent. The webshop receives the names of the gateway.
    expect(onlyRequest()).not.toMatch(/naam|mandje|tongue|aantal|kind/);
  });

  test('named and inline fragments', async () => {
    const found = await data(
      `query($by: CustomerKey!) { customer(by: $by) { ...shopping ... { locale } ... on Customer { cart { checkoutUrl } } } }
       fragment shopping on Customer { cart { ...head ... on Cart { updatedAt } } onlineOrderCount { value } }
       fragment head on Cart { name total { ...money } }
       fragment money on Money { amount }`,
    );
    expect(Object.keys(at(found, 'customer') as object).sort()).toEqual([
      'cart',
      'locale',
      'onlineOrderCount',
    ]);
    expect(Object.keys(at(found, 'customer', 'cart') as object).sort()).toEqual([
      'checkoutUrl',
      'name',
      'total',
      'updatedAt',
    ]);
    const text = onlyRequest();
    for (const field of ['locale', 'invoiceUrl', 'updatedAt', 'amount']) expect(text).toContain(field);
    expect(text).not.toContain('currencyCode');
  });

  test('skipped fields are not requested', async () => {
    const query = `query($by: CustomerKey!, $more: Boolean!) { customer(by: $by) {
      cart { name total @include(if: $more) { amount } ... @skip(if: $more) { checkoutUrl } }
      locale @skip(if: true)
    } }`;
    expect(Object.keys(at(await data(query, { by, more: false }), 'customer', 'cart') as object)).toEqual([
      'name',
      'checkoutUrl',
    ]);
    const without = onlyRequest();
    expect(without).not.toContain('totalPriceSet');
    expect(without).not.toContain('locale');
    expect(Object.keys(at(await data(query, { by, more: true }), 'customer', 'cart') as object)).toEqual([
      'name',
      'total',
    ]);
    expect(onlyRequest()).not.toContain('invoiceUrl');
  });

  test('a field that occurs several times in a query is requested once', async () => {
    const found = await data(
      `query($by: CustomerKey!) {
        customer(by: $by) { cart { name } }
        customer(by: $by) { cart { total { amount } } tickets { nodes { id } } }
        ... on Query { customer(by: $by) { cart { total { currency } } locale } }
      }`,
    );
    expect(at(found, 'customer', 'cart', 'name')).toBe(eva.cart.name);
    expect(at(found, 'customer', 'cart', 'total', 'currency')).toBe('EUR');
    expect(at(found, 'customer', 'cart', 'total', 'amount')).toEqual(expect.any(String));
    expect(at(found, 'customer', 'locale')).toBe('nl');
    onlyRequest();
  });

  test('aliases of the client that resemble names of the gateway', async () => {
    const found = await data(
      `query($by: CustomerKey!) { customer(by: $by) {
        _key: locale found: onlineOrderCount { _key: value } cart_0: cart { _owner: name _key: updatedAt __proto__: checkoutUrl constructor: name }
        cart { cart_fields: name _owner: __typename } ids: amountSpent { _key: amounts { _owner: amount } } query: cart { name }
      } }`,
    );
    const customer = at(found, 'customer');
    expect(at(customer, '_key')).toBe('nl');
    expect(at(customer, 'found', '_key')).toEqual(expect.any(Number));
    expect(at(customer, 'cart_0', '_owner')).toBe(eva.cart.name);
    expect(at(customer, 'cart_0', 'constructor')).toBe(eva.cart.name);
    expect(at(customer, 'cart_0', '_key')).toBe(
      new Date(eva.cart.updatedAt).toISOString().replace('.000', ''),
    );
    expect(JSON.stringify(customer)).toContain('"__proto__":"https://');
    expect(at(customer, 'cart')).toEqual({ cart_fields: eva.cart.name, _owner: 'Cart' });
    expect(at(customer, 'ids', '_key', 0, '_owner')).toEqual(expect.any(String));
    expect(at(customer, 'query')).toEqual({ name: eva.cart.name });
  });
});

describe('many customers', () => {
  test('need one request, and each customer has the correct cart', async () => {
    const list = [...shoppers].reverse();
    const found = await data(
      'query($by: [CustomerKey!]!) { customers(by: $by) { cart { name lines { nodes { product { sku title } } } } } }',
      {
        by: list.map(({ email }) => ({ email })),
      },
    );
    expect(listAt(found, 'customers')).toEqual(
      list.map(({ cart }) => ({
        cart: {
          name: cart.name,
          lines: { nodes: cart.lines.map(({ sku }) => ({ product: { sku, title: titleOf(sku) } })) },
        },
      })),
    );
  });

  test('some without a cart, some unknown to the webshop and some twice in the list', async () => {
    const found = await data('query($by: [CustomerKey!]!) { customers(by: $by) { cart { name } } }', {
      by: ['orders-only@example.nl', eva.email, 'crm-only@example.nl', eva.email].map((email) => ({ email })),
    });
    expect(listAt(found, 'customers').map((customer) => at(customer, 'cart', 'name'))).toEqual([
      undefined,
      eva.cart.name,
      undefined,
      eva.cart.name,
    ]);
    expect(Object.values(takeRequests()[0]?.variables ?? {})).toEqual([
      expect.stringContaining(eva.customerId),
    ]);
  });

  test('by several aliases with different selections', async () => {
    const other = shopper(1);
    const found = await data(
      `query($a: CustomerKey!, $b: CustomerKey!) {
        a: customer(by: $a) { cart { name } }
        b: customer(by: $b) { cart { name lines { nodes { quantity } } } }
        c: customer(by: $b) { locale }
        d: customer(by: $a) { cart { naam: name } }
      }`,
      { a: by, b: { email: other.email } },
    );
    expect(found).toEqual({
      a: { cart: { name: eva.cart.name } },
      b: {
        cart: {
          name: other.cart.name,
          lines: { nodes: other.cart.lines.map(({ quantity }) => ({ quantity })) },
        },
      },
      c: { locale: 'nl' },
      d: { cart: { naam: eva.cart.name } },
    });
  });

  test('that are too expensive for one request are split into several', async () => {
    const found = await data(
      `query($by: [CustomerKey!]!) { customers(by: $by) {
        cart { name lines(first: 40) { nodes { title unitPrice { amount } product { sku title price { amount } imageUrl } } } }
      } }`,
      { by: shoppers.map(({ email }) => ({ email })) },
    );
    expect(listAt(found, 'customers').map((customer) => at(customer, 'cart', 'name'))).toEqual(
      shoppers.map(({ cart }) => cart.name),
    );
    expect(takeRequests().length).toBeGreaterThan(1);
  });

  test('a selection that is too expensive for a single customer is refused without a call', async () => {
    const answer = await gateway.query(
      `query($by: CustomerKey!) { customer(by: $by) { name
        a: cart { lines(first: 100) { nodes { unitPrice { amount } product { price { amount } imageUrl } } } }
        b: cart { lines(first: 100) { nodes { unitPrice { amount } product { price { amount } imageUrl } } } }
      } }`,
      { by },
    );
    expect(answer.data).toEqual({ customer: { name: 'Eva van der Meer', a: null, b: null } });
    expect(answer.errors.map(({ path, extensions }) => [path?.[1], extensions.code])).toEqual([
      ['a', 'LIMIT_EXCEEDED'],
      ['b', 'LIMIT_EXCEEDED'],
    ]);
    expect(takeRequests()).toEqual([]);
  });
});
