import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { webshop } from '../../sources/webshop/index.js';
import { customersByEmail } from '../../sources/webshop/loaders.js';
import {
  startWebshop,
  type WebshopOptions,
  type WebshopStandIn,
} from '../../sources/webshop/stand-in/index.js';
import type { GraphqlClient } from '../../src/connectors/graphql/client.js';
import { hostileKeys, open } from '../connectors/contract.js';
import { sendJson, startServer } from '../connectors/server.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';
import { wishedProducts, wishedProductsSdl } from './wished-products.js';

const world = createWorld({ customers: inject('customers') });
const { WEBSHOP_URL, WEBSHOP_ACCESS_TOKEN } = directSettings();
const settings = { WEBSHOP_URL, WEBSHOP_ACCESS_TOKEN };

const shoppers = world.people.filter((person) => person.webshop !== undefined);

function shopper(email: string): Person {
  const found = shoppers.find((shopper) => shopper.email === email);
  if (found === undefined) throw new Error(`The webshop does not know ${email}.`);
  return found;
}

const euros = (cents: number) => ({ amount: (cents / 100).toFixed(2), currency: 'EUR' });

/** The expected cart of a customer: the newest open draft order. */
function cartOf({ webshop }: Person) {
  const [newest] = (webshop?.draftOrders ?? [])
    .filter(({ status }) => status === 'OPEN')
    .sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt));
  return newest;
}

describe('the webshop as a source of identities', () => {
  it('returns an address and the time of the last change', async () => {
    const client = open<GraphqlClient>(webshop.connector, settings);
    const found = await customersByEmail.load(['two-shops-old@example.nl', 'nobody@example.nl'], client);
    await client.close();
    const { address, phone, webshop: shopPart } = shopper('two-shops-old@example.nl');
    expect(found).toEqual([
      [
        {
          id: shopPart?.customerId,
          identifiers: [
            { namespace: 'email', value: 'two-shops-old@example.nl' },
            { namespace: 'phone', value: phone },
          ],
          profile: {
            name: 'Farid El Amrani',
            language: 'nl',
            address: {
              street: `${address.street} ${address.houseNumber}`,
              postcode: address.postcode,
              city: address.city,
              country: 'NL',
            },
            updatedAt: expect.stringMatching(/^20\d\d-.*Z$/) as string,
          },
        },
      ],
      [],
    ]);
  });
});

