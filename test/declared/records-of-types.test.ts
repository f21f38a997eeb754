import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { createTestGateway } from '../support/gateway.js';
import { declaredSource } from '../../src/index.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import { compiled } from './warranty.js';

/** A system that holds stock. Products come from another system. */
const STOCK_YAML = `source: stock
connect: { rest: "\${STOCK_URL}", ping: /status }
freshness: { maxAge: 1 minute }
records: { Article: byCode }
calls:
  byCode: { get: "/stock?codes={keys|csv}", rows: ., key: code, maxBatch: 10 }
  shelves: { get: "/stock/{key}/shelves", rows: . }
fields:
  Article.inStock: { from: count }
  Article.price: { from: cents, money: { minorUnits: 2, currency: EUR } }
  Article.shelves: { call: shelves, key: code }
`;
const STOCK_SDL = `type Article @foundBy(field: "code") @personalData(category: NONE) {
  "The code of the article."
  code: ID!
  "How many there are."
  inStock: Int
  "The price of one."
  price: Money
  "Where it is."
  shelves: [Shelf!]
}

"A place in the warehouse."
type Shelf @personalData(category: NONE) {
  "Its name."
  name: String
}
`;
const SHOP_YAML = `source: shop
connect: { rest: "\${SHOP_URL}", ping: /status }
namespaces: { memberNumber: { pattern: '^M\\d+$', description: "The number of a member." } }
identity:
  recordKey: memberNumber
  id: number
  foundBy: { memberNumber: { call: byNumber, uniqueness: enforced } }
calls:
  byNumber: { get: "/members/{key}" }
fields:
  Customer.favourites: favourites
  Article.code: sku
`;
const SHOP_SDL = `type Customer {
  "The articles that a member likes."
  favourites: [Article!] @personalData(category: BEHAVIOUR) @requiresScopes(scopes: [["orders:read"]])
}

"An article."
type Article @foundBy(field: "code") @personalData(category: NONE) {
  "The code of the article."
  code: ID!
}
`;

describe('the records of a type that another source returns', () => {
  let system: SmallServer;
  let gateway: ReturnType<typeof createTestGateway>;
  beforeAll(async () => {
    system = await startServer(({ url }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://system');
      const codes = (searchParams.get('codes') ?? '').split(',');
      if (pathname.startsWith('/members'))
        sendJson(response, {
          number: pathname.slice('/members/'.length),
          // Only the declared fields of the other source have values.
          favourites: ['b', 'a', 'unknown'].map((sku) => ({ sku, inStock: 99 })),
        });
      else if (pathname.endsWith('/shelves'))
        sendJson(response, [{ name: `shelf of ${pathname.split('/')[2] ?? ''}` }]);
      else
        sendJson(
          response,
          [
            { code: 'a', count: 1, cents: 250 },
            { code: 'b', count: 2, cents: null },
          ].filter(({ code }) => codes.includes(code)),
        );
    });
    const stock = compiled(STOCK_YAML, STOCK_SDL);
    const shop = compiled(SHOP_YAML, SHOP_SDL);
    gateway = createTestGateway(
      { STOCK_URL: system.url, SHOP_URL: system.url },
      { sources: [shop.source, stock.source], sdl: { shop: shop.sdl, stock: stock.sdl } },
      { freshness: 'as declared' },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await system.close();
  });

  const QUERY = `{ customer(by: { memberNumber: "M1" }) {
    favourites { code inStock price { amount } shelves { name } } } }`;
  const stockCalls = () =>
    system.seen.filter(({ url }) => url.startsWith('/stock?')).map(({ url }) => decodeURIComponent(url));

  it('are loaded by their key, in one call for a list', async () => {
    const { data, errors } = await gateway.query(QUERY);
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        favourites: [
          { code: 'b', inStock: 2, price: null, shelves: [{ name: 'shelf of b' }] },
          { code: 'a', inStock: 1, price: { amount: '2.50' }, shelves: [{ name: 'shelf of a' }] },
          { code: 'unknown', inStock: null, price: null, shelves: [{ name: 'shelf of unknown' }] },
        ],
      },
    });
    expect(stockCalls()).toEqual(['/stock?codes=b,a,unknown']);
  });

  it('remain cached after an event about a customer, because they are about no customer', async () => {
    await gateway.query(QUERY);
    system.seen.length = 0;
    await gateway.forget({ identifier: { namespace: 'memberNumber', value: 'M1' } });
    await gateway.query(QUERY);
    expect(stockCalls()).toEqual([]);
    expect(system.seen.map(({ url }) => url)).toContain('/members/M1');
  });
});

test.each([
  ['a type that the SDL lacks', 'Article: byCode', 'Artikel: byCode', /The SDL has no type "Artikel"/],
  ['a type without a key', 'Article: byCode', 'Shelf: byCode', /"Shelf" has no @foundBy/],
  ['customers', 'Article: byCode', 'Customer: byCode', /"Customer" has no records here/],
  ['a call that is missing', 'Article: byCode', 'Article: byCod', /There is no call "byCod"/],
])('a declaration with records of %s is refused', (_, from, to, problem) => {
  const yaml = STOCK_YAML.replace(from, to);
  const sdl = `${STOCK_SDL}\ntype Customer { "A." a: Int @personalData(category: NONE) }`;
  const result = declaredSource({ file: 'stock.yaml', yaml, sdlFile: 'stock.graphql', sdl });
  const problems = 'problems' in result ? result.problems : [];
  expect(problems.map(({ problem: text }) => text)).toContainEqual(expect.stringMatching(problem));
  expect(problems.find(({ problem: text }) => problem.test(text))).toMatchObject({
    file: 'stock.yaml',
    line: 4,
  });
});
