import { describe, expect, test } from 'vitest';
import {
  array,
  openShop,
  eva,
  evaId,
  ids,
  inShop,
  list,
  object,
  shopper,
  world,
} from './webshop-operations.js';

describe('a search in the stand-in of the webshop', () => {
  const emails = `query ($query: String) { customers(first: 100, query: $query) { nodes { email } } }`;
  const second = shopper(1);
  const third = shopper(2);

  test.each([
    ['a field', `email:${eva.email}`, [eva.email]],
    ['quotes of either kind', `email:"${eva.email.toUpperCase()}" phone:'${eva.phone}'`, [eva.email]],
    ['OR', `email:${eva.email} OR email:${second.email}`, [eva.email, second.email]],
    [
      'parentheses and NOT',
      `(email:${eva.email} OR email:${second.email} OR email:${third.email}) NOT email:${second.email}`,
      [eva.email, third.email],
    ],
    ['minus', `email:shop-only* -id:${eva.webshop.customerId}`, ['shop-only@example.nl']],
    ['a prefix', 'email:EVERY*', ['everywhere@example.nl']],
    ['a quoted star, which is not a prefix', 'email:"every*"', []],
    ['any text', `${eva.firstName} AND email:every*`, [eva.email]],
    ['ids compared as numbers', `id:>=${String(ids.at(-1))} OR id:<${String(ids[0])}`, [emailOf(ids.at(-1))]],
    ['dates', `email:${eva.email} updated_at:>'2015-01-01' updated_at:<=2026`, [eva.email]],
    ['dates before a day', `email:${eva.email} updated_at:<'2015-01-01T00:00:00Z'`, []],
    ['an address without a customer', 'email:nobody@example.nl', []],
  ])('understands %s', async (_what, query, expected) => {
    const execute = await openShop();
    const { data, extensions } = await execute(emails, { query });
    expect(
      list(data?.['customers'])
        .map((customer) => customer['email'])
        .sort(),
    ).toEqual(expected.sort());
    expect(extensions).not.toHaveProperty('search');
  });

  test('ignores an unknown field and reports that', async () => {
    const execute = await openShop();
    const { data, extensions } = await execute(emails, {
      query: `mail:nobody@example.nl email:${eva.email}`,
    });
    expect(list(data?.['customers'])).toEqual([{ email: eva.email }]);
    expect(extensions?.['search']).toMatchObject([
      {
        path: ['customers'],
        warnings: [{ field: 'mail', message: 'Invalid search field for this query.', code: 'invalid_field' }],
      },
    ]);
  });

  test("finds a customer's open carts, newest first", async () => {
    const execute = await openShop();
    const { data } = await execute(
      `query ($query: String) {
        draftOrders(first: 5, sortKey: UPDATED_AT, reverse: true, query: $query) { nodes { name } }
      }`,
      { query: `customer_id:${eva.webshop.customerId} status:open` },
    );
    const carts = eva.webshop.draftOrders.filter(({ status }) => status === 'OPEN');
    const newestFirst = carts.sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
    expect(carts.length).toBeGreaterThan(0);
    expect(list(data?.['draftOrders'])).toEqual(newestFirst.map(({ name }) => ({ name })));
  });

  test('finds orders by their names, in descending order on request', async () => {
    const execute = await openShop();
    const [first, second] = eva.webshop.orders;
    const names = [first?.name, second?.name];
    const { data, extensions } = await execute(
      `query ($query: String) { orders(first: 5, reverse: true, sortKey: ORDER_NUMBER, query: $query) {
        nodes { name customer { id } fulfillments { order { name } } }
      } }`,
      { query: `name:"${names.join('" OR name:"')}" OR name:"1"` },
    );
    expect(list(data?.['orders'])).toEqual(
      [second, first].map((order) => ({
        name: order?.name,
        customer: { id: evaId },
        fulfillments: order?.shipments.map(() => ({ order: { name: order.name } })),
      })),
    );
    expect(extensions).not.toHaveProperty('search');
  });

  test('finds a product only by its exact SKU', async () => {
    const execute = await openShop();
    const query = `query ($query: String) { productVariants(first: 50, query: $query) { nodes { sku } } }`;
    const { data } = await execute(query, { query: `sku:'${String(world.products[0]?.sku).toLowerCase()}'` });
    expect(list(data?.['productVariants'])).toEqual([{ sku: world.products[0]?.sku }]);
    expect(list((await execute(query, { query: 'sku:lamp-*' })).data?.['productVariants'])).toHaveLength(5);
  });
});

describe('a list of the stand-in of the webshop', () => {
  test('has all customers once, in pages, forwards and backwards', async () => {
    const execute = await openShop();
    const forwards: unknown[] = [];
    for (let after: unknown = null, more: unknown = true; more === true;) {
      const { data } = await execute(
        `query ($after: String) {
          customers(first: 10, after: $after) { nodes { legacyResourceId } pageInfo { hasNextPage endCursor } }
        }`,
        { after },
      );
      const { nodes, pageInfo } = object(data?.['customers']);
      forwards.push(...array(nodes).map((node) => object(node)['legacyResourceId']));
      ({ hasNextPage: more, endCursor: after } = object(pageInfo));
    }
    expect(forwards).toEqual(ids);

    const backwards: unknown[] = [];
    for (let before: unknown = null, more: unknown = true; more === true;) {
      const { data } = await execute(
        `query ($before: String) {
          customers(last: 10, before: $before, reverse: true) {
            edges { cursor node { legacyResourceId } }
            pageInfo { hasPreviousPage }
          }
        }`,
        { before },
      );
      const { edges, pageInfo } = object(data?.['customers']);
      const page = array(edges).map(object);
      backwards.unshift(...page.map(({ node }) => object(node)['legacyResourceId']));
      more = object(pageInfo)['hasPreviousPage'];
      before = page[0]?.['cursor'];
    }
    expect(backwards).toEqual([...ids].reverse());
  });

  test.each([
    ['without a size', '', 'you must provide one of first or last'],
    ['with two sizes', '(first: 1, last: 1)', 'providing both first and last is not supported'],
    ['above 250', '(first: 251)', expect.stringMatching(/^first cannot exceed 250\./)],
    ['after an invalid cursor', '(first: 1, after: "x")', 'Invalid cursor for current pagination sort.'],
  ])('is refused %s', async (_what, args, message: unknown) => {
    const execute = await openShop();
    expect(await execute(`{ customers${args} { nodes { id } } }`)).toMatchObject({
      data: null,
      errors: [{ message, path: ['customers'], extensions: { code: 'BAD_REQUEST' } }],
    });
  });
});

function emailOf(customerId: string | undefined): string {
  return inShop.find(({ webshop }) => webshop.customerId === customerId)?.email ?? '';
}