describe('the webshop', () => {
  let gateway: TestGateway;

  beforeAll(() => {
    gateway = createTestGateway(settings);
  });
  afterAll(() => gateway.close());

  it('finds a customer by number, global id, address and phone', async () => {
    const { webshop, phone, firstName, lastName } = shopper('everywhere@example.nl');
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { name onlineOrderCount { value isApproximate } amountSpent { amounts { amount currency } isApproximate } locale } }',
      {
        by: [
          { shopifyCustomerId: webshop?.customerId },
          { shopifyCustomerId: ` gid://shopify/Customer/${webshop?.customerId ?? ''}` },
          { email: 'EVERYWHERE@example.nl' },
          { phone: phone.replace('+31', '0') },
        ],
      },
    );
    expect(errors).toEqual([]);
    const expected = {
      name: `${firstName} ${lastName}`,
      onlineOrderCount: { value: webshop?.numberOfOrders, isApproximate: false },
      amountSpent: {
        amounts: [{ ...euros(webshop?.amountSpentCents ?? 0), amount: expect.any(String) as string }],
        isApproximate: false,
      },
      locale: 'nl',
    };
    const customers = listAt(data, 'customers');
    expect(customers).toEqual([expected, expected, expected, expected]);
    expect(Number(at(customers, 0, 'amountSpent', 'amounts', 0, 'amount'))).toBe(
      (webshop?.amountSpentCents ?? 0) / 100,
    );
  });

  it('distinguishes ids that are equal as JavaScript numbers', async () => {
    const id = shopper('everywhere@example.nl').webshop?.customerId ?? '';
    const next = String(BigInt(id) + 1n);
    expect(Number(id)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
      { by: [id, next, String(BigInt(id) - 1n)].map((shopifyCustomerId) => ({ shopifyCustomerId })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([{ name: expect.any(String) as string }, null, null]);
  });

  it('shows each customer the newest open cart, or none', async () => {
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { cart {
        name total { amount currency } updatedAt lines(first: 100) { nodes { quantity unitPrice { amount currency } product { sku } } }
      } } }`,
      { by: shoppers.map(({ webshop }) => ({ shopifyCustomerId: webshop?.customerId })) },
    );
    expect(errors).toEqual([]);
    const carts = shoppers.map(cartOf);
    expect(carts.some((cart) => cart === undefined)).toBe(true);
    expect(
      shoppers.some(
        ({ webshop }) => (webshop?.draftOrders.filter(({ status }) => status === 'OPEN') ?? []).length > 1,
      ),
    ).toBe(true);
    expect(listAt(data, 'customers').map((customer) => at(customer, 'cart', 'name') ?? null)).toEqual(
      carts.map((cart) => cart?.name ?? null),
    );
    const products = new Set(world.products.map(({ sku }) => sku));
    for (const [i, cart] of carts.entries()) {
      if (cart === undefined) continue;
      expect(at(data, 'customers', i, 'cart')).toMatchObject({
        updatedAt: expect.stringContaining(cart.updatedAt.slice(0, 19)) as string,
        lines: {
          nodes: cart.lines.map(({ sku, quantity, unitPriceCents }) => ({
            quantity,
            unitPrice: {
              currency: 'EUR',
              amount: expect.stringMatching(
                new RegExp(`^${String(unitPriceCents / 100)}(\\.?0*)$`),
              ) as string,
            },
            product: products.has(sku) ? { sku } : null,
          })),
        },
      });
    }
  });

  it('does not vouch for an address, because Shopify also marks addresses as verified that staff entered', async () => {
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { emails { value isVerified } } }',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'emails')).toEqual([{ value: 'everywhere@example.nl', isVerified: false }]);
  });

  it.each([0, 101, -1])('refuses a page of %d lines of a cart', async (first) => {
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { cart { lines(first: ${first}) { nodes { title } } } } }`,
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('has null fields if Shopify refuses the credentials', async () => {
    const refused = createTestGateway({ ...directSettings(), WEBSHOP_ACCESS_TOKEN: 'wrong' });
    const { data, errors } = await refused.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt cart { name } locale } }',
    );
    await refused.close();
    expect(data).toEqual({
      customer: { becameCustomerAt: expect.any(String) as string, cart: null, locale: null },
    });
    expect(errors.map(({ path, extensions }) => [path?.[1], extensions.code, extensions.retryable])).toEqual([
      ['cart', 'SOURCE_UNAUTHENTICATED', false],
      ['locale', 'SOURCE_UNAUTHENTICATED', false],
    ]);
  });

  it('has null fields if an answer has another shape', async () => {
    const server = await startServer((_, response) => {
      sendJson(response, { something: 'else', data: { c0: { id: 7 } }, extensions: {} });
    });
    const broken = createTestGateway({ ...directSettings(), WEBSHOP_URL: server.url });
    const { data, errors } = await broken.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt locale } }',
    );
    await broken.close();
    await server.close();
    expect(data).toEqual({ customer: { becameCustomerAt: expect.any(String) as string, locale: null } });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_CONTRACT']);
  });
});

