import { afterAll, describe, expect, test } from 'vitest';
import type { ConsentStatement, CustomerRecord } from '../../src/index.js';
import type { GraphqlClient } from '../../src/connectors/graphql/client.js';
import { GatewayError } from '../../src/errors.js';
import { consents } from '../../sources/webshop/consents.js';
import { webshop as source } from '../../sources/webshop/index.js';
import { customersByEmail, customersById, customersByPhone } from '../../sources/webshop/loaders.js';
import { sendJson, startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { openShop, shoppers } from '../stitching/shop.js';

/** Tests a webshop that returns the data of another object under an alias or for an id. */

const customer = (number: number) => ({
  id: `gid://shopify/Customer/${number}`,
  firstName: `Name ${number}`,
  email: `Customer-${number}@example.nl`,
  phone: `+3161234567${number}`,
});

/** Creates a client whose webshop returns this answer to every request. */
function answering(data: Record<string, unknown>): GraphqlClient {
  return { query: () => Promise.resolve({ data, errors: [] }), ping: () => Promise.resolve() };
}

function shown(found: readonly (readonly CustomerRecord[] | Error)[]): unknown[] {
  return found.map((item) =>
    item instanceof GatewayError ? item.code : item instanceof Error ? item : item.map(({ id }) => id),
  );
}

describe('the customer in an answer of the webshop', () => {
  test.each([
    ['an id', customersById, ['1', '2']],
    ['an address', customersByEmail, ['customer-1@example.nl', 'customer-2@example.nl']],
    ['a phone', customersByPhone, ['+31612345671', '+31612345672']],
  ])('is refused if answers to %s are swapped, and accepted if they are not', async (_, loader, keys) => {
    const right = answering({ c0: customer(1), c1: customer(2) });
    expect(shown(await loader.load(keys, right))).toEqual([['1'], ['2']]);
    const swapped = answering({ c0: customer(2), c1: customer(1) });
    expect(shown(await loader.load(keys, swapped))).toEqual(['SOURCE_CONTRACT', 'SOURCE_CONTRACT']);
    const twice = answering({ c0: customer(1), c1: customer(1) });
    expect(shown(await loader.load(keys, twice))).toEqual([['1'], 'SOURCE_CONTRACT']);
  });

  test.each([
    ['without an address', customersByEmail, 'customer-1@example.nl', { ...customer(1), email: null }],
    ['without a phone', customersByPhone, '+31612345671', { ...customer(1), phone: null }],
  ])('is refused if a record %s was found by an identifier', async (_, loader, key, record) => {
    expect(shown(await loader.load([key], answering({ c0: record })))).toEqual(['SOURCE_CONTRACT']);
  });
});

describe('a consent in an answer of the webshop', () => {
  const statement = (number: number) => ({
    id: `gid://shopify/Customer/${number}`,
    emailMarketingConsent: { marketingState: 'UNSUBSCRIBED' },
    smsMarketingConsent: null,
  });
  const load = async (...nodes: unknown[]) =>
    (await consents.ofRecord.load(['1', '2'], answering({ nodes }))).map(
      (item: readonly ConsentStatement[] | Error) => (item instanceof GatewayError ? item.code : item),
    );

  test('is matched by the id of its customer, in any order', async () => {
    const [first, second] = await load(statement(2), statement(1));
    expect([first, second]).toMatchObject([[{ status: 'REVOKED' }], [{ status: 'REVOKED' }]]);
    expect(await load(statement(1), null)).toMatchObject([[{ status: 'REVOKED' }], []]);
  });

  test('is an error, and not null, if the webshop returns another customer', async () => {
    await expect(load(statement(1), statement(3))).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });
});

describe('the data of a customer in an answer of the webshop', async () => {
  const { webshop, close } = await openShop();
  /** A proxy that swaps the customers of a list, and their carts. */
  const between = await startServer(({ body }, response) => {
    void forward(body).then((answer) => {
      sendJson(response, answer);
    });
  });
  const forward = async (body: string): Promise<unknown> => {
    const { WEBSHOP_URL, WEBSHOP_ACCESS_TOKEN } = webshop.settings(webshop.url);
    const answer = await fetch(String(WEBSHOP_URL), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shopify-access-token': String(WEBSHOP_ACCESS_TOKEN) },
      body,
    });
    const content = (await answer.json()) as { data: Record<string, unknown> };
    const names = Object.keys(content.data).filter((name) => /^cart_\d+$/.test(name));
    const carts = names.map((name) => content.data[name]);
    for (const [i, name] of names.entries()) content.data[name] = carts[(i + 1) % carts.length];
    if (Array.isArray(content.data['found'])) content.data['found'] = content.data['found'].toReversed();
    return content;
  };
  const token = webshop.settings(webshop.url)['WEBSHOP_ACCESS_TOKEN'];
  const limits = { timeout: '60 s' } as const;
  const gateway = createTestGateway(
    { WEBSHOP_URL: between.url, WEBSHOP_ACCESS_TOKEN: token, DEADLINE_MS: '60000' },
    { sources: [{ ...source, limits }] },
  );
  afterAll(async () => {
    await gateway.close();
    await between.close();
    await close();
  });

  test('are shown only for that customer, even if the webshop swaps its aliases', async () => {
    const two = shoppers.slice(0, 2).map(({ email }) => ({ email }));
    const { data, errors } = await gateway.query(
      'query ($by: [CustomerKey!]!) { customers(by: $by) { name onlineOrderCount { value } cart { name } } }',
      { by: two },
    );
    expect(listAt(data, 'customers').map((customer) => at(customer, 'cart'))).toEqual([null, null]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customers', 0, 'cart'], 'SOURCE_CONTRACT'],
      [['customers', 1, 'cart'], 'SOURCE_CONTRACT'],
    ]);
    expect(listAt(data, 'customers').map((customer) => at(customer, 'onlineOrderCount', 'value'))).toEqual([
      expect.any(Number) as number,
      expect.any(Number) as number,
    ]);
  });
});