describe('a webshop with chosen records', () => {
  let shop: WebshopStandIn;
  let gateway: TestGateway;

  const open_ = async (world: World, options?: WebshopOptions, more: object = {}): Promise<void> => {
    shop = await startWebshop(world, options);
    gateway = createTestGateway(
      { ...shop.settings(shop.url), WISHES: 'yes', ...more },
      { sources: [webshop, wishedProducts], sdl: wishedProductsSdl },
    );
  };
  afterEach(async () => {
    await gateway.close();
    await shop.close();
  });
  const wish = (skus: string[], fields = 'sku title availableQuantity price { amount currency }') =>
    gateway.query(
      `query($skus: [String!]!) { customer(by: { email: "everywhere@example.nl" }) { wishes(skus: $skus) { ${fields} } } }`,
      { skus },
    );

  it('returns products by SKU, and null for an unknown SKU', async () => {
    await open_(world);
    const [first, second] = world.products;
    const { data, errors } = await wish([second?.sku ?? '', 'NONE-AT-ALL', first?.sku ?? '']);
    expect(errors).toEqual([]);
    const shown = (product: typeof first) => ({
      sku: product?.sku,
      title: product?.title,
      availableQuantity: product?.stock,
      price: { currency: 'EUR', amount: expect.any(String) as string },
    });
    expect(listAt(data, 'customer', 'wishes')).toEqual([
      shown(second),
      { sku: 'NONE-AT-ALL', title: null, availableQuantity: null, price: null },
      shown(first),
    ]);
  });

  const odd = [
    'A"B',
    'A\\B',
    'A\\"B',
    '"',
    '\\',
    'A B',
    'A OR sku:*',
    'sku:*',
    '*',
    "' OR 1=1 --",
    '(A',
    'é-1',
  ];

  it('finds SKUs with quotes, backslashes and words of its search language', async () => {
    const products = odd.map((sku, i) => {
      const template = world.products[i];
      if (template === undefined) throw new Error('The seed data has too few products.');
      return { ...template, sku, title: `title ${i}` };
    });
    await open_({ ...world, products });
    const { data, errors } = await wish([...odd, 'A'], 'sku title');
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'wishes')).toEqual([
      ...odd.map((sku, i) => ({ sku, title: `title ${i}` })),
      { sku: 'A', title: null },
    ]);
  });

  /** Creates a separate product for each of these SKUs. */
  const productsOf = (skus: readonly string[]) =>
    skus.map((sku, i) => {
      const template = world.products[i % world.products.length];
      if (template === undefined) throw new Error('The seed data has no products.');
      return {
        ...template,
        sku,
        title: `title ${i}`,
        productId: String(5_000 + i),
        variantId: String(9_000 + i),
      };
    });

  it('requests at most as many products at once as fit on a page of variants', async () => {
    const skus = Array.from({ length: 130 }, (_, i) => `SKU-${i}`);
    await open_({ ...world, products: productsOf(skus) });
    const { data, errors } = await wish(skus, 'sku title');
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'wishes')).toEqual(skus.map((sku, i) => ({ sku, title: `title ${i}` })));
    const pages = shop.requests().flatMap(({ variables }) => ('count' in variables ? [variables.count] : []));
    expect(pages.sort()).toEqual([10, 250]);
  });

  it('does not report a product as unknown if others with many variants filled the page', async () => {
    await open_({ ...world, products: productsOf(['A', 'A', 'A', 'A', 'A', 'B']) });
    const { data, errors } = await wish(['A', 'B'], 'sku title');
    expect(listAt(data, 'customer', 'wishes')).toEqual([
      { sku: 'A', title: 'title 0' },
      { sku: 'B', title: null },
    ]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'wishes', 1, 'title'], 'SOURCE_CONTRACT'],
    ]);
  });

  it('shows a line of a cart whose variant has no SKU, without its product', async () => {
    const owner = shopper('everywhere@example.nl');
    const cart = cartOf(owner);
    const [line] = cart?.lines ?? [];
    if (owner.webshop === undefined || cart === undefined || line === undefined) throw new Error('no cart');
    const draftOrders = [{ ...cart, lines: [{ ...line, sku: '' }] }];
    await open_({
      ...world,
      products: productsOf(['']),
      people: [{ ...owner, webshop: { ...owner.webshop, draftOrders } }],
    });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { cart { lines { nodes {
        title quantity product { sku } other: product { title } } } } } }`,
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'cart', 'lines', 'nodes')).toEqual([
      { title: 'title 0', quantity: line.quantity, product: null, other: null },
    ]);
  });

  it.each([
    ['the Netherlands', {}, 'NL'],
    ['the configured country', { WEBSHOP_COUNTRY: 'BE' }, 'BE'],
  ])('requests prices of %s', async (_, more, country) => {
    await open_(world, undefined, more);
    const { errors } = await wish([world.products[0]?.sku ?? ''], 'price { amount }');
    expect(errors).toEqual([]);
    expect(shop.requests().at(-1)?.variables).toMatchObject({ country });
  });

  it('prevents the start with an invalid country', async () => {
    await open_(world);
    expect(() => createTestGateway({ ...settings, WEBSHOP_COUNTRY: 'Nederland' })).toThrow(/WEBSHOP_COUNTRY/);
  });

  it('requests at most as many customers at once as Shopify accepts ids', async () => {
    const large = createWorld({ customers: 320 });
    await open_(large);
    const known = large.people.filter(({ webshop }) => webshop !== undefined);
    expect(known.length).toBeGreaterThan(250);
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { locale } }',
      { by: known.map(({ webshop }) => ({ shopifyCustomerId: webshop?.customerId })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(known.map(() => ({ locale: 'nl' })));
    const sizes = shop
      .requests()
      .flatMap(({ variables }) => (Array.isArray(variables.ids) ? [variables.ids.length] : []));
    expect(Math.max(...sizes)).toBe(250);
    expect(sizes).toHaveLength(2);
  });

  it('finds no product by a hostile SKU', async () => {
    await open_(world);
    const skus = Object.values(hostileKeys).filter((key) => key.length < 1_000);
    const { data, errors } = await wish(skus, 'sku title');
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'wishes').map((wish) => at(wish, 'title'))).toEqual(skus.map(() => null));
  });

  it('reports the error of one field, without the text of the webshop', async () => {
    await open_(world);
    shop.failFields([
      {
        type: 'Customer',
        field: 'numberOfOrders',
        message: `${shopper('everywhere@example.nl').phone} is odd`,
      },
    ]);
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { onlineOrderCount { value } cart { name } } }',
    );
    expect(data).toEqual({
      customer: {
        onlineOrderCount: null,
        cart: { name: cartOf(shopper('everywhere@example.nl'))?.name },
      },
    });
    expect(errors.map(({ path, extensions }) => [path, extensions])).toEqual([
      [['customer', 'onlineOrderCount'], { code: 'SOURCE_UNAVAILABLE', source: 'webshop', retryable: true }],
    ]);
  });

  it('reports the time of the retry, computed from the restore rate of the points', async () => {
    await open_(world, { maximumAvailable: 31, restoreRate: 2, now: () => 0 });
    const errors = [];
    for (let i = 0; i < 80 && errors.length === 0; i += 1) {
      const { email } = shoppers[i % shoppers.length] ?? {};
      const answer = await gateway.query(
        'query($email: String!) { customer(by: { email: $email }) { name } }',
        { email },
      );
      errors.push(...answer.errors);
    }
    expect(errors[0]?.extensions).toMatchObject({
      code: 'SOURCE_RATE_LIMITED',
      source: 'webshop',
      retryable: true,
    });
    expect(errors[0]?.extensions.retryAfter).toBeGreaterThanOrEqual(1);
    expect(errors[0]?.extensions.retryAfter).toBeLessThan(60);
  });

  it('finds the customers of 250 addresses in one call', async () => {
    const large = createWorld({ customers: 300 });
    await open_(large);
    const client = open<GraphqlClient>(webshop.connector, shop.settings(shop.url));
    const people = large.people.filter(({ email }) => email.startsWith('customer-')).slice(0, 250);
    const found = await customersByEmail.load(
      people.map(({ email }) => email),
      client,
    );
    await client.close();
    expect(shop.requests()).toHaveLength(1);
    expect(found.map((item) => (item instanceof Error ? item : item.map(({ id }) => id)))).toEqual(
      people.map(({ webshop }) => (webshop === undefined ? [] : [webshop.customerId])),
    );
  });
});
